//! The witness: passes questions on for those who share its key, and answers back to who has asked.
//!
//! It keeps a question for as long as an answer is worth something, knows an answer by its number, and brings it only if it comes from
//! where the question went. It reads neither: it has no key for them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pair_core::Instant;
use pair_wire::datagram::DropCause;
use pair_wire::key::KeyRing;
use pair_wire::witness::{Carrier, Errand, Nonce, PASSED_ON_LEN};

use super::rate::Rates;

/// How long a question is kept: four times as long as a node waits for its answer.
const KEPT: Duration = Duration::from_secs(2);

/// How many questions are kept at a time: as many as twenty sources can ask in that time at their full rate.
const MOST_KEPT: usize = 4096;

/// A witness.
pub(super) struct Porter {
    carrier: Carrier,
    kept: BTreeMap<Nonce, Parcel>,
    rates: Rates,
}

/// A question that is under way.
#[derive(Clone, Copy, Debug)]
struct Parcel {
    from: SocketAddr,
    to: SocketAddr,
    until: Instant,
}

/// What a witness does about a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Where the question goes, and the question.
    pub(super) errand: Errand,
    /// What the asker is told at once.
    pub(super) passed_on: [u8; PASSED_ON_LEN],
}

/// Why a witness does nothing about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is no request of anybody who shares the key.
    Dropped(DropCause),
    /// Its source asks too often, or too many do.
    Busy,
}

impl Porter {
    pub(super) fn new(ring: &KeyRing) -> Self {
        Self {
            carrier: Carrier::new(ring),
            kept: BTreeMap::new(),
            rates: Rates::default(),
        }
    }

    /// Reads a request, and keeps its question.
    pub(super) fn take(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Result<Round, Refusal> {
        // Who cannot sign a request must not use up what those who can are served with.
        let errand = self.carrier.errand(datagram).map_err(Refusal::Dropped)?;
        if !self.rates.admits(now, from.ip()) {
            return Err(Refusal::Busy);
        }
        if self.kept.len() >= MOST_KEPT {
            self.kept.retain(|_, parcel| parcel.until > now);
        }
        if self.kept.len() >= MOST_KEPT {
            return Err(Refusal::Busy);
        }
        if self.kept.get(&errand.nonce).is_some_and(|parcel| parcel.until > now) {
            return Err(Refusal::Dropped(DropCause::Replayed));
        }
        let parcel = Parcel {
            from,
            to: errand.to,
            until: now + KEPT,
        };
        self.kept.insert(errand.nonce, parcel);
        Ok(Round {
            errand,
            passed_on: self.carrier.passed_on(errand.nonce),
        })
    }

    /// Whether an answer is to a question that this witness has passed on.
    pub(super) fn knows(&self, answer: &[u8]) -> bool {
        let nonce = self.carrier.answered(answer);
        nonce.is_ok_and(|nonce| self.kept.contains_key(&nonce))
    }

    /// Who is waiting for an answer that came from `from`; each answer is brought once.
    pub(super) fn deliver(&mut self, now: Instant, from: SocketAddr, answer: &[u8]) -> Result<SocketAddr, DropCause> {
        let nonce = self.carrier.answered(answer)?;
        let parcel = self.kept.get(&nonce).ok_or(DropCause::TooOld)?;
        if parcel.to != from {
            return Err(DropCause::Malformed);
        }
        let parcel = self.kept.remove(&nonce).ok_or(DropCause::TooOld)?;
        if parcel.until <= now {
            return Err(DropCause::TooOld);
        }
        Ok(parcel.from)
    }
}

#[cfg(test)]
mod tests {
    use pair_core::{Fitness, Incarnation, Member};
    use pair_wire::key::{Key, SECRET_LEN};
    use pair_wire::witness::{Asker, Responder};

    use super::*;

    const ASKER: &str = "10.0.2.10:7695";
    const PEER: &str = "10.0.1.10:7695";

    fn ring(byte: u8) -> KeyRing {
        KeyRing::single(Key::new(1, [byte; SECRET_LEN]))
    }

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn request(nonce: u8) -> Vec<u8> {
        let asker = Asker::new("lb-1", Member::Second, Incarnation(1), &ring(1), &ring(2));
        asker.request(Nonce([nonce; 16]), addr(PEER)).to_vec()
    }

    fn answer(round: &Round) -> Vec<u8> {
        let responder = Responder::new("lb-1", Member::First, Incarnation(2), &ring(1));
        responder.answer(&round.errand.question, Fitness::Fit).unwrap().to_vec()
    }

    #[test]
    fn an_answer_goes_to_who_asked_and_once() {
        let mut porter = Porter::new(&ring(2));
        let round = porter.take(at(0), addr(ASKER), &request(1)).unwrap();
        assert_eq!(round.errand.to, addr(PEER));
        let answer = answer(&round);
        assert!(porter.knows(&answer));
        assert_eq!(
            porter.deliver(at(1), addr(ASKER), &answer),
            Err(DropCause::Malformed),
            "from elsewhere"
        );
        assert_eq!(porter.deliver(at(1), addr(PEER), &answer), Ok(addr(ASKER)));
        assert_eq!(porter.deliver(at(1), addr(PEER), &answer), Err(DropCause::TooOld));
        assert!(!porter.knows(&answer));
    }

    #[test]
    fn an_answer_that_is_late_is_brought_to_nobody() {
        let mut porter = Porter::new(&ring(2));
        let round = porter.take(at(0), addr(ASKER), &request(1)).unwrap();
        assert_eq!(
            porter.deliver(at(2_000), addr(PEER), &answer(&round)),
            Err(DropCause::TooOld)
        );
    }

    #[test]
    fn who_has_another_key_is_not_served_and_uses_nothing_up() {
        let mut porter = Porter::new(&ring(3));
        for _ in 0..1_000 {
            assert_eq!(
                porter.take(at(0), addr(ASKER), &request(1)).map(drop),
                Err(Refusal::Dropped(DropCause::Tag))
            );
        }
        assert!(porter.kept.is_empty());
    }

    #[test]
    fn a_request_that_is_sent_again_is_not_served_again() {
        let mut porter = Porter::new(&ring(2));
        porter.take(at(0), addr(ASKER), &request(1)).unwrap();
        assert_eq!(
            porter.take(at(1), addr("10.9.9.9:53"), &request(1)).map(drop),
            Err(Refusal::Dropped(DropCause::Replayed))
        );
    }

    #[test]
    fn a_source_that_asks_too_often_waits_and_the_others_do_not() {
        let mut porter = Porter::new(&ring(2));
        let taken = (0..=255).filter(|nonce| porter.take(at(0), addr(ASKER), &request(*nonce)).is_ok());
        assert_eq!(taken.count(), 200);
        assert!(porter.take(at(0), addr("10.0.9.10:7695"), &request(255)).is_ok());
    }
}
