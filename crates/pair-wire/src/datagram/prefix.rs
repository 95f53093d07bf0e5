//! The part of a datagram that no version changes: who sends, in which run, which number, and whom it hears by which paths.

use pair_core::{Echo, Incarnation, Member, Prefix, Sequence};

use super::HeardPaths;

/// How long a prefix is.
pub(super) const LEN: usize = 40;

/// Writes a prefix; without an echo, its bytes are zero.
pub(super) fn write(prefix: &Prefix, heard: HeardPaths, out: &mut [u8; LEN]) {
    let echo = prefix.echo.unwrap_or(Echo {
        incarnation: Incarnation(0),
        sequence: Sequence(0),
        age_us: 0,
    });
    out[0] = match prefix.sender {
        Member::First => 0,
        Member::Second => 1,
    };
    out[1] = u8::from(prefix.echo.is_some());
    out[2] = heard.byte();
    out[3] = 0; // reserved: zero when sent, ignored when received
    out[4..12].copy_from_slice(&prefix.incarnation.0.to_le_bytes());
    out[12..20].copy_from_slice(&prefix.sequence.0.to_le_bytes());
    out[20..28].copy_from_slice(&echo.incarnation.0.to_le_bytes());
    out[28..36].copy_from_slice(&echo.sequence.0.to_le_bytes());
    out[36..40].copy_from_slice(&echo.age_us.to_le_bytes());
}

/// Reads a prefix; `None` if no sender writes such bytes.
pub(super) fn read(bytes: &[u8; LEN]) -> Option<Prefix> {
    let sender = match bytes[0] {
        0 => Member::First,
        1 => Member::Second,
        _ => return None,
    };
    let echo = match bytes[1] {
        0 => None,
        1 => Some(Echo {
            incarnation: Incarnation(u64_at(bytes, 20)),
            sequence: Sequence(u64_at(bytes, 28)),
            age_us: u32::from_le_bytes([bytes[36], bytes[37], bytes[38], bytes[39]]),
        }),
        _ => return None,
    };
    Some(Prefix {
        sender,
        incarnation: Incarnation(u64_at(bytes, 4)),
        sequence: Sequence(u64_at(bytes, 12)),
        echo,
    })
}

/// Reads by which paths the sender hears the receiver; whatever stands there means something.
pub(super) const fn read_heard(bytes: &[u8; LEN]) -> HeardPaths {
    HeardPaths::from_byte(bytes[2])
}

fn u64_at(bytes: &[u8; LEN], at: usize) -> u64 {
    let (_, from) = bytes.split_at(at);
    let (value, _) = from.split_first_chunk().expect("every offset here leaves eight bytes");
    u64::from_le_bytes(*value)
}
