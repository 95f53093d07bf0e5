//! What must hold for any bytes at all: the fuzz targets in `fuzz/` look for bytes for which it does not, and the tests
//! here do the same with those that were found worth keeping.

use pair_core::{Fitness, Member};
use pair_wire::control::{LineError, Message, Request, Response, decode_line, encode_line, read_line};
use pair_wire::datagram::{DropCause, Receiver};
use pair_wire::key::KeyRing;
use pair_wire::witness::{Asker, Carrier, Responder, Told};

use crate::mirror::Body;
use crate::support::{ME, PAIR, encode_with, key_1, tagged};

/// A datagram as anybody can send it: a heartbeat, or dropped and counted once. A heartbeat is taken once, written as it was
/// read, and read by `wincode` as by `bincode`.
pub(crate) fn datagram(bytes: &[u8]) {
    let ring = KeyRing::single(key_1());
    for me in Member::BOTH {
        let mut receiver = Receiver::new(PAIR, me, ME, &ring);
        let heartbeat = match receiver.open(bytes) {
            Ok(heartbeat) => heartbeat,
            Err(cause) => {
                assert_eq!((receiver.drops().of(cause), receiver.drops().total()), (1, 1));
                continue;
            }
        };
        assert_eq!(receiver.drops().total(), 0);
        assert_eq!(receiver.open(bytes), Err(DropCause::Replayed));
        let card = receiver.card();
        let written = encode_with(&ring, card, &heartbeat);
        let mut receiver = Receiver::new(PAIR, me, ME, &ring);
        assert_eq!(receiver.open(&written).as_ref(), Ok(&heartbeat));
        if let Some(report) = &heartbeat.report {
            let body = &bytes[56..bytes.len() - 32];
            assert_eq!(&written[56..written.len() - 32], body, "a report has one spelling");
            assert_eq!(wincode::deserialize::<Body>(body).ok(), Some(Body::of(report, card)));
            assert_eq!(wincode::serialize(&Body::of(report, card)).ok().as_deref(), Some(body));
        }
    }
}

/// A version, a prefix and a report as only the peer can send them: behind a tag that is right.
pub(crate) fn body(bytes: &[u8]) {
    if let Some((version, body)) = bytes.split_first() {
        datagram(&tagged(*version, body));
    }
}

/// A datagram as anybody can send it to a witness, or to a node by the way of one: whoever it is for reads it or says why not,
/// and nobody gives back more than came.
pub(crate) fn witness(bytes: &[u8]) {
    let ring = KeyRing::single(key_1());
    for me in Member::BOTH {
        let asker = Asker::new(PAIR, me, ME, &ring, &ring);
        let responder = Responder::new(PAIR, me, ME, &ring);
        let carrier = Carrier::new(&ring);
        if let Ok(answer) = responder.answer(bytes, Fitness::Fit) {
            assert!(answer.len() <= bytes.len());
            assert_eq!(asker.read(&answer), Err(DropCause::OwnEcho));
        }
        if let Ok(errand) = carrier.errand(bytes) {
            let back = carrier.passed_on(errand.nonce);
            assert!(back.len() + errand.question.len() <= bytes.len());
            assert_eq!(asker.read(&back), Ok(Told::PassedOn(errand.nonce)));
        }
        if let Ok(Told::Answer { nonce, .. }) = asker.read(bytes) {
            assert_eq!(carrier.answered(bytes), Ok(nonce));
        }
    }
}

/// What a client sends to a daemon.
pub(crate) fn control_request(bytes: &[u8]) {
    line::<Request>(bytes);
}

/// What a daemon sends to a client.
pub(crate) fn control_response(bytes: &[u8]) {
    line::<Response>(bytes);
}

/// The text of a key file: what is read of it can be written and read again.
pub(crate) fn key_file(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(ring) = KeyRing::parse(text)
    {
        let lines: String = ring.keys().map(|key| key.line() + "\n").collect();
        assert_eq!(KeyRing::parse(&lines), Ok(ring));
    }
}

/// A line is understood or not, whether it comes in one piece or from a stream; what is understood survives being written.
fn line<M: Message + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let whole = end.map_or(bytes, |end| &bytes[..=end]);
    let decoded: Result<M, LineError> = decode_line(whole);
    let streamed: Result<M, LineError> = read_line(&mut &bytes[..]);
    match (&decoded, streamed) {
        (Ok(decoded), Ok(streamed)) => assert_eq!(*decoded, streamed),
        (_, Err(_)) if end.is_none() => {}
        (Err(_), Err(_)) => {}
        (decoded, streamed) => panic!("in one piece {decoded:?}, from a stream {streamed:?}"),
    }
    let Ok(message) = decoded else { return };
    match encode_line(&message) {
        Ok(written) => assert_eq!(decode_line::<M>(&written).ok(), Some(message)),
        // Defaults that were left out and numbers in short spellings make a line longer than it came.
        Err(LineError::TooLong { .. }) => assert!(whole.len() + SPELLED_OUT > M::LIMIT),
        Err(error) => panic!("{error}"),
    }
}

/// By how many bytes a line can grow when it is written as this crate writes it.
const SPELLED_OUT: usize = 1024;
