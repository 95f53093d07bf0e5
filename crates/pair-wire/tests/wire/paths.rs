//! Datagrams that come by several paths: the first copy is believed, the others say that their paths work.

use pair_core::{Heartbeat, Member, Prefix, Sequence};
use pair_wire::{
    datagram::{DropCause, HeardPaths, Opened, Receiver},
    key::KeyRing,
};

use crate::support::{ME, active, encode, key_1};

fn receiver(paths: usize) -> Receiver {
    Receiver::of_paths(paths, "lb-1", Member::Second, ME, &KeyRing::single(key_1()))
}

fn numbered(sequence: u64) -> Vec<u8> {
    let prefix = Prefix {
        sequence: Sequence(sequence),
        ..active().prefix
    };
    encode(&KeyRing::single(key_1()), &Heartbeat { prefix, ..active() })
}

/// What came of it: the number that was heard first, or whose copy it is.
fn open(receiver: &mut Receiver, path: usize, sequence: u64) -> Result<(bool, u64), DropCause> {
    receiver.open_on(path, &numbered(sequence)).map(|opened| match opened {
        Opened::First(heartbeat) => (true, heartbeat.prefix.sequence.0),
        Opened::Copy(prefix) => (false, prefix.sequence.0),
    })
}

#[test]
fn the_first_copy_is_heard_and_the_second_is_no_drop() {
    let mut receiver = receiver(2);
    for number in 1..50 {
        let (first, second) = if number % 3 == 0 { (1, 0) } else { (0, 1) };
        assert_eq!(open(&mut receiver, first, number), Ok((true, number)));
        assert_eq!(open(&mut receiver, second, number), Ok((false, number)));
    }
    assert_eq!(receiver.drops().total(), 0);
}

#[test]
fn what_a_path_brings_again_is_a_replay() {
    let mut receiver = receiver(2);
    open(&mut receiver, 0, 7).unwrap();
    assert_eq!(open(&mut receiver, 0, 7), Err(DropCause::Replayed));
    open(&mut receiver, 1, 7).unwrap();
    for path in [0, 1, 1] {
        assert_eq!(open(&mut receiver, path, 7), Err(DropCause::Replayed));
    }
    assert_eq!(receiver.drops().of(DropCause::Replayed), 4);
}

#[test]
fn what_one_path_lost_the_other_one_brings_however_late_it_began() {
    let mut receiver = receiver(2);
    assert_eq!(open(&mut receiver, 0, 10), Ok((true, 10)));
    assert_eq!(open(&mut receiver, 0, 13), Ok((true, 13)));
    // The other path begins here, and its window with it.
    assert_eq!(open(&mut receiver, 1, 13), Ok((false, 13)));
    assert_eq!(open(&mut receiver, 1, 12), Ok((true, 12)));
    assert_eq!(open(&mut receiver, 1, 11), Ok((true, 11)));
}

#[test]
fn a_path_that_lags_by_a_whole_window_brings_nothing() {
    let mut receiver = receiver(2);
    open(&mut receiver, 0, 1).unwrap();
    open(&mut receiver, 0, 2_000).unwrap();
    assert_eq!(open(&mut receiver, 1, 1), Err(DropCause::TooOld));
}

#[test]
fn a_receiver_of_one_path_knows_no_copies() {
    let mut receiver = receiver(1);
    receiver.open(&numbered(5)).unwrap();
    assert_eq!(receiver.open(&numbered(5)), Err(DropCause::Replayed));
    assert_eq!(receiver.drops().of(DropCause::Replayed), 1);
}

#[test]
fn which_paths_are_heard_is_told_of_each_or_of_none() {
    let told = |heard: &[bool], path| HeardPaths::of(heard.iter().copied()).is_heard_by(path);
    assert_eq!(told(&[true, false], 0), Some(true));
    assert_eq!(told(&[true, false], 1), Some(false));
    assert_eq!(told(&[true], 1), Some(false), "its node has no such path");
    assert_eq!(told(&[false, false], 0), None, "the missing echo says it");
    assert_eq!((told(&[true; 9], 7), told(&[true; 9], 8)), (Some(true), None));
}

#[test]
fn a_peer_that_does_not_tell_which_paths_it_hears_is_heard_all_the_same() {
    let mut receiver = receiver(2);
    open(&mut receiver, 0, 1).unwrap();
    assert_eq!(receiver.heard_paths(), HeardPaths::default());
    assert_eq!(receiver.heard_paths().is_heard_by(0), None);
}
