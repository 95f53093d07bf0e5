//! Questions that a witness passes on to a node's peer, and the answers (F-20).
//!
//! ```text
//!          request {question}         question
//!  asker ────────────────────► witness ────────► peer
//!    ▲ ◄─── passed on ───────────┘  ▲ └── answer ──┘
//!    └───── answer ─────────────────┘
//! ```
//!
//! Two keys are at work. Question and answer carry the pair's key, so the peer answers nobody but its own partner, and no witness
//! can make up an answer; the nonce of a question is new each time, so none can keep one for later. Request and "passed on" carry
//! the key of the witness, so it works for those who share that key with it and for nobody else, and its silence can be told from
//! somebody else's noise.
//!
//! Every datagram has the length of its kind, and what goes back to an asker, "passed on" and the answer together, is shorter
//! than its request: nobody can make a witness flood a third party with more than they send themselves.
//!
//! [`Asker`] writes requests and reads what comes back, [`Responder`] answers for a peer, [`Carrier`] is the witness.

mod asker;
mod carrier;
mod frame;
mod responder;

pub use asker::{Asker, Told};
pub use carrier::{Carrier, Errand};
pub use responder::Responder;

use crate::datagram::{DropCause, TAG_LEN};
use frame::Frame;

/// The number of a question: random, and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub [u8; NONCE_LEN]);

/// How long a nonce is.
pub const NONCE_LEN: usize = 16;

/// How long the longest of these datagrams is.
///
/// A buffer to receive into needs one byte more, so that a longer datagram does not pass for one of this length.
pub const MAX_LEN: usize = REQUEST_LEN;

/// How long a question is, and an answer.
pub const QUESTION_LEN: usize = frame::LEN + TALK_LEN + TAG_LEN;

/// How long a request is.
pub const REQUEST_LEN: usize = frame::LEN + ADDRESS_LEN + QUESTION_LEN + TAG_LEN;

/// How long a "passed on" is.
pub const PASSED_ON_LEN: usize = frame::LEN + NONCE_LEN + TAG_LEN;

/// The body of a question or an answer: pair (8), sender (1), fitness (1), reserved (2), incarnation (8), nonce (16).
const TALK_LEN: usize = 36;

/// The address to which a question goes: family (1), reserved (1), port (2), IP (16).
const ADDRESS_LEN: usize = 20;

const _: () = assert!(PASSED_ON_LEN + QUESTION_LEN <= REQUEST_LEN, "no amplifier");

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// For a witness: pass this question on.
    Request,
    /// For a peer: a witness has passed it on.
    Question,
    /// From a witness: it has passed a question on.
    PassedOn,
    /// From a peer, by way of a witness.
    Answer,
}

impl Kind {
    /// What a datagram says it is; nothing of it is proven by that.
    ///
    /// # Errors
    /// It is none of these: too short or long for its kind, or no such kind.
    pub fn of(datagram: &[u8]) -> Result<Self, DropCause> {
        let frame = Frame::read(datagram)?;
        match datagram.len().cmp(&frame.kind.len()) {
            std::cmp::Ordering::Less => Err(DropCause::TooShort),
            std::cmp::Ordering::Greater => Err(DropCause::TooLong),
            std::cmp::Ordering::Equal => Ok(frame.kind),
        }
    }

    const fn len(self) -> usize {
        match self {
            Self::Request => REQUEST_LEN,
            Self::Question | Self::Answer => QUESTION_LEN,
            Self::PassedOn => PASSED_ON_LEN,
        }
    }
}
