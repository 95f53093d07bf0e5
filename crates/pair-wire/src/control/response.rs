//! What a daemon answers.

use serde::{Deserialize, Serialize};

use super::{CONTROL_VERSION, Diagnosis, Events, Message, Moved, Part, RESPONSE_LIMIT, Status, Why};

/// One response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The version of the protocol that the daemon speaks: [`CONTROL_VERSION`].
    pub version: u32,
    /// How the request went.
    pub outcome: Outcome,
}

/// How a request went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done.
    Ok(Answer),
    /// The daemon understood and will not: an ordinary answer, nothing was changed.
    Refused {
        /// Why, in one sentence without full stop.
        reason: String,
        /// What the operator can do about it.
        hint: Option<String>,
    },
    /// The request was not understood, or failed on its way.
    Error {
        /// What failed, in one sentence without full stop.
        message: String,
    },
}

/// What a request brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// What the node knows.
    Status(Box<Status>),
    /// The order was carried out.
    Done {
        /// What was done, in one sentence without full stop.
        text: String,
    },
    /// The address was moved.
    Moved(Box<Moved>),
    /// What happened lately, and why.
    Why(Why),
    /// What an examination found.
    Diagnosis(Box<Diagnosis>),
    /// A part of the journal.
    Events(Events),
    /// A part of the record.
    Part(Part),
}

impl Response {
    /// A response in the version of this crate.
    #[must_use]
    pub const fn new(outcome: Outcome) -> Self {
        Self {
            version: CONTROL_VERSION,
            outcome,
        }
    }

    /// The response with a status document.
    #[must_use]
    pub fn status(status: Status) -> Self {
        Self::new(Outcome::Ok(Answer::Status(Box::new(status))))
    }

    /// The response that says what was done.
    #[must_use]
    pub fn done(text: impl Into<String>) -> Self {
        Self::new(Outcome::Ok(Answer::Done { text: text.into() }))
    }

    /// The response that refuses.
    #[must_use]
    pub fn refused(reason: impl Into<String>, hint: Option<String>) -> Self {
        Self::new(Outcome::Refused {
            reason: reason.into(),
            hint,
        })
    }

    /// The response that says what failed.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Outcome::Error {
            message: message.into(),
        })
    }
}

impl Message for Response {
    const LIMIT: usize = RESPONSE_LIMIT;
}
