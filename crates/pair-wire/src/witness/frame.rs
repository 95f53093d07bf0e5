//! What all four kinds have in common: eight bytes in front, a tag behind, and what stands in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use pair_core::{Fitness, Incarnation, Member, Unfitness};

use super::{ADDRESS_LEN, Kind, NONCE_LEN, Nonce, QUESTION_LEN, TALK_LEN};
use crate::datagram::{DropCause, KeyedMac, PairId, TAG_LEN};
use crate::key::KeyRing;

/// How long the front is.
pub(super) const LEN: usize = 8;

/// What every datagram of a witness begins with: another word than a heartbeat, so that none passes for the other.
const MAGIC: [u8; 4] = *b"PAIW";

/// The only version there is.
const VERSION: u8 = 1;

/// The front of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) key_id: u8,
}

/// The body of a question or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Talk {
    pub(super) pair: PairId,
    pub(super) sender: Member,
    pub(super) fitness: Fitness,
    pub(super) incarnation: Incarnation,
    pub(super) nonce: Nonce,
}

impl Frame {
    pub(super) fn write(self) -> [u8; LEN] {
        let kind = match self.kind {
            Kind::Request => 0,
            Kind::Question => 1,
            Kind::PassedOn => 2,
            Kind::Answer => 3,
        };
        let [m0, m1, m2, m3] = MAGIC;
        [m0, m1, m2, m3, VERSION, kind, self.key_id, 0]
    }

    pub(super) fn read(datagram: &[u8]) -> Result<Self, DropCause> {
        let [m0, m1, m2, m3, version, kind, key_id, _reserved] =
            *datagram.first_chunk::<LEN>().ok_or(DropCause::TooShort)?;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(DropCause::Magic);
        }
        let kind = match (version, kind) {
            (VERSION, 0) => Kind::Request,
            (VERSION, 1) => Kind::Question,
            (VERSION, 2) => Kind::PassedOn,
            (VERSION, 3) => Kind::Answer,
            _ => return Err(DropCause::Malformed),
        };
        Ok(Self { kind, key_id })
    }
}

impl Talk {
    pub(super) fn write(&self) -> [u8; TALK_LEN] {
        let mut out = [0; TALK_LEN];
        out[0..8].copy_from_slice(&self.pair.bytes());
        out[8] = match self.sender {
            Member::First => 0,
            Member::Second => 1,
        };
        // Why a peer is unfit is nothing to whoever asks whether it lives.
        out[9] = match self.fitness {
            Fitness::Unknown => 0,
            Fitness::Fit => 1,
            Fitness::Unfit(_) => 2,
        };
        out[12..20].copy_from_slice(&self.incarnation.0.to_le_bytes());
        out[20..36].copy_from_slice(&self.nonce.0);
        out
    }

    /// Reads a body; `None` if nobody writes such bytes.
    pub(super) fn read(bytes: &[u8; TALK_LEN]) -> Option<Self> {
        let (pair, rest) = bytes.split_first_chunk::<8>()?;
        let ([sender, fitness, _, _], rest) = rest.split_first_chunk::<4>()?;
        let (incarnation, nonce) = rest.split_first_chunk::<8>()?;
        Some(Self {
            pair: PairId::from_bytes(*pair),
            sender: match sender {
                0 => Member::First,
                1 => Member::Second,
                _ => return None,
            },
            fitness: match fitness {
                0 => Fitness::Unknown,
                1 => Fitness::Fit,
                2 => Fitness::Unfit(Unfitness::CheckFailed),
                _ => return None,
            },
            incarnation: Incarnation(u64::from_le_bytes(*incarnation)),
            nonce: Nonce(*nonce.first_chunk::<NONCE_LEN>()?),
        })
    }
}

/// Writes where a question goes to.
pub(super) fn write_address(to: SocketAddr) -> [u8; ADDRESS_LEN] {
    let mut out = [0; ADDRESS_LEN];
    out[2..4].copy_from_slice(&to.port().to_le_bytes());
    match to.ip() {
        IpAddr::V4(ip) => {
            out[0] = 4;
            out[4..8].copy_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out[0] = 6;
            out[4..20].copy_from_slice(&ip.octets());
        }
    }
    out
}

/// Reads where a question goes to; `None` if no asker writes such bytes.
pub(super) fn read_address(bytes: &[u8; ADDRESS_LEN]) -> Option<SocketAddr> {
    let ([family, _, p0, p1], ip) = bytes.split_first_chunk::<4>()?;
    let ip = match family {
        4 => IpAddr::V4(Ipv4Addr::from(*ip.first_chunk::<4>()?)),
        6 => IpAddr::V6(Ipv6Addr::from(*ip.first_chunk::<16>()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_le_bytes([*p0, *p1])))
}

/// Signs what has been written of a datagram: all but the tag.
pub(super) fn seal<const N: usize>(mac: &KeyedMac, mut out: [u8; N]) -> [u8; N] {
    if let Some((signed, tag)) = out.split_last_chunk_mut::<TAG_LEN>() {
        *tag = mac.sign(signed);
    }
    out
}

/// Whether a datagram of this kind carries the tag of one of the keys, and what stands between its front and its tag.
pub(super) fn open<'a>(macs: &[KeyedMac], kind: Kind, datagram: &'a [u8]) -> Result<&'a [u8], DropCause> {
    if Kind::of(datagram)? != kind {
        return Err(DropCause::Malformed);
    }
    let frame = Frame::read(datagram)?;
    let mac = macs
        .iter()
        .find(|mac| mac.key_id() == frame.key_id)
        .ok_or(DropCause::KeyUnknown)?;
    let (signed, tag) = datagram.split_last_chunk::<TAG_LEN>().ok_or(DropCause::TooShort)?;
    if !mac.verifies(signed, tag) {
        return Err(DropCause::Tag);
    }
    Ok(&signed[LEN..])
}

/// Every key of a ring, ready to verify.
pub(super) fn macs(ring: &KeyRing) -> Vec<KeyedMac> {
    ring.keys().map(KeyedMac::new).collect()
}

/// The key of a ring that signs.
pub(super) fn signer(macs: &[KeyedMac]) -> &KeyedMac {
    macs.first().expect("a key ring has a first key")
}

/// A question or an answer as a datagram.
pub(super) fn talk(macs: &[KeyedMac], kind: Kind, talk: &Talk) -> [u8; QUESTION_LEN] {
    let mac = signer(macs);
    let front = Frame {
        kind,
        key_id: mac.key_id(),
    };
    let mut out = [0; QUESTION_LEN];
    out[..LEN].copy_from_slice(&front.write());
    out[LEN..LEN + TALK_LEN].copy_from_slice(&talk.write());
    seal(mac, out)
}

/// Reads a question or an answer of the peer of `me`.
pub(super) fn read_talk(
    macs: &[KeyedMac],
    kind: Kind,
    pair: PairId,
    me: Member,
    datagram: &[u8],
) -> Result<Talk, DropCause> {
    let body = open(macs, kind, datagram)?;
    let talk = body.first_chunk().and_then(Talk::read).ok_or(DropCause::Malformed)?;
    if talk.pair != pair {
        Err(DropCause::Pair)
    } else if talk.sender == me {
        Err(DropCause::OwnEcho)
    } else {
        Ok(talk)
    }
}
