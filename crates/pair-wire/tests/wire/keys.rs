//! Keys that change: which of them the peer has is seen before anybody signs with them.

use pair_core::Member;
use pair_wire::{
    datagram::DropCause,
    key::{Key, KeyRing, SECRET_LEN},
};

use crate::support::{active, encode, key_1, key_2, receiver};

fn both() -> KeyRing {
    KeyRing::pair(key_1(), key_2()).expect("two keys with two ids")
}

#[test]
fn the_peer_is_seen_to_accept_what_it_signs_with_and_its_other_key() {
    let mut node = receiver(Member::First, &both());
    assert_eq!(node.peer_keys(), None);
    node.open(&encode(&KeyRing::single(key_1()), &active())).unwrap();
    let keys = node.peer_keys().unwrap();
    assert_eq!(keys.signs(), 1);
    assert!(keys.accepts(&key_1()) && !keys.accepts(&key_2()));

    let mut node = receiver(Member::First, &both());
    node.open(&encode(&both(), &active())).unwrap();
    let keys = node.peer_keys().unwrap();
    assert!(keys.accepts(&key_1()) && keys.accepts(&key_2()));
    assert!(!keys.accepts_another_than(&both()));
    assert!(keys.accepts_another_than(&KeyRing::single(key_1())));
}

#[test]
fn a_secret_that_differs_is_another_key_whatever_its_id() {
    let other = Key::new(2, [0x5a; SECRET_LEN]);
    let theirs = KeyRing::pair(key_1(), other).unwrap();
    let mut node = receiver(Member::First, &both());
    node.open(&encode(&theirs, &active())).unwrap();
    let keys = node.peer_keys().unwrap();
    assert!(!keys.accepts(&key_2()) && keys.accepts_another_than(&both()));
}

#[test]
fn what_is_dropped_shows_no_keys() {
    let mut node = receiver(Member::First, &both());
    let mut forged = encode(&both(), &active());
    forged[6] ^= 1;
    assert_eq!(node.open(&forged), Err(DropCause::Tag));
    assert_eq!(node.peer_keys(), None);
    let good = encode(&KeyRing::single(key_1()), &active());
    node.open(&good).unwrap();
    let seen = node.peer_keys();
    assert_eq!(node.open(&encode(&both(), &active())), Err(DropCause::Replayed));
    assert_eq!(node.peer_keys(), seen, "the same number again, whatever it says");
}

#[test]
fn other_keys_are_accepted_from_one_datagram_to_the_next_and_nothing_is_forgotten() {
    let mut node = receiver(Member::First, &KeyRing::single(key_1()));
    let old = encode(&KeyRing::single(key_1()), &active());
    let new = encode(&KeyRing::single(key_2()), &active());
    node.open(&old).unwrap();
    assert_eq!(node.open(&new), Err(DropCause::KeyUnknown));
    node.accept_keys(&both());
    assert_eq!(node.open(&new), Err(DropCause::Replayed));
    assert_eq!(node.open(&old), Err(DropCause::Replayed));
    node.accept_keys(&KeyRing::single(key_2()));
    assert_eq!(node.open(&old), Err(DropCause::KeyUnknown));
    assert_eq!(node.drops().by_name()["key-unknown"], 2);
}
