//! What witnesses carry: golden files that another implementation wrote, a whole round, and what nobody should send.

use std::net::SocketAddr;

use pair_core::{Fitness, Incarnation, Member, Unfitness};
use pair_wire::{
    datagram::DropCause,
    key::{Key, KeyRing, SECRET_LEN},
    witness::{Asker, Carrier, Kind, MAX_LEN, Nonce, PASSED_ON_LEN, QUESTION_LEN, REQUEST_LEN, Responder, Told},
};
use proptest::prelude::*;

use crate::support::{ME, PAIR, key_1, key_2};

const NONCE: Nonce = Nonce([
    0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
]);
const PEER: Incarnation = Incarnation(0x0123_4567_89ab_cdef);
const UNFIT: Fitness = Fitness::Unfit(Unfitness::CheckFailed);

fn pair_ring() -> KeyRing {
    KeyRing::single(key_1())
}

fn witness_ring() -> KeyRing {
    KeyRing::single(Key::new(7, [0x5a; SECRET_LEN]))
}

fn asker() -> Asker {
    Asker::new(PAIR, Member::Second, ME, &pair_ring(), &witness_ring())
}

fn responder() -> Responder {
    Responder::new(PAIR, Member::First, PEER, &pair_ring())
}

fn carrier() -> Carrier {
    Carrier::new(&witness_ring())
}

fn peer() -> SocketAddr {
    "10.0.1.10:7695".parse().unwrap()
}

fn golden(text: &str) -> Vec<u8> {
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn a_round_is_what_the_golden_files_say() {
    let request = asker().request(NONCE, peer());
    assert_eq!(request[..], golden(include_str!("../golden/witness-request.hex")));
    let errand = carrier().errand(&request).unwrap();
    assert_eq!((errand.nonce, errand.to), (NONCE, peer()));
    assert_eq!(
        errand.question[..],
        golden(include_str!("../golden/witness-question.hex"))
    );
    let passed_on = carrier().passed_on(errand.nonce);
    assert_eq!(passed_on[..], golden(include_str!("../golden/witness-passed-on.hex")));
    assert_eq!(asker().read(&passed_on), Ok(Told::PassedOn(NONCE)));
    let answers = [
        (Fitness::Fit, include_str!("../golden/witness-answer.hex")),
        (UNFIT, include_str!("../golden/witness-answer-unfit.hex")),
    ];
    for (fitness, expected) in answers {
        let answer = responder().answer(&errand.question, fitness).unwrap();
        assert_eq!(answer[..], golden(expected));
        assert_eq!(carrier().answered(&answer), Ok(NONCE));
        let told = Told::Answer {
            nonce: NONCE,
            incarnation: PEER,
            fitness,
        };
        assert_eq!(asker().read(&answer), Ok(told));
    }
}

#[test]
fn a_peer_may_have_an_ipv6_address() {
    let to = "[2001:db8::1]:7695".parse().unwrap();
    let request = asker().request(NONCE, to);
    assert_eq!(request[..], golden(include_str!("../golden/witness-request-ipv6.hex")));
    assert_eq!(carrier().errand(&request).unwrap().to, to);
}

#[test]
fn every_reason_to_be_unfit_is_one_and_unknown_is_none() {
    let question = carrier().errand(&asker().request(NONCE, peer())).unwrap().question;
    for (said, heard) in [
        (Fitness::Unknown, Fitness::Unknown),
        (Fitness::Unfit(Unfitness::ServiceGone), UNFIT),
        (Fitness::Unfit(Unfitness::HostStopping), UNFIT),
    ] {
        let answer = responder().answer(&question, said).unwrap();
        let Ok(Told::Answer { fitness, .. }) = asker().read(&answer) else {
            panic!("an answer is read")
        };
        assert_eq!(fitness, heard);
    }
}

#[test]
fn nothing_that_comes_back_is_longer_than_what_was_sent() {
    assert_eq!((REQUEST_LEN, QUESTION_LEN, PASSED_ON_LEN, MAX_LEN), (136, 76, 56, 136));
    const { assert!(PASSED_ON_LEN + QUESTION_LEN <= REQUEST_LEN) }
}

#[test]
fn a_witness_works_for_nobody_who_does_not_share_its_key() {
    let strangers = |ring: &KeyRing| Asker::new(PAIR, Member::Second, ME, &pair_ring(), ring).request(NONCE, peer());
    let other_secret = KeyRing::single(Key::new(7, [1; SECRET_LEN]));
    assert_eq!(carrier().errand(&strangers(&other_secret)), Err(DropCause::Tag));
    assert_eq!(carrier().errand(&strangers(&pair_ring())), Err(DropCause::KeyUnknown));
    let second = KeyRing::pair(key_2(), Key::new(7, [0x5a; SECRET_LEN])).unwrap();
    assert!(Carrier::new(&second).errand(&asker().request(NONCE, peer())).is_ok());
}

#[test]
fn a_witness_can_answer_for_nobody() {
    let question = carrier().errand(&asker().request(NONCE, peer())).unwrap().question;
    // Who has the key of the witness only, and pretends to be the peer.
    let forger = Responder::new(PAIR, Member::First, PEER, &witness_ring());
    assert_eq!(forger.answer(&question, Fitness::Fit), Err(DropCause::KeyUnknown));
    let mut forged = responder().answer(&question, Fitness::Fit).unwrap();
    forged[17] = 2;
    assert_eq!(asker().read(&forged), Err(DropCause::Tag));
    // A "passed on" by whoever is not the witness.
    let other = Carrier::new(&KeyRing::single(Key::new(7, [1; SECRET_LEN])));
    assert_eq!(asker().read(&other.passed_on(NONCE)), Err(DropCause::Tag));
}

#[test]
fn a_peer_answers_its_partner_and_nobody_else() {
    let ask = |pair: &str, me, ring: &KeyRing| {
        let request = Asker::new(pair, me, ME, ring, &witness_ring()).request(NONCE, peer());
        let question = carrier().errand(&request).unwrap().question;
        responder().answer(&question, Fitness::Fit).map(|_| ())
    };
    assert_eq!(ask(PAIR, Member::Second, &pair_ring()), Ok(()));
    assert_eq!(ask("lb-2", Member::Second, &pair_ring()), Err(DropCause::Pair));
    assert_eq!(ask(PAIR, Member::First, &pair_ring()), Err(DropCause::OwnEcho));
    assert_eq!(
        ask(PAIR, Member::Second, &KeyRing::single(Key::new(1, [3; SECRET_LEN]))),
        Err(DropCause::Tag)
    );
    assert_eq!(
        ask(PAIR, Member::Second, &KeyRing::single(key_2())),
        Err(DropCause::KeyUnknown)
    );
}

#[test]
fn keys_can_be_changed_while_a_node_runs() {
    let both = KeyRing::pair(key_2(), key_1()).unwrap();
    let (mut asker, mut responder) = (asker(), responder());
    asker.accept_keys(&both);
    let question = carrier().errand(&asker.request(NONCE, peer())).unwrap().question;
    assert_eq!(responder.answer(&question, Fitness::Fit), Err(DropCause::KeyUnknown));
    responder.accept_keys(&both);
    let answer = responder.answer(&question, Fitness::Fit).unwrap();
    assert!(asker.read(&answer).is_ok());
}

#[test]
fn what_is_of_another_kind_is_not_taken_for_this_one() {
    let request = asker().request(NONCE, peer());
    let question = carrier().errand(&request).unwrap().question;
    let answer = responder().answer(&question, Fitness::Fit).unwrap();
    let passed_on = carrier().passed_on(NONCE);
    let all: [(&[u8], Kind); 4] = [
        (&request, Kind::Request),
        (&question, Kind::Question),
        (&passed_on, Kind::PassedOn),
        (&answer, Kind::Answer),
    ];
    for (datagram, kind) in all {
        assert_eq!(Kind::of(datagram), Ok(kind));
        assert_eq!(carrier().errand(datagram).is_ok(), kind == Kind::Request);
        assert_eq!(carrier().answered(datagram).is_ok(), kind == Kind::Answer);
        assert_eq!(
            responder().answer(datagram, Fitness::Fit).is_ok(),
            kind == Kind::Question
        );
        let is_told = matches!(kind, Kind::PassedOn | Kind::Answer);
        assert_eq!(asker().read(datagram).is_ok(), is_told);
    }
}

#[test]
fn lengths_versions_and_kinds_that_do_not_exist_are_dropped_for_their_cause() {
    let good = carrier().passed_on(NONCE);
    let changed = |at: usize, byte: u8| {
        let mut bad = good;
        bad[at] = byte;
        Kind::of(&bad)
    };
    assert_eq!(Kind::of(&good[..7]), Err(DropCause::TooShort));
    assert_eq!(Kind::of(&good[..55]), Err(DropCause::TooShort));
    assert_eq!(Kind::of(&[&good[..], &[0]].concat()), Err(DropCause::TooLong));
    assert_eq!(changed(3, b'R'), Err(DropCause::Magic));
    assert_eq!(changed(4, 2), Err(DropCause::Malformed));
    assert_eq!(changed(5, 4), Err(DropCause::Malformed));
}

proptest! {
    #[test]
    fn a_flipped_bit_is_noticed(place in 0..REQUEST_LEN * 8) {
        let mut request = asker().request(NONCE, peer());
        request[place / 8] ^= 1 << (place % 8);
        prop_assert!(carrier().errand(&request).is_err());
    }
}
