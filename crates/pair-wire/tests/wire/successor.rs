//! `bincode` is complete but no longer maintained: `wincode` reads and writes the same bytes, so a swap is possible without
//! a new wire version.

use pair_core::Heartbeat;
use pair_wire::key::KeyRing;
use proptest::prelude::*;

use crate::arbitrary::{heartbeats, reports};
use crate::mirror::{Body, Card, Fitness, Hold, Holder, Member, Notice, Source, Word};
use crate::support::{active, active_card, encode, encode_with, key_1, key_2};

fn body() -> Body {
    Body {
        query: true,
        interval_us: 200_000,
        instance: Some("i-0aaaaaaaaaaaaaaaa".to_owned()),
        zone: "us-east-1a".to_owned(),
        fitness: Fitness::Fit,
        saturated: true,
        ready: true,
        word: Some(Word {
            holder: Holder::Member(Member::First),
            association: Some("eipassoc-0123456789abcdef0".to_owned()),
            source: Source::Imds,
            age_us: 1_000_000,
        }),
        claiming: false,
        yielding: false,
        by_order: true,
        moves_s: vec![3, 599],
        notice: Some(Notice::Restarting { grace_us: 10_000_000 }),
        hold: Some(Hold {
            number: 3,
            by: Member::Second,
            remaining_us: 3_600_000_000,
        }),
        version: "0.1.0".to_owned(),
        card: Some(Card {
            config: [0, 1, 2, 3, 4, 5, 6, 7],
            haproxy: Some([8, 9, 10, 11, 12, 13, 14, 15]),
            unix_ms: 1_767_323_045_000,
        }),
    }
}

#[test]
fn wincode_reads_and_writes_the_report_of_bincode() {
    let ring = KeyRing::pair(key_1(), key_2()).unwrap();
    let datagram = encode_with(&ring, Some(active_card()), &active());
    let report = &datagram[56..datagram.len() - 32];
    assert_eq!(wincode::serialize(&body()).unwrap(), report);
    assert_eq!(wincode::deserialize::<Body>(report).unwrap(), body());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn wincode_reads_and_writes_every_report_of_bincode(heartbeat in heartbeats(), report in reports()) {
        let datagram = encode(&KeyRing::single(key_1()), &Heartbeat { report: Some(report.clone()), ..heartbeat });
        let bytes = &datagram[56..datagram.len() - 32];
        prop_assert_eq!(wincode::serialize(&Body::of(&report, None)).unwrap(), bytes);
        prop_assert_eq!(wincode::deserialize::<Body>(bytes).unwrap(), Body::of(&report, None));
    }
}
