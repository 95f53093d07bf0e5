//! The witness.

use std::net::SocketAddr;

use super::{ADDRESS_LEN, Kind, NONCE_LEN, Nonce, PASSED_ON_LEN, QUESTION_LEN, TALK_LEN, frame};
use crate::datagram::{DropCause, KeyedMac};
use crate::key::KeyRing;

/// Reads the requests of those who share a key with this witness. It reads no question and believes no answer: it has no key for
/// them.
pub struct Carrier {
    witness_keys: Vec<KeyedMac>,
}

/// What a witness is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The number of the question, by which the answer is known.
    pub nonce: Nonce,
    /// Where the question goes.
    pub to: SocketAddr,
    /// The question, as it goes there.
    pub question: [u8; QUESTION_LEN],
}

impl Carrier {
    /// A witness for those who have a key of this ring.
    #[must_use]
    pub fn new(witness_ring: &KeyRing) -> Self {
        Self {
            witness_keys: frame::macs(witness_ring),
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Why it is none.
    pub fn errand(&self, datagram: &[u8]) -> Result<Errand, DropCause> {
        let body = frame::open(&self.witness_keys, Kind::Request, datagram)?;
        let (address, rest) = body.split_first_chunk::<ADDRESS_LEN>().ok_or(DropCause::TooShort)?;
        let question = rest.first_chunk::<QUESTION_LEN>().ok_or(DropCause::TooShort)?;
        // Whatever else might be inside: this witness sends questions and nothing else.
        if Kind::of(question) != Ok(Kind::Question) {
            return Err(DropCause::Malformed);
        }
        Ok(Errand {
            nonce: nonce_of(question).ok_or(DropCause::Malformed)?,
            to: frame::read_address(address).ok_or(DropCause::Malformed)?,
            question: *question,
        })
    }

    /// What tells an asker that its question has been passed on.
    #[must_use]
    pub fn passed_on(&self, nonce: Nonce) -> [u8; PASSED_ON_LEN] {
        let mac = frame::signer(&self.witness_keys);
        let front = frame::Frame {
            kind: Kind::PassedOn,
            key_id: mac.key_id(),
        };
        let mut out = [0; PASSED_ON_LEN];
        out[..frame::LEN].copy_from_slice(&front.write());
        out[frame::LEN..frame::LEN + NONCE_LEN].copy_from_slice(&nonce.0);
        frame::seal(mac, out)
    }

    /// The number of the question that an answer is to, by which the witness knows whose it is.
    ///
    /// # Errors
    /// It is no answer.
    pub fn answered(&self, datagram: &[u8]) -> Result<Nonce, DropCause> {
        if Kind::of(datagram)? != Kind::Answer {
            return Err(DropCause::Malformed);
        }
        nonce_of(datagram).ok_or(DropCause::TooShort)
    }
}

/// The nonce of a question or an answer, which stands at its end, before the tag.
fn nonce_of(datagram: &[u8]) -> Option<Nonce> {
    let talk = datagram.get(frame::LEN..frame::LEN + TALK_LEN)?;
    talk.last_chunk::<NONCE_LEN>().map(|nonce| Nonce(*nonce))
}
