//! What the tests of the datagrams share.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use pair_core::{
    AssociationId, Echo, Fitness, Heartbeat, Hold, HoldVersion, Holder, Incarnation, InstanceId, Member, Moves, Notice,
    Prefix, Report, Sequence, Source, Version, Word, Zone,
};
use pair_wire::{
    datagram::{Card, MAX_DATAGRAM, Receiver, Sender},
    key::{Key, KeyRing, SECRET_LEN},
};
use sha2::Sha256;

/// The pair of all datagrams here.
pub(crate) const PAIR: &str = "lb-1";

/// The run of the node that receives.
pub(crate) const ME: Incarnation = Incarnation(0xfedc_ba98_7654_3210);

/// The key with the bytes 0, 1, 2, … 31.
pub(crate) fn key_1() -> Key {
    Key::new(1, std::array::from_fn(|place| place as u8))
}

/// The key with the byte 0xa5 only.
pub(crate) fn key_2() -> Key {
    Key::new(2, [0xa5; SECRET_LEN])
}

/// What a node says that holds the address: all fields filled.
pub(crate) fn active() -> Heartbeat {
    Heartbeat {
        prefix: Prefix {
            sender: Member::First,
            incarnation: Incarnation(0x0123_4567_89ab_cdef),
            sequence: Sequence(4711),
            echo: Some(Echo {
                incarnation: ME,
                sequence: Sequence(815),
                age_us: 1234,
            }),
        },
        report: Some(Report {
            query: true,
            interval: Duration::from_millis(200),
            instance: Some(InstanceId::of("i-0aaaaaaaaaaaaaaaa")),
            zone: Zone::cut("us-east-1a"),
            fitness: Fitness::Fit,
            saturated: true,
            ready: true,
            word: Some(Word {
                holder: Holder::Member(Member::First),
                association: Some(AssociationId::of("eipassoc-0123456789abcdef0")),
                source: Source::Imds,
                age: Duration::from_secs(1),
            }),
            claiming: false,
            yielding: false,
            by_order: true,
            moves: Moves::from_iter([Duration::from_secs(3), Duration::from_secs(599)]),
            notice: Some(Notice::Restarting {
                grace: Duration::from_secs(10),
            }),
            hold: Some(Hold {
                version: HoldVersion {
                    number: 3,
                    by: Member::Second,
                },
                remaining: Duration::from_secs(3_600),
            }),
            version: Version::cut("0.1.0"),
        }),
    }
}

/// The datagram of a heartbeat.
pub(crate) fn encode(ring: &KeyRing, heartbeat: &Heartbeat) -> Vec<u8> {
    encode_with(ring, None, heartbeat)
}

/// What the node of [`active`] says of itself.
pub(crate) fn active_card() -> Card {
    Card {
        config: [0, 1, 2, 3, 4, 5, 6, 7],
        haproxy: Some([8, 9, 10, 11, 12, 13, 14, 15]),
        unix_ms: 1_767_323_045_000,
    }
}

/// The datagram of a heartbeat, of a node that says this of itself.
pub(crate) fn encode_with(ring: &KeyRing, card: Option<Card>, heartbeat: &Heartbeat) -> Vec<u8> {
    let mut out = [0xee; MAX_DATAGRAM];
    let mut sender = Sender::new(PAIR, ring);
    if let Some(card) = card {
        sender.show(card);
    }
    let len = sender.encode(heartbeat, &mut out);
    out[..len].to_vec()
}

/// A datagram of any body (prefix and report) whose tag by key 1 is right, whatever the body is.
pub(crate) fn tagged(version: u8, body: &[u8]) -> Vec<u8> {
    let good = encode(&KeyRing::single(key_1()), &active());
    let mut signed = [&good[..16], body].concat();
    signed[4] = version;
    let secret: [u8; SECRET_LEN] = std::array::from_fn(|place| place as u8);
    let mac = Hmac::<Sha256>::new_from_slice(&secret).expect("HMAC takes a key of any length");
    let tag = mac.chain_update(&signed).finalize().into_bytes();
    [&signed[..], &tag[..]].concat()
}

/// A receiver that has accepted nothing yet, at the peer of `sender`.
pub(crate) fn receiver(sender: Member, ring: &KeyRing) -> Receiver {
    Receiver::new(PAIR, sender.peer(), ME, ring)
}
