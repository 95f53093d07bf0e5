//! Datagrams that nobody should send: each is dropped, for the right cause, and leaves no trace but its count.

use std::iter;
use std::time::Duration;

use pair_core::{
    AssociationId, EndingCause, Fitness, Heartbeat, InstanceId, Member, Notice, Prefix, Sequence, Unfitness, Version,
    Zone,
};
use pair_wire::{
    datagram::{DropCause, MAX_DATAGRAM, Receiver, Sender},
    key::{Key, KeyRing, SECRET_LEN},
};
use proptest::prelude::*;

use crate::arbitrary::heartbeats;
use crate::support::{ME, active, active_card, encode, encode_with, key_1, key_2, receiver, tagged};

#[test]
fn each_cause_of_a_drop_is_told_and_counted() {
    let ring = KeyRing::single(key_1());
    let good = encode(&ring, &active());
    let mut receiver = receiver(Member::First, &ring);
    receiver.open(&good).unwrap();

    let mut foreign = [0; MAX_DATAGRAM];
    let foreign_len = Sender::new("lb-2", &ring).encode(&active(), &mut foreign);
    let other_secret = KeyRing::single(Key::new(1, [7; SECRET_LEN]));
    let own = Heartbeat {
        prefix: Prefix {
            sender: Member::Second,
            ..active().prefix
        },
        ..active()
    };
    let numbered = |sequence| {
        let prefix = Prefix {
            sequence: Sequence(sequence),
            ..active().prefix
        };
        encode(&ring, &Heartbeat { prefix, ..active() })
    };
    receiver.open(&numbered(9000)).unwrap();
    let left_behind = |body: &mut Vec<u8>| {
        // The report is read of a new number only.
        body[12..20].copy_from_slice(&9001_u64.to_le_bytes());
        body.push(0);
    };

    let cases = [
        (good[..87].to_vec(), DropCause::TooShort),
        (Vec::new(), DropCause::TooShort),
        (vec![0; 513], DropCause::TooLong),
        (vec![0; 512], DropCause::Magic),
        (foreign[..foreign_len].to_vec(), DropCause::Pair),
        (encode(&KeyRing::single(key_2()), &active()), DropCause::KeyUnknown),
        (encode(&other_secret, &active()), DropCause::Tag),
        (encode(&ring, &own), DropCause::OwnEcho),
        (signed(1, &left_behind), DropCause::Malformed),
        (signed(1, &|body| body[0] = 2), DropCause::Malformed),
        (signed(1, &|body| body[1] = 2), DropCause::Malformed),
        (signed(0, &|body| body[0] = 2), DropCause::Malformed),
        (numbered(9000), DropCause::Replayed),
        (numbered(7976), DropCause::TooOld),
        (good, DropCause::TooOld),
    ];
    for (place, (bytes, cause)) in cases.iter().enumerate() {
        let before = *receiver.drops();
        assert_eq!(receiver.open(bytes), Err(*cause), "case {place}");
        assert_eq!(receiver.drops().of(*cause), before.of(*cause) + 1, "case {place}");
        assert_eq!(receiver.drops().total(), before.total() + 1, "case {place}");
    }
    receiver.count_overflow(2);
    assert_eq!(receiver.drops().of(DropCause::Overflow), 2);
    assert!(DropCause::ALL.iter().all(|cause| receiver.drops().of(*cause) > 0));
    receiver.open(&numbered(9001)).unwrap();
}

#[test]
fn of_two_receivers_behind_one_socket_a_datagram_names_one_and_what_is_none_names_neither() {
    let ring = KeyRing::single(key_1());
    let names = ["lb-1", "lb-1/eipalloc-0123abcd"];
    let receivers = names.map(|name| Receiver::new(name, Member::Second, ME, &ring));
    let named = |datagram: &[u8]| receivers.each_ref().map(|receiver| receiver.is_named_in(datagram));
    let mut datagram = [0; MAX_DATAGRAM];
    for (place, name) in names.into_iter().enumerate() {
        let length = Sender::new(name, &ring).encode(&active(), &mut datagram);
        assert_eq!(named(&datagram[..length]), [place == 0, place == 1], "{name}");
        datagram[0] = b'p';
        assert_eq!(named(&datagram[..length]), [false, false], "{name}");
    }
    let length = Sender::new("lb-1/eipalloc-89abcdef", &ring).encode(&active(), &mut datagram);
    assert_eq!(named(&datagram[..length]), [false, false]);
    assert_eq!(named(&datagram[..15]), [false, false]);
}

#[test]
fn either_key_of_the_ring_verifies_and_the_first_signs() {
    let both = KeyRing::pair(key_1(), key_2()).unwrap();
    for ring in [KeyRing::single(key_1()), KeyRing::single(key_2())] {
        assert_eq!(
            receiver(Member::First, &both).open(&encode(&ring, &active())),
            Ok(active())
        );
    }
    let by_both = encode(&both, &active());
    let by_first = receiver(Member::First, &KeyRing::single(key_1())).open(&by_both);
    assert_eq!((by_both[5], by_first), (1, Ok(active())));
}

#[test]
fn a_node_without_a_key_and_one_with_a_key_do_not_hear_each_other() {
    let (open, closed) = (KeyRing::insecure(), KeyRing::single(key_1()));
    assert_eq!(
        receiver(Member::First, &open).open(&encode(&closed, &active())),
        Err(DropCause::KeyUnknown)
    );
    assert_eq!(
        receiver(Member::First, &closed).open(&encode(&open, &active())),
        Err(DropCause::KeyUnknown)
    );
}

#[test]
fn a_forged_datagram_does_not_use_up_its_number() {
    let ring = KeyRing::single(key_1());
    let good = encode(&ring, &active());
    let mut receiver = receiver(Member::First, &ring);
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(receiver.open(&forged), Err(DropCause::Tag));
    assert_eq!(receiver.open(&good), Ok(active()));
}

#[test]
fn the_longest_report_has_351_bytes() {
    let long = "x".repeat(400);
    let mut heartbeat = active();
    let report = heartbeat.report.as_mut().unwrap();
    report.instance = Some(InstanceId::of(&long));
    report.zone = Zone::cut(&long);
    report.version = Version::cut(&long);
    report.fitness = Fitness::Unfit(Unfitness::CheckFailed);
    report.moves = iter::repeat_n(Duration::MAX, 100).collect();
    report.notice = Some(Notice::HostEnds {
        cause: EndingCause::Rebalance,
        left: Some(Duration::MAX),
        hands_over: true,
    });
    report.word.as_mut().unwrap().association = Some(AssociationId::of(&long));
    let ring = KeyRing::single(key_1());
    let datagram = encode_with(&ring, Some(active_card()), &heartbeat);
    assert_eq!(datagram.len(), 56 + 351 + 32);
}

#[test]
fn a_terminal_escape_is_malformed_even_from_the_peer() {
    let bytes = signed(1, &|body| {
        // The last byte says that there is no card, the one before it is the end of the version.
        let at = body.len() - 2;
        body[at] = 0x1b;
    });
    assert_eq!(
        receiver(Member::First, &KeyRing::single(key_1())).open(&bytes),
        Err(DropCause::Malformed)
    );
}

#[test]
fn a_string_over_its_limit_is_malformed_even_from_the_peer() {
    // The length of the zone stands behind query, interval and instance; 49 bytes of zone follow.
    let bytes = signed(1, &|body| {
        let zone_at = 40 + 1 + 4 + 1 + 8 + 19;
        body.splice(
            zone_at..zone_at + 8 + 10,
            [49, 0, 0, 0, 0, 0, 0, 0].into_iter().chain([b'z'; 49]),
        );
    });
    assert_eq!(
        receiver(Member::First, &KeyRing::single(key_1())).open(&bytes),
        Err(DropCause::Malformed)
    );
}

#[test]
fn a_string_that_claims_to_be_huge_is_malformed() {
    let bytes = signed(1, &|body| body[40 + 1 + 4 + 1 + 8 + 19..][..8].fill(0xff));
    assert_eq!(
        receiver(Member::First, &KeyRing::single(key_1())).open(&bytes),
        Err(DropCause::Malformed)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_heartbeat_fits_and_comes_back(heartbeat in heartbeats()) {
        let ring = KeyRing::single(key_1());
        let bytes = encode(&ring, &heartbeat);
        prop_assert!(bytes.len() <= MAX_DATAGRAM);
        prop_assert_eq!(receiver(heartbeat.prefix.sender, &ring).open(&bytes), Ok(heartbeat));
    }

    #[test]
    fn arbitrary_bytes_are_dropped(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let mut receiver = receiver(Member::First, &KeyRing::single(key_1()));
        let cause = receiver.open(&bytes).unwrap_err();
        let expected = match bytes.len() {
            0..88 => DropCause::TooShort,
            88..=512 => DropCause::Magic,
            _ => DropCause::TooLong,
        };
        prop_assert_eq!(cause, expected);
        prop_assert_eq!((receiver.drops().of(cause), receiver.drops().total()), (1, 1));
    }

    #[test]
    fn a_datagram_with_flipped_bits_is_dropped(heartbeat in heartbeats(), flips in prop::collection::vec(any::<prop::sample::Index>(), 1..4)) {
        let ring = KeyRing::single(key_1());
        let mut receiver = receiver(heartbeat.prefix.sender, &ring);
        let good = encode(&ring, &heartbeat);
        let mut bytes = good.clone();
        for flip in flips {
            let bit = flip.index(8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        prop_assume!(bytes != good);
        let cause = receiver.open(&bytes).unwrap_err();
        let expected = match bytes.iter().zip(&good).position(|(bad, good)| bad != good).unwrap() {
            0..4 => &[DropCause::Magic][..],
            5 => &[DropCause::KeyUnknown, DropCause::Pair],
            4 | 6..8 => &[DropCause::Tag, DropCause::KeyUnknown, DropCause::Pair],
            8..16 => &[DropCause::Pair],
            _ => &[DropCause::Tag],
        };
        prop_assert!(expected.contains(&cause), "{:?}", cause);
        prop_assert_eq!((receiver.drops().of(cause), receiver.drops().total()), (1, 1));
        prop_assert_eq!(receiver.open(&good), Ok(heartbeat), "the good one is still new");
    }

    #[test]
    fn a_truncated_datagram_is_dropped(heartbeat in heartbeats(), keep in any::<prop::sample::Index>()) {
        let ring = KeyRing::single(key_1());
        let bytes = encode(&ring, &heartbeat);
        let keep = keep.index(bytes.len());
        let expected = if keep < 88 { DropCause::TooShort } else { DropCause::Tag };
        prop_assert_eq!(receiver(heartbeat.prefix.sender, &ring).open(&bytes[..keep]), Err(expected));
    }

    /// Not even the peer's own key makes a receiver panic or take a body that is none.
    #[test]
    fn signed_bytes_are_read_or_dropped(version in 0u8..3, body in prop::collection::vec(any::<u8>(), 40..425)) {
        let bytes = signed(version, &|to| to.clone_from(&body));
        let mut receiver = receiver(Member::First, &KeyRing::single(key_1()));
        if let Err(cause) = receiver.open(&bytes) {
            prop_assert!(matches!(cause, DropCause::Malformed | DropCause::OwnEcho), "{:?}", cause);
        }
    }

    #[test]
    fn signed_reports_with_flipped_bits_are_read_or_malformed(flips in prop::collection::vec((40usize..180, 0u8..8), 1..4)) {
        let bytes = signed(1, &|body| for (place, bit) in &flips {
            let place = place % body.len();
            body[place.max(40)] ^= 1 << bit;
        });
        let opened = receiver(Member::First, &KeyRing::single(key_1())).open(&bytes);
        prop_assert!(matches!(opened, Ok(_) | Err(DropCause::Malformed)), "{:?}", opened);
    }

    #[test]
    fn a_replayed_stream_is_dropped_whole(order in Just((1u64..200).collect::<Vec<_>>()).prop_shuffle()) {
        let ring = KeyRing::single(key_1());
        let numbered = |sequence| {
            let prefix = Prefix { sequence: Sequence(sequence), ..active().prefix };
            encode(&ring, &Heartbeat { prefix, ..active() })
        };
        let mut receiver: Receiver = receiver(Member::First, &ring);
        for sequence in 1..200 {
            prop_assert!(receiver.open(&numbered(sequence)).is_ok());
        }
        for sequence in order {
            prop_assert_eq!(receiver.open(&numbered(sequence)), Err(DropCause::Replayed));
        }
    }
}

/// The datagram of [`active`] with its body (prefix and report) changed, signed anew with key 1.
fn signed(version: u8, change: &dyn Fn(&mut Vec<u8>)) -> Vec<u8> {
    let good = encode(&KeyRing::single(key_1()), &active());
    let mut body = good[16..good.len() - 32].to_vec();
    change(&mut body);
    tagged(version, &body)
}
