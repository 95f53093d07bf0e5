//! Turns: two pairs at a time are what two cores carry without starving each other.

use std::sync::{Condvar, Mutex, MutexGuard};

/// The right to have a pair; dropped, the next test has it.
#[derive(Debug)]
pub(crate) struct Turn(());

impl Turn {
    /// Waits for a turn.
    pub(crate) fn take() -> Self {
        let mut taken = taken();
        while *taken >= AT_A_TIME {
            taken = wait(taken);
        }
        *taken += 1;
        Self(())
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
        *taken() -= 1;
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
