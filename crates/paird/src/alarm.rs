//! One timer of the kernel (timerfd_create(2)) on the daemon's own clock, for what comes round many times a second.
//!
//! The runtime's timers count whole milliseconds, wake the thread once more on the way to any that is more than 64 ms away, and go by
//! a clock that stands still while the host sleeps. This one wakes it once, when it is time.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::incoming;

/// A timer that rings once for each time that it is set to.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<OwnedFd>,
    /// What it is set to, since the host booted; `None` once it has rung.
    set_to: Option<Duration>,
}

impl Alarm {
    /// An alarm that is not set. Must be called within a runtime.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        Ok(Self {
            timer: incoming::register(timer)?,
            set_to: None,
        })
    }

    /// Waits until the host has been up for `time`, not at all if it has. What is given up leaves it set, and nothing else.
    ///
    /// # Errors
    /// Those of the reactor: nothing can be waited for any more.
    pub async fn ring_at(&mut self, time: Duration) -> io::Result<()> {
        if self.set_to != Some(time) {
            set(self.timer.get_ref(), time)?;
            self.set_to = Some(time);
        }
        loop {
            let mut ready = self.timer.readable().await?;
            // It may be a ring of an earlier time that nobody has heard; setting a timer anew takes that back.
            if let Ok(rung) = ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?)) {
                self.set_to = None;
                // Until it is set again there is nothing to read.
                ready.clear_ready();
                return rung.map(drop);
            }
        }
    }
}

/// Sets it to that time, whatever it was set to before.
fn set(timer: &OwnedFd, time: Duration) -> Result<(), Errno> {
    // Zero would mean never.
    let time = time.max(Duration::from_nanos(1));
    let once = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        },
    };
    timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &once).map(drop)
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    use crate::clock::boot_time;

    const SOON: Duration = Duration::from_millis(20);
    const NEVER: Duration = Duration::MAX;

    #[tokio::test]
    async fn it_rings_when_it_is_time_and_not_before() {
        let mut alarm = Alarm::new().unwrap();
        for _ in 0..3 {
            let time = boot_time() + SOON;
            alarm.ring_at(time).await.unwrap();
            assert!(boot_time() >= time);
        }
    }

    #[tokio::test]
    async fn a_time_that_has_passed_rings_at_once() {
        let mut alarm = Alarm::new().unwrap();
        alarm.ring_at(Duration::ZERO).await.unwrap();
        alarm.ring_at(boot_time()).await.unwrap();
    }

    #[tokio::test]
    async fn what_it_was_set_to_before_does_not_count() {
        let mut alarm = Alarm::new().unwrap();
        assert!(timeout(SOON, alarm.ring_at(NEVER)).await.is_err());
        let time = boot_time() + SOON;
        alarm.ring_at(time).await.unwrap();
        // One that rings unheard.
        assert!(timeout(Duration::ZERO, alarm.ring_at(time + SOON)).await.is_err());
        sleep(SOON * 2).await;
        let later = boot_time() + SOON;
        alarm.ring_at(later).await.unwrap();
        assert!(boot_time() >= later);
    }
}
