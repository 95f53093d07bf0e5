//! `bincode` is complete but no longer maintained: `wincode` reads and writes the same bytes, so a swap is possible without
//! a new wire version. The types mirror the report on the wire, with the derives of `wincode`.

use pair_wire::key::KeyRing;
use wincode::{SchemaRead, SchemaWrite};

use crate::support::{active, encode, key_1};

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
struct Body {
    query: bool,
    interval_us: u32,
    instance: Option<String>,
    zone: String,
    fitness: Fitness,
    saturated: bool,
    ready: bool,
    word: Option<Word>,
    claiming: bool,
    yielding: bool,
    by_order: bool,
    moves_s: Vec<u16>,
    notice: Option<Notice>,
    hold: Option<Hold>,
    version: String,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
struct Word {
    holder: Holder,
    association: Option<String>,
    source: Source,
    age_us: u64,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum Holder {
    Nobody,
    Member(Member),
    Misplaced(Member),
    Stranger,
    Former,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum Notice {
    Restarting { grace_us: u32 },
    Leaving,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
struct Hold {
    number: u64,
    by: Member,
    remaining_us: u64,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum Member {
    First,
    Second,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum Source {
    Reply,
    Ec2,
    Imds,
    Peer,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum Fitness {
    Unknown,
    Fit,
    Unfit(Unfitness),
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum Unfitness {
    ServiceGone,
    HostStopping,
    CheckFailed,
}

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
    }
}

#[test]
fn wincode_reads_and_writes_the_report_of_bincode() {
    let datagram = encode(&KeyRing::single(key_1()), &active());
    let report = &datagram[56..datagram.len() - 32];
    assert_eq!(wincode::serialize(&body()).unwrap(), report);
    assert_eq!(wincode::deserialize::<Body>(report).unwrap(), body());
}

#[test]
fn wincode_writes_the_unit_and_nested_variants_of_bincode() {
    use pair_core as core;

    let bincode = |value: &core::Fitness| bincode::serde::encode_to_vec(value, bincode::config::legacy()).unwrap();
    let cases = [
        (Fitness::Unknown, core::Fitness::Unknown),
        (
            Fitness::Unfit(Unfitness::ServiceGone),
            core::Fitness::Unfit(core::Unfitness::ServiceGone),
        ),
        (
            Fitness::Unfit(Unfitness::HostStopping),
            core::Fitness::Unfit(core::Unfitness::HostStopping),
        ),
        (
            Fitness::Unfit(Unfitness::CheckFailed),
            core::Fitness::Unfit(core::Unfitness::CheckFailed),
        ),
    ];
    for (mirror, original) in cases {
        assert_eq!(wincode::serialize(&mirror).unwrap(), bincode(&original));
    }
}
