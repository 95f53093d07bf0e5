//! The node that is asked about.

use pair_core::{Fitness, Incarnation, Member};

use super::{Kind, QUESTION_LEN, frame};
use crate::datagram::{DropCause, KeyedMac, PairId};
use crate::key::KeyRing;

/// Answers for one node what its peer asks by way of a witness.
pub struct Responder {
    pair: PairId,
    me: Member,
    incarnation: Incarnation,
    pair_keys: Vec<KeyedMac>,
}

impl Responder {
    /// A responder for the member `me` of the pair of this name, in its run `incarnation`.
    #[must_use]
    pub fn new(pair: &str, me: Member, incarnation: Incarnation, pair_ring: &KeyRing) -> Self {
        Self {
            pair: PairId::of(pair),
            me,
            incarnation,
            pair_keys: frame::macs(pair_ring),
        }
    }

    /// Uses these keys of the pair from here on.
    pub fn accept_keys(&mut self, pair_ring: &KeyRing) {
        self.pair_keys = frame::macs(pair_ring);
    }

    /// The answer to a question, for whoever has passed it on.
    ///
    /// # Errors
    /// Why it is no question of this node's peer.
    pub fn answer(&self, question: &[u8], fitness: Fitness) -> Result<[u8; QUESTION_LEN], DropCause> {
        let asked = frame::read_talk(&self.pair_keys, Kind::Question, self.pair, self.me, question)?;
        let talk = frame::Talk {
            pair: self.pair,
            sender: self.me,
            fitness,
            incarnation: self.incarnation,
            nonce: asked.nonce,
        };
        Ok(frame::talk(&self.pair_keys, Kind::Answer, &talk))
    }
}
