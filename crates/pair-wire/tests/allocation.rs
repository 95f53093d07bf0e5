//! How much memory a datagram can make a node take, measured at the allocator.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    iter,
    time::Duration,
};

use pair_core::{Fitness, Heartbeat, Incarnation, Member, Prefix, Report, Sequence, Version, Zone};
use pair_wire::{
    datagram::{MAX_DATAGRAM, Receiver, Sender},
    key::KeyRing,
};
use proptest::prelude::*;

#[test]
fn a_heartbeat_is_written_without_an_allocation() {
    let sender = Sender::new("lb-1", &KeyRing::insecure());
    let (heartbeat, mut out) = (heartbeat(1), [0; MAX_DATAGRAM]);
    assert_eq!(allocated(|| sender.encode(&heartbeat, &mut out)), 0);
}

proptest! {
    #[test]
    fn what_nobody_signed_is_dropped_without_an_allocation(bytes in prop::collection::vec(any::<u8>(), 0..70_000)) {
        let mut receiver = receiver();
        prop_assert_eq!(allocated(|| receiver.open(&bytes).is_err()), 0);
    }

    #[test]
    fn damage_is_dropped_without_an_allocation(place in any::<prop::sample::Index>(), mask in 1u8..) {
        let mut bytes = datagram(1);
        let place = place.index(bytes.len());
        // The two reserved bytes of the header are signed like all others.
        bytes[place] ^= mask;
        let mut receiver = receiver();
        prop_assert_eq!(allocated(|| receiver.open(&bytes).is_err()), 0);
    }
}

#[test]
fn what_the_peer_signed_takes_little_more_than_a_kilobyte() {
    let (bytes, next, mut receiver) = (datagram(1), datagram(2), receiver());
    let first = allocated(|| receiver.open(&bytes).is_ok());
    // A window for the node and one for the path, which a run of the peer takes once. Its report takes nothing.
    assert!(first > 0 && first < 1280, "{first} bytes");
    assert_eq!(
        allocated(|| receiver.open(&bytes).is_err()),
        0,
        "its report is not read a second time"
    );
    assert_eq!(
        allocated(|| receiver.open(&next).is_ok()),
        0,
        "the next one takes nothing"
    );
}

/// How many bytes were asked of the allocator while this ran, returned or not.
fn allocated<T>(run: impl FnOnce() -> T) -> usize {
    let before = ALLOCATED.get();
    std::hint::black_box(run());
    ALLOCATED.get() - before
}

fn datagram(number: u64) -> Vec<u8> {
    let mut out = [0; MAX_DATAGRAM];
    let len = Sender::new("lb-1", &KeyRing::insecure()).encode(&heartbeat(number), &mut out);
    out[..len].to_vec()
}

fn receiver() -> Receiver {
    Receiver::new("lb-1", Member::Second, Incarnation(2), &KeyRing::insecure())
}

fn heartbeat(number: u64) -> Heartbeat {
    let prefix = Prefix {
        sender: Member::First,
        incarnation: Incarnation(1),
        sequence: Sequence(number),
        echo: None,
    };
    let report = Report {
        query: false,
        interval: Duration::from_millis(200),
        instance: None,
        zone: Zone::cut(&"z".repeat(32)),
        fitness: Fitness::Unknown,
        saturated: false,
        ready: false,
        word: None,
        claiming: false,
        yielding: false,
        by_order: false,
        moves: iter::repeat_n(Duration::from_secs(9), 16).collect(),
        notice: None,
        hold: None,
        version: Version::cut("0.1.0"),
    };
    Heartbeat {
        prefix,
        report: Some(report),
    }
}

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches a constant-initialised thread-local only,
// which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises of `dealloc`, and the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}
