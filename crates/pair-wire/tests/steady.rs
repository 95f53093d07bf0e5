//! What a heartbeat costs in good times, measured at the allocator: a pair that is well must not wear out its memory.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::Duration,
};

use pair::Pair;

mod pair;

/// What was asked of the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    times: usize,
    /// What was not given back, in bytes.
    kept: isize,
}

#[test]
fn a_heartbeat_of_good_times_asks_little_of_the_allocator_and_keeps_nothing() {
    let mut pair = Pair::new();
    // Long enough that every queue and window has the size that it keeps.
    pair.run_for(Duration::from_secs(120));
    let before = asked();
    let heartbeats = pair.run_for(Duration::from_secs(60));
    let after = asked();
    let times = (after.times - before.times).div_ceil(heartbeats);
    assert_eq!((heartbeats, after.kept - before.kept), (600, 0));
    // Four texts are copied into a report, and four are read from the datagram: instance, zone, association and version. The
    // node that does not hold the address weighs the association that it is told.
    assert!(times <= 9, "{times} allocations for each heartbeat");
}

fn asked() -> Asked {
    ASKED.get()
}

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked { times: 0, kept: 0 }) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(times: usize, kept: isize) {
    let asked = ASKED.get();
    ASKED.set(Asked {
        times: asked.times + times,
        kept: asked.kept + kept,
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting touches a constant-initialised thread-local only,
// which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size().cast_signed());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -layout.size().cast_signed());
        // SAFETY: the caller keeps the promises of `dealloc`, and the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}
