//! The bytes of a heartbeat, fixed in files that another implementation wrote (`golden/make.py`).

use std::time::Duration;

use pair_core::{
    AssociationId, Echo, EndingCause, Fitness, Heartbeat, Hold, HoldVersion, Holder, Incarnation, InstanceId, Member,
    Moves, Notice, Prefix, Report, Sequence, Source, Unfitness, Version, Word, Zone,
};
use pair_wire::{
    datagram::{Card, DIGEST_LEN, DropCause, HeardPaths, MAX_DATAGRAM, Sender},
    key::KeyRing,
};

use crate::support::{PAIR, active, active_card, encode_with, key_1, key_2, receiver};

#[test]
fn a_node_that_has_just_started() {
    let heartbeat = Heartbeat {
        prefix: prefix(Member::First, 1, 1, None),
        report: Some(starting()),
    };
    assert_golden(
        include_str!("../golden/starting.hex"),
        &KeyRing::single(key_1()),
        &heartbeat,
    );
}

#[test]
fn a_node_that_holds_the_address() {
    assert_golden_with(
        include_str!("../golden/active.hex"),
        &KeyRing::single(key_1()),
        Some(active_card()),
        &active(),
    );
}

#[test]
fn a_node_that_yields_signed_with_another_key() {
    let report = Report {
        interval: Duration::from_micros(u32::MAX.into()),
        instance: Some(InstanceId::of("i-0bbbbbbbbbbbbbbbb")),
        zone: Zone::cut("us-east-1b"),
        fitness: Fitness::Unfit(Unfitness::CheckFailed),
        word: Some(Word {
            holder: Holder::Misplaced(Member::Second),
            association: None,
            source: Source::Peer,
            age: Duration::from_micros(u64::MAX),
        }),
        yielding: true,
        notice: Some(Notice::Leaving),
        ..starting()
    };
    let prefix = prefix(Member::Second, u64::MAX, u64::MAX, Some((3, 4, u32::MAX)));
    let heartbeat = Heartbeat {
        prefix,
        report: Some(report),
    };
    assert_golden(
        include_str!("../golden/unfit.hex"),
        &KeyRing::pair(key_2(), key_1()).unwrap(),
        &heartbeat,
    );
}

#[test]
fn a_node_that_claims_without_a_key() {
    let report = Report {
        interval: Duration::from_millis(50),
        instance: Some(InstanceId::of("i-0bbbbbbbbbbbbbbbb")),
        zone: Zone::cut("us-east-1b"),
        fitness: Fitness::Unfit(Unfitness::HostStopping),
        ready: true,
        word: Some(Word {
            holder: Holder::Stranger,
            association: Some(AssociationId::of("eipassoc-0fedcba9876543210")),
            source: Source::Ec2,
            age: Duration::ZERO,
        }),
        claiming: true,
        ..starting()
    };
    let heartbeat = Heartbeat {
        prefix: prefix(Member::Second, 7, 8, Some((9, 10, 0))),
        report: Some(report),
    };
    assert_golden(include_str!("../golden/claiming.hex"), &KeyRing::insecure(), &heartbeat);
}

#[test]
fn a_node_whose_service_is_gone() {
    let report = Report {
        interval: Duration::from_millis(10),
        fitness: Fitness::Unfit(Unfitness::ServiceGone),
        word: Some(Word {
            holder: Holder::Nobody,
            association: None,
            source: Source::Reply,
            age: Duration::from_micros(1),
        }),
        version: Version::default(),
        ..starting()
    };
    let heartbeat = Heartbeat {
        prefix: prefix(Member::First, 5, 6, None),
        report: Some(report),
    };
    assert_golden(
        include_str!("../golden/nobody.hex"),
        &KeyRing::single(key_1()),
        &heartbeat,
    );
}

#[test]
fn a_node_whose_host_ends() {
    let report = Report {
        fitness: Fitness::Fit,
        word: Some(Word {
            holder: Holder::Member(Member::First),
            association: None,
            source: Source::Imds,
            age: Duration::ZERO,
        }),
        yielding: true,
        notice: Some(Notice::HostEnds {
            cause: EndingCause::Maintenance,
            left: Some(Duration::from_secs(540)),
            hands_over: true,
        }),
        version: Version::default(),
        ..starting()
    };
    let heartbeat = Heartbeat {
        prefix: prefix(Member::First, 5, 8, None),
        report: Some(report),
    };
    assert_golden(
        include_str!("../golden/ending.hex"),
        &KeyRing::single(key_1()),
        &heartbeat,
    );
}

#[test]
fn a_node_that_sees_a_former_member() {
    let report = Report {
        fitness: Fitness::Fit,
        ready: true,
        word: Some(Word {
            holder: Holder::Former,
            association: None,
            source: Source::Ec2,
            age: Duration::ZERO,
        }),
        hold: Some(Hold {
            version: HoldVersion {
                number: u64::MAX,
                by: Member::First,
            },
            remaining: Duration::ZERO,
        }),
        version: Version::default(),
        ..starting()
    };
    let heartbeat = Heartbeat {
        prefix: prefix(Member::First, 5, 7, None),
        report: Some(report),
    };
    let card = Card {
        config: [0xff; DIGEST_LEN],
        haproxy: None,
        unix_ms: 0,
    };
    assert_golden_with(
        include_str!("../golden/former.hex"),
        &KeyRing::single(key_1()),
        Some(card),
        &heartbeat,
    );
}

#[test]
fn a_heartbeat_without_a_report() {
    let heartbeat = Heartbeat {
        prefix: prefix(Member::Second, 11, 12, Some((13, 14, 15))),
        report: None,
    };
    assert_golden(
        include_str!("../golden/prefix-only.hex"),
        &KeyRing::single(key_1()),
        &heartbeat,
    );
}

#[test]
fn a_node_that_hears_by_the_second_of_its_paths() {
    let ring = KeyRing::single(key_1());
    let heartbeat = Heartbeat {
        prefix: prefix(Member::Second, 11, 12, Some((13, 14, 15))),
        report: None,
    };
    let heard = HeardPaths::of([false, true]);
    let bytes = bytes_of(include_str!("../golden/paths.hex"));
    let (mut out, mut sender) = ([0; MAX_DATAGRAM], Sender::new(PAIR, &ring));
    sender.show_paths(heard);
    let len = sender.encode(&heartbeat, &mut out);
    assert_eq!(out[..len], bytes, "value to bytes");
    let mut receiver = receiver(Member::Second, &ring);
    assert_eq!(receiver.open(&bytes), Ok(heartbeat), "bytes to value");
    assert_eq!(receiver.heard_paths(), heard, "bytes to paths");
}

#[test]
fn a_heartbeat_of_a_later_version_is_life_without_content() {
    let bytes = bytes_of(include_str!("../golden/future.hex"));
    let heartbeat = Heartbeat {
        prefix: prefix(Member::Second, 11, 13, Some((13, 14, 15))),
        report: None,
    };
    let ring = KeyRing::single(key_1());
    assert_eq!(receiver(Member::Second, &ring).open(&bytes), Ok(heartbeat));
}

#[test]
fn the_protocol_page_shows_a_golden_file_and_every_cause_of_a_drop() {
    let page = include_str!("../../../../docs/PROTOCOL.md");
    for line in include_str!("../golden/starting.hex")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        assert!(page.contains(line), "docs/PROTOCOL.md lacks: {line}");
    }
    for cause in DropCause::ALL {
        let row = format!("| `{}` |", cause.name());
        assert!(page.contains(&row), "docs/PROTOCOL.md lacks: {row}");
    }
    assert!(
        page.contains(include_str!("../golden/status.json").trim_end()),
        "docs/PROTOCOL.md lacks the status document"
    );
}

fn assert_golden(golden: &str, ring: &KeyRing, heartbeat: &Heartbeat) {
    assert_golden_with(golden, ring, None, heartbeat);
}

fn assert_golden_with(golden: &str, ring: &KeyRing, card: Option<Card>, heartbeat: &Heartbeat) {
    let bytes = bytes_of(golden);
    assert_eq!(encode_with(ring, card, heartbeat), bytes, "value to bytes");
    let mut receiver = receiver(heartbeat.prefix.sender, ring);
    assert_eq!(receiver.open(&bytes).as_ref(), Ok(heartbeat), "bytes to value");
    assert_eq!(receiver.card(), card, "bytes to card");
}

fn starting() -> Report {
    Report {
        query: false,
        interval: Duration::from_millis(200),
        instance: None,
        zone: Zone::default(),
        fitness: Fitness::Unknown,
        saturated: false,
        ready: false,
        word: None,
        claiming: false,
        yielding: false,
        by_order: false,
        moves: Moves::default(),
        notice: None,
        hold: None,
        version: Version::cut("0.1.0"),
    }
}

fn prefix(sender: Member, incarnation: u64, sequence: u64, echo: Option<(u64, u64, u32)>) -> Prefix {
    Prefix {
        sender,
        incarnation: Incarnation(incarnation),
        sequence: Sequence(sequence),
        echo: echo.map(|(incarnation, sequence, age_us)| Echo {
            incarnation: Incarnation(incarnation),
            sequence: Sequence(sequence),
            age_us,
        }),
    }
}

fn bytes_of(golden: &str) -> Vec<u8> {
    let digits: String = golden.lines().filter(|line| !line.starts_with('#')).collect();
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
