//! What a heartbeat costs in good times, measured at the allocator: a pair that is well must not wear out its memory.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::Duration,
};

use pair::Pair;
use pair_core::{Fitness, Unfitness};

mod pair;

/// What was asked of the allocator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    times: usize,
    /// What was not given back, in bytes.
    kept: isize,
}

#[test]
fn a_heartbeat_of_good_times_asks_nothing_of_the_allocator() {
    let mut pair = Pair::new();
    // Long enough that every queue and window has the size that it keeps.
    pair.run_for(Duration::from_secs(120));
    assert_eq!(a_minute_of(&mut pair), (600, NOTHING));
}

/// The budget remembers a move for ten minutes, and each heartbeat tells of it (F-15).
#[test]
fn nor_does_one_that_tells_of_a_move() {
    let mut pair = Pair::new();
    pair.run_for(Duration::from_secs(120));
    pair.fitness[0] = Fitness::Unfit(Unfitness::ServiceGone);
    pair.run_for(Duration::from_secs(60));
    pair.fitness[0] = Fitness::Fit;
    pair.run_for(Duration::from_secs(120));
    let moves = pair.ends.each_ref().map(|end| end.node.view(pair.now).moves);
    assert_eq!((moves, pair.ends[1].node.is_active()), ([1, 1], Some(true)));
    assert_eq!(a_minute_of(&mut pair), (600, NOTHING));
}

/// How many heartbeats a minute has, and what all that happens in it asks for: made, encoded, opened, heard and decided.
fn a_minute_of(pair: &mut Pair) -> (usize, Asked) {
    let before = ASKED.get();
    let heartbeats = pair.run_for(Duration::from_secs(60));
    let after = ASKED.get();
    let asked = Asked {
        times: after.times - before.times,
        kept: after.kept - before.kept,
    };
    (heartbeats, asked)
}

const NOTHING: Asked = Asked { times: 0, kept: 0 };

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(NOTHING) };
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
