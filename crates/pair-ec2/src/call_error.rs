//! What a call that failed proves.
//!
//! Two questions decide what a caller may do next, and every variant answers both: *may the call have
//! taken effect?* and *did anybody answer?* (an API that answers "no" is reachable; one that is silent may
//! mean that the caller is the isolated one). "May have" is the answer whenever there is doubt.
//!
//! Causes are kept as text, so an error is a plain value that can be compared, stored and sent on.

use std::fmt;

use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::http::chain;
use crate::journey::Journey;

/// The longest message kept. EC2 appends kilobytes of encoded explanation to a denial.
const MESSAGE_MAX: usize = 400;
/// Where that explanation starts; only `DecodeAuthorizationMessage` can read it.
const ENCODED_TAIL: &str = " Encoded authorization failure message:";

/// The address, or the private IP it was to go to, is held and `AllowReassociation` was false.
const ALREADY_ASSOCIATED: &str = "Resource.AlreadyAssociated";
/// Codes for "slow down", as listed by the SDK's own throttling classifier.
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];
/// Codes for "you may not" (EC2 API Reference, "Error codes": client errors of authorization and signing).
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "Blocked",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "OperationNotPermitted",
    "OptInRequired",
    "PendingVerification",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Carries what EC2 answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// AWS's error code, such as `UnauthorizedOperation`; empty when the answer had none.
    pub code: String,
    /// AWS's message, shortened.
    pub message: String,
}

/// Sorts the ways in which one attempt can fail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The account's token bucket for this action is empty (`RequestLimitExceeded`).
    ///
    /// Nothing changed, and somebody answered. The same call works after a pause. Normal in a busy account.
    #[error("{call} was throttled: {reply}")]
    Throttled {
        /// The EC2 action.
        call: &'static str,
        /// EC2's words.
        reply: Reply,
    },

    /// The caller may not do this: policy, credentials, signature or clock.
    ///
    /// Nothing changed, and somebody answered. Repeating is useless until someone mends it, with one
    /// exception: right after boot `AuthFailure` has been seen to cure itself within minutes.
    #[error("{call} was denied: {reply}")]
    Denied {
        /// The EC2 action.
        call: &'static str,
        /// EC2's words.
        reply: Reply,
    },

    /// EC2 refuses what the call names: an id that does not exist or is malformed, an instance in the
    /// wrong state, a parameter it will not take.
    ///
    /// Nothing changed, and somebody answered. The same call stays refused until the configuration or the
    /// account changes. An instance terminated more than about an hour ago ends here, too.
    #[error("{call} was refused: {reply}")]
    Gone {
        /// The EC2 action.
        call: &'static str,
        /// EC2's words.
        reply: Reply,
    },

    /// The address is held, or the target private IP holds another one, and `AllowReassociation` was false.
    ///
    /// Nothing changed, and somebody answered. An ordinary answer to a cautious question.
    #[error("{call} found it taken: {reply}")]
    AlreadyAssociated {
        /// The EC2 action.
        call: &'static str,
        /// EC2's words.
        reply: Reply,
    },

    /// The call surely had no effect and may simply be repeated: no connection came about (DNS, TCP, TLS,
    /// deadline), or EC2 said that it is unavailable (503).
    ///
    /// Nothing changed. `answered` tells the two apart.
    #[error("{call} was not carried out: {cause}")]
    Retry {
        /// The EC2 action.
        call: &'static str,
        /// Whether EC2 itself said so; `false` when nothing was sent.
        answered: bool,
        /// What happened.
        cause: String,
    },

    /// An answer came that does not say whether the call took effect: an internal error of EC2 (500), a
    /// gateway's words, an answer cut short or without the part that matters.
    ///
    /// **State may have changed.** Read before repeating. Somebody answered.
    #[error("{call} got an unclear answer: {cause}")]
    Unclear {
        /// The EC2 action.
        call: &'static str,
        /// What came.
        cause: String,
    },

    /// The request may have been sent and no answer came: deadline, reset, end of file.
    ///
    /// **State may have changed**, now or a little later. Read, on a new connection, before repeating.
    /// Nobody answered: the fault may be the caller's own isolation.
    #[error("{call} got no answer: {cause}")]
    Unanswered {
        /// The EC2 action.
        call: &'static str,
        /// What happened.
        cause: String,
    },

    /// There are no credentials to sign with: IMDS has none or does not answer.
    ///
    /// Nothing changed, nothing was sent to EC2. Helped by an instance profile, or by IMDS coming back.
    #[error("{call} was not sent, no credentials from IMDS: {cause}")]
    NoCredentials {
        /// The EC2 action.
        call: &'static str,
        /// What IMDS said.
        cause: String,
    },
}

impl CallError {
    /// Whether the call may have taken effect. Of no weight for a read, which has none.
    #[must_use]
    pub fn may_have_applied(&self) -> bool {
        match self {
            Self::Unclear { .. } | Self::Unanswered { .. } => true,
            Self::Throttled { .. }
            | Self::Denied { .. }
            | Self::Gone { .. }
            | Self::AlreadyAssociated { .. }
            | Self::Retry { .. }
            | Self::NoCredentials { .. } => false,
        }
    }

    /// Whether the other side answered at all, which proves that this host can reach it.
    #[must_use]
    pub fn was_answered(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Denied { .. }
            | Self::Gone { .. }
            | Self::AlreadyAssociated { .. }
            | Self::Unclear { .. } => true,
            Self::Retry { answered, .. } => *answered,
            Self::Unanswered { .. } | Self::NoCredentials { .. } => false,
        }
    }

    /// AWS's error code, when AWS gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Throttled { reply, .. }
            | Self::Denied { reply, .. }
            | Self::Gone { reply, .. }
            | Self::AlreadyAssociated { reply, .. } => Some(&reply.code),
            Self::Retry { .. } | Self::Unclear { .. } | Self::Unanswered { .. } | Self::NoCredentials { .. } => None,
        }
    }

    /// Sorts what the SDK reports, with the journey's word on whether anything left the host.
    pub(crate) fn from_sdk<E>(call: &'static str, error: &SdkError<E>, journey: &Journey) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(context) => {
                let reply = Reply {
                    status: context.raw().status().as_u16(),
                    code: context.err().code().unwrap_or_default().to_owned(),
                    message: shorten(context.err().message().unwrap_or_default()),
                };
                Self::from_reply(call, reply)
            }
            SdkError::ResponseError(context) => Self::Unclear {
                call,
                cause: format!("HTTP {}, {}", context.raw().status().as_u16(), shorten(&chain(error))),
            },
            // Construction, dispatch and time-outs, and whatever the SDK adds to this open enum: only the
            // journey tells whether it left.
            other => Self::from_silence(call, shorten(&chain(other)), journey),
        }
    }

    /// Sorts an attempt that ended without an answer.
    pub(crate) fn from_silence(call: &'static str, cause: String, journey: &Journey) -> Self {
        if journey.may_have_been_sent() {
            Self::Unanswered { call, cause }
        } else {
            Self::Retry {
                call,
                answered: false,
                cause,
            }
        }
    }

    fn from_reply(call: &'static str, reply: Reply) -> Self {
        let code = reply.code.as_str();
        if THROTTLED.contains(&code) || reply.status == 429 {
            return Self::Throttled { call, reply };
        }
        if code == ALREADY_ASSOCIATED {
            return Self::AlreadyAssociated { call, reply };
        }
        if DENIED.contains(&code) {
            return Self::Denied { call, reply };
        }
        match reply.status {
            // Without a code it is not EC2 that speaks but something on the way, which may speak of a
            // request it has already passed on.
            _ if code.is_empty() => Self::Unclear {
                call,
                cause: reply.to_string(),
            },
            401 | 403 => Self::Denied { call, reply },
            400..=499 => Self::Gone { call, reply },
            503 => Self::Retry {
                call,
                answered: true,
                cause: reply.to_string(),
            },
            _ => Self::Unclear {
                call,
                cause: reply.to_string(),
            },
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = if self.code.is_empty() {
            "no error code"
        } else {
            &self.code
        };
        write!(f, "{code} (HTTP {})", self.status)?;
        if self.message.is_empty() {
            Ok(())
        } else {
            write!(f, ", {}", self.message)
        }
    }
}

fn shorten(message: &str) -> String {
    let useful = message.split(ENCODED_TAIL).next().unwrap_or_default();
    match useful.char_indices().nth(MESSAGE_MAX) {
        None => useful.trim_end_matches('.').to_owned(),
        Some((end, _)) => format!("{}…", &useful[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(status: u16, code: &str) -> CallError {
        CallError::from_reply(
            "AssociateAddress",
            Reply {
                status,
                code: code.to_owned(),
                message: String::new(),
            },
        )
    }

    #[test]
    fn codes_are_sorted_by_what_they_prove() {
        use CallError as E;
        assert!(matches!(sorted(503, "RequestLimitExceeded"), E::Throttled { .. }));
        assert!(matches!(sorted(429, ""), E::Throttled { .. }));
        assert!(matches!(sorted(403, "UnauthorizedOperation"), E::Denied { .. }));
        assert!(matches!(sorted(400, "AuthFailure"), E::Denied { .. }));
        assert!(matches!(sorted(403, "SomethingNew"), E::Denied { .. }));
        assert!(matches!(sorted(400, "InvalidAllocationID.NotFound"), E::Gone { .. }));
        assert!(matches!(sorted(400, "InvalidInstanceID.Malformed"), E::Gone { .. }));
        assert!(matches!(
            sorted(400, "Resource.AlreadyAssociated"),
            E::AlreadyAssociated { .. }
        ));
    }

    #[test]
    fn only_a_503_of_ec2_itself_surely_did_nothing() {
        let unavailable = sorted(503, "Unavailable");
        assert!(matches!(unavailable, CallError::Retry { answered: true, .. }));
        assert!(!unavailable.may_have_applied());
        for (status, code) in [(500, "InternalError"), (502, ""), (503, ""), (504, "")] {
            let unclear = sorted(status, code);
            assert!(matches!(unclear, CallError::Unclear { .. }), "{status} {code}");
            assert!(unclear.may_have_applied() && unclear.was_answered());
        }
    }

    #[test]
    fn silence_before_a_connection_changed_nothing() {
        let error = CallError::from_silence("AssociateAddress", "refused".into(), &Journey::default());
        assert!(!error.may_have_applied());
        assert!(!error.was_answered());
        assert_eq!(error.to_string(), "AssociateAddress was not carried out: refused");
    }

    #[test]
    fn a_denial_is_told_without_its_encoded_tail() {
        let message =
            shorten("You are not authorized to perform this operation. Encoded authorization failure message: qVT5");
        assert_eq!(message, "You are not authorized to perform this operation");
        let reply = Reply {
            status: 403,
            code: "UnauthorizedOperation".to_owned(),
            message,
        };
        let error = CallError::from_reply("AssociateAddress", reply);
        assert_eq!(
            error.to_string(),
            "AssociateAddress was denied: UnauthorizedOperation (HTTP 403), \
             You are not authorized to perform this operation"
        );
        assert_eq!(error.code(), Some("UnauthorizedOperation"));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(1000);
        assert_eq!(shorten(&long).chars().count(), MESSAGE_MAX + 1);
    }
}
