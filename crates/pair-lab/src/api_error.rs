//! The errors of the EC2 Query API that the emulator answers with.

use thiserror::Error;

use crate::xml::Element;

/// An error answer: the HTTP status, EC2's code and a sentence.
///
/// The caller's call changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code} ({status}): {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// EC2's error code, such as `Resource.AlreadyAssociated`.
    pub code: String,
    /// What EC2 would tell a person.
    pub message: String,
}

impl ApiError {
    /// Makes an error the caller is to blame for (status 400).
    pub(crate) fn client(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// Makes the answer to a dry run that would have succeeded.
    pub(crate) fn dry_run() -> Self {
        Self::new(
            412,
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        )
    }

    /// Makes the answer of a policy that does not allow the call.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform this operation.",
        )
    }

    /// Makes the answer of an empty token bucket.
    pub(crate) fn throttled() -> Self {
        Self::new(503, "RequestLimitExceeded", "Request limit exceeded.")
    }

    /// Makes the answer of an EC2 that failed inside.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", message)
    }

    /// Renders the error document of the EC2 Query API.
    pub(crate) fn to_xml(&self, request_id: &str) -> Element {
        let error = Element::new("Error")
            .text("Code", &self.code)
            .text("Message", &self.message);
        Element::new("Response")
            .child(Element::new("Errors").child(error))
            .text("RequestID", request_id)
    }

    fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }
}
