//! Does one operation of a heartbeat so often, for whoever counts instructions: `operations NAME TIMES`.
//!
//! Run twice with numbers that differ, what the process needs besides the operation falls out of the difference.
#![expect(
    clippy::unwrap_used,
    reason = "it runs where somebody watches, on heartbeats of its own making"
)]

use std::env;
use std::hint::black_box;
use std::time::Duration;

use pair::{End, Pair};
use pair_core::{Heartbeat, Input, Output};
use pair_wire::datagram::MAX_DATAGRAM;

#[path = "../tests/pair/mod.rs"]
mod pair;

fn main() {
    let usage = "operations encode|encode-open|decide|heartbeat TIMES";
    let name = env::args().nth(1).expect(usage);
    let times: u32 = env::args().nth(2).and_then(|times| times.parse().ok()).expect(usage);
    let mut pair = Pair::new();
    pair.run_for(Duration::from_secs(120));
    let mut heartbeat = next_heartbeat(&mut pair);
    let [first, second] = &mut pair.ends;
    match name.as_str() {
        "encode" => (0..times).for_each(|_| {
            black_box(encode(first, &heartbeat));
        }),
        // A datagram is taken once, so each is made anew, with the next number.
        "encode-open" => (0..times).for_each(|_| {
            heartbeat.prefix.sequence.0 += 1;
            let (datagram, length) = encode(first, &heartbeat);
            black_box(second.receiver.open(&datagram[..length]).unwrap());
        }),
        "decide" => (0..times).for_each(|_| {
            black_box(first.node.decide());
        }),
        "heartbeat" => {
            // Each node sends one each interval.
            black_box(pair.run_for(INTERVAL * times / 2));
        }
        _ => panic!("{usage}"),
    }
}

fn encode(from: &mut End, heartbeat: &Heartbeat) -> ([u8; MAX_DATAGRAM], usize) {
    let mut datagram = [0; MAX_DATAGRAM];
    let length = from.sender.encode(heartbeat, &mut datagram);
    (datagram, length)
}

/// The next heartbeat of the first node, which holds the address.
fn next_heartbeat(pair: &mut Pair) -> Heartbeat {
    pair.now = pair.now + INTERVAL;
    let node = &mut pair.ends[0].node;
    node.handle(pair.now, Input::Wakeup);
    let sent = core::iter::from_fn(|| node.poll_output()).find_map(|output| match output {
        Output::Send(heartbeat) => Some(heartbeat),
        Output::Call(_)
        | Output::Probe { .. }
        | Output::AskWitnesses { .. }
        | Output::Ordered { .. }
        | Output::Keep(_)
        | Output::MayStop
        | Output::Event(_) => None,
    });
    sent.expect("a node sends a heartbeat each interval")
}

/// That of the pair.
const INTERVAL: Duration = Duration::from_millis(200);
