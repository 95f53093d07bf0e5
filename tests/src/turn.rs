//! Turns: two pairs at a time are what two cores carry without starving each other.

use std::sync::{Condvar, Mutex, MutexGuard};

/// The right to have a pair; dropped, the next test has it.
#[derive(Debug)]
pub(crate) struct Turn(u32);

impl Turn {
    /// Waits for a turn.
    pub(crate) fn take() -> Self {
        Self::take_places(1)
    }

    /// Waits for a turn at which nobody else has one.
    pub(crate) fn take_alone() -> Self {
        Self::take_places(AT_A_TIME)
    }

    fn take_places(count: u32) -> Self {
        let mut taken = taken();
        while *taken + count > AT_A_TIME {
            taken = wait(taken);
        }
        *taken += count;
        Self(count)
    }

    /// Waits until nobody has a turn.
    pub(crate) fn wait_for_the_last() {
        let mut taken = taken();
        while *taken > 0 {
            taken = wait(taken);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *taken() -= self.0;
        ENDED.notify_all();
    }
}

fn taken() -> MutexGuard<'static, u32> {
    TAKEN.lock().expect("no code panics while it counts")
}

fn wait(taken: MutexGuard<'static, u32>) -> MutexGuard<'static, u32> {
    ENDED.wait(taken).expect("no code panics while it counts")
}

const AT_A_TIME: u32 = 2;
static TAKEN: Mutex<u32> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();
