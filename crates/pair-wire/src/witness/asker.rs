//! The node that asks.

use std::net::SocketAddr;

use pair_core::{Fitness, Incarnation, Member};

use super::{ADDRESS_LEN, Kind, NONCE_LEN, Nonce, QUESTION_LEN, REQUEST_LEN, frame};
use crate::datagram::{DropCause, KeyedMac, PairId};
use crate::key::KeyRing;

/// Writes the requests of one node, and reads what comes back.
pub struct Asker {
    pair: PairId,
    me: Member,
    incarnation: Incarnation,
    pair_keys: Vec<KeyedMac>,
    witness_keys: Vec<KeyedMac>,
}

/// What came back to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The witness has passed the question of this number on.
    PassedOn(Nonce),
    /// The peer's answer to the question of this number.
    Answer {
        /// The number.
        nonce: Nonce,
        /// The run of the peer that answered.
        incarnation: Incarnation,
        /// What the peer says of its own service; a check that fails stands for every reason to be unfit.
        fitness: Fitness,
    },
}

impl Asker {
    /// An asker for the member `me` of the pair of this name, in its run `incarnation`.
    #[must_use]
    pub fn new(pair: &str, me: Member, incarnation: Incarnation, pair_ring: &KeyRing, witness_ring: &KeyRing) -> Self {
        Self {
            pair: PairId::of(pair),
            me,
            incarnation,
            pair_keys: frame::macs(pair_ring),
            witness_keys: frame::macs(witness_ring),
        }
    }

    /// Uses these keys of the pair from here on.
    pub fn accept_keys(&mut self, pair_ring: &KeyRing) {
        self.pair_keys = frame::macs(pair_ring);
    }

    /// The request to pass the question of this number on to the peer at `to`.
    #[must_use]
    pub fn request(&self, nonce: Nonce, to: SocketAddr) -> [u8; REQUEST_LEN] {
        let talk = frame::Talk {
            pair: self.pair,
            sender: self.me,
            fitness: Fitness::Unknown,
            incarnation: self.incarnation,
            nonce,
        };
        let question = frame::talk(&self.pair_keys, Kind::Question, &talk);
        let mac = frame::signer(&self.witness_keys);
        let front = frame::Frame {
            kind: Kind::Request,
            key_id: mac.key_id(),
        };
        let mut out = [0; REQUEST_LEN];
        let (head, rest) = out.split_at_mut(frame::LEN);
        head.copy_from_slice(&front.write());
        let (address, rest) = rest.split_at_mut(ADDRESS_LEN);
        address.copy_from_slice(&frame::write_address(to));
        rest[..QUESTION_LEN].copy_from_slice(&question);
        frame::seal(mac, out)
    }

    /// Reads what came back. Whether the question is still open, and which witness was asked, is the caller's to know.
    ///
    /// # Errors
    /// Why it is not for this node.
    pub fn read(&self, datagram: &[u8]) -> Result<Told, DropCause> {
        if Kind::of(datagram)? == Kind::PassedOn {
            let body = frame::open(&self.witness_keys, Kind::PassedOn, datagram)?;
            let nonce = body.first_chunk::<NONCE_LEN>().ok_or(DropCause::TooShort)?;
            return Ok(Told::PassedOn(Nonce(*nonce)));
        }
        let talk = frame::read_talk(&self.pair_keys, Kind::Answer, self.pair, self.me, datagram)?;
        Ok(Told::Answer {
            nonce: talk.nonce,
            incarnation: talk.incarnation,
            fitness: talk.fitness,
        })
    }
}
