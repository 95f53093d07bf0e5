//! The part of a datagram that belongs to its version: a report as `serde` and `bincode` write it.
//!
//! The bytes are those of `bincode` 2 with `config::legacy()`: integers fixed-width and little-endian, an enum as the
//! number of its variant in 32 bits, an option as a byte 0 or 1, a string as its length in 64 bits and its UTF-8.
//!
//! [`Body`] mirrors [`Report`] instead of being it: the core may name and shape its fields as it likes without a change on
//! the wire, and times have one unit. Texts and enums are the core's own: a text bounds itself, written and read, and the golden
//! files notice when one of them changes.

use std::time::Duration;

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use pair_core::{
    AssociationId, EndingCause, Few, Fitness, Hold, HoldVersion, Holder, InstanceId, Member, Notice, Report, Source,
    Version, Word, Zone,
};
use serde::{Deserialize, Serialize};

use super::{Card, MAX_REPORT};

/// How many moves a report tells of; the rest, the oldest, is left out.
const MOVES_LIMIT: usize = 16;

/// [`Report`] and [`Card`] as they stand on the wire, in the order of their bytes.
#[derive(Serialize, Deserialize)]
struct Body {
    query: bool,
    interval_us: u32,
    instance: Option<InstanceId>,
    zone: Zone,
    fitness: Fitness,
    saturated: bool,
    ready: bool,
    word: Option<WordBody>,
    claiming: bool,
    yielding: bool,
    by_order: bool,
    moves_s: Few<u16, MOVES_LIMIT>,
    notice: Option<NoticeBody>,
    hold: Option<HoldBody>,
    version: Version,
    card: Option<Card>,
}

/// [`Word`] as it stands on the wire.
#[derive(Serialize, Deserialize)]
struct WordBody {
    holder: Holder,
    association: Option<AssociationId>,
    source: Source,
    age_us: u64,
}

/// [`Notice`] as it stands on the wire.
#[derive(Serialize, Deserialize)]
enum NoticeBody {
    Restarting {
        grace_us: u32,
    },
    Leaving,
    HostEnds {
        cause: EndingCause,
        left_s: Option<u32>,
        hands_over: bool,
    },
}

/// [`Hold`] as it stands on the wire.
#[derive(Serialize, Deserialize)]
struct HoldBody {
    number: u64,
    by: Member,
    remaining_us: u64,
}

/// Writes a report and a card to the front of `out` and says how many bytes it took.
///
/// Times are sent in microseconds: an interval of more than 71 minutes as 71 minutes, an age rounded up, for knowledge must not
/// grow younger on its way, and what remains of a hold rounded down, for nothing makes it longer.
pub(super) fn write(report: &Report, card: Option<Card>, out: &mut [u8; MAX_REPORT]) -> usize {
    let body = Body {
        query: report.query,
        interval_us: u32::try_from(report.interval.as_micros()).unwrap_or(u32::MAX),
        instance: report.instance,
        zone: report.zone,
        fitness: report.fitness,
        saturated: report.saturated,
        ready: report.ready,
        word: report.word.as_ref().map(|word| WordBody {
            holder: word.holder,
            association: word.association,
            source: word.source,
            age_us: u64::try_from(word.age.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX),
        }),
        claiming: report.claiming,
        yielding: report.yielding,
        by_order: report.by_order,
        moves_s: report.moves.iter().map(|age| seconds(*age)).collect(),
        notice: report.notice.map(|notice| match notice {
            Notice::Restarting { grace } => NoticeBody::Restarting {
                grace_us: u32::try_from(grace.as_micros()).unwrap_or(u32::MAX),
            },
            Notice::Leaving => NoticeBody::Leaving,
            Notice::HostEnds {
                cause,
                left,
                hands_over,
            } => NoticeBody::HostEnds {
                cause,
                left_s: left.map(|left| u32::try_from(left.as_secs()).unwrap_or(u32::MAX)),
                hands_over,
            },
        }),
        hold: report.hold.map(|hold| HoldBody {
            number: hold.version.number,
            by: hold.version.by,
            remaining_us: u64::try_from(hold.remaining.as_micros()).unwrap_or(u64::MAX),
        }),
        version: report.version,
        card,
    };
    bincode::serde::encode_into_slice(body, out, BINCODE)
        .expect("the limits of the texts keep a report below its bound")
}

/// Reads a report and a card that take up all of `bytes`; `None` if no sender of this version writes such bytes.
pub(super) fn read(bytes: &[u8]) -> Option<(Report, Option<Card>)> {
    let (body, read): (Body, usize) = bincode::serde::borrow_decode_from_slice(bytes, BINCODE).ok()?;
    if read != bytes.len() {
        return None;
    }
    let report = Report {
        query: body.query,
        interval: Duration::from_micros(body.interval_us.into()),
        instance: body.instance,
        zone: body.zone,
        fitness: body.fitness,
        saturated: body.saturated,
        ready: body.ready,
        word: body.word.map(|word| Word {
            holder: word.holder,
            association: word.association,
            source: word.source,
            age: Duration::from_micros(word.age_us),
        }),
        claiming: body.claiming,
        yielding: body.yielding,
        by_order: body.by_order,
        moves: body
            .moves_s
            .iter()
            .map(|age| Duration::from_secs((*age).into()))
            .collect(),
        notice: body.notice.map(|notice| match notice {
            NoticeBody::Restarting { grace_us } => Notice::Restarting {
                grace: Duration::from_micros(grace_us.into()),
            },
            NoticeBody::Leaving => Notice::Leaving,
            NoticeBody::HostEnds {
                cause,
                left_s,
                hands_over,
            } => Notice::HostEnds {
                cause,
                left: left_s.map(|left_s| Duration::from_secs(left_s.into())),
                hands_over,
            },
        }),
        hold: body.hold.map(|hold| Hold {
            version: HoldVersion {
                number: hold.number,
                by: hold.by,
            },
            remaining: Duration::from_micros(hold.remaining_us),
        }),
        version: body.version,
    };
    Some((report, body.card))
}

fn seconds(age: Duration) -> u16 {
    u16::try_from(age.as_secs()).unwrap_or(u16::MAX)
}

const BINCODE: Configuration<LittleEndian, Fixint, Limit<MAX_REPORT>> =
    bincode::config::legacy().with_limit::<MAX_REPORT>();
