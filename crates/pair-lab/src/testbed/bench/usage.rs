//! What a program and whatever it has started use of the machine, as the kernel accounts for it in `/proc` and by the clock of each process.

use std::fs;
use std::num::NonZeroI32;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::time::clock_getcpuclockid;
use rustix::process::Pid;

use crate::process::Process;

/// Memory at one moment, and the processor's time until then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// What is in memory, pages that are shared with others included.
    pub(super) resident_kib: u64,
    /// What of it is locked.
    pub(super) locked_kib: u64,
    /// What is in memory, but each shared page by its share.
    pub(super) proportional_kib: u64,
    /// Its own, and that of children which have ended.
    pub(super) processor: Duration,
    /// How often its threads have waited for something and were woken: what a processor's sleep is disturbed by.
    pub(super) wakeups: u64,
}

impl Usage {
    /// Looks at a program that runs. Memory of its children is added: between them, resident pages count more than once.
    pub(super) fn of(program: &Process) -> Result<Self> {
        let mut sum = Self::default();
        for (at, member) in program.family().into_iter().enumerate() {
            match Self::of_one(member) {
                Ok(one) => sum.add(one),
                // A check's script may end between two looks.
                Err(_) if at > 0 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sum)
    }

    fn of_one(id: Pid) -> Result<Self> {
        let id = id.as_raw_nonzero();
        let read = |name: &str| {
            let path = format!("/proc/{id}/{name}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
        };
        let (memory, stat) = (read("smaps_rollup")?, read("stat")?);
        let tasks = fs::read_dir(format!("/proc/{id}/task")).context("cannot list the threads")?;
        // A thread may end between two looks.
        let tasks = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("status")).ok());
        let locked = fs::read_to_string(format!("/proc/{id}/smaps")).map(|maps| locked_kib(&maps));
        Ok(Self {
            resident_kib: number(&memory, "Rss:").context("smaps_rollup tells no Rss")?,
            locked_kib: locked.unwrap_or_default(),
            proportional_kib: number(&memory, "Pss:").context("smaps_rollup tells no Pss")?,
            processor: of_clock(id)? + of_children(&stat).context("stat tells no times")?,
            wakeups: tasks.filter_map(|task| number(&task, "voluntary_ctxt_switches:")).sum(),
        })
    }

    fn add(&mut self, one: Self) {
        self.resident_kib += one.resident_kib;
        self.locked_kib += one.locked_kib;
        self.proportional_kib += one.proportional_kib;
        self.processor += one.processor;
        self.wakeups += one.wakeups;
    }
}

/// The resident size of all mappings that are locked, whose flags (`VmFlags`) have an `lo` among them: `Locked` of the kernel
/// counts shares of pages.
fn locked_kib(maps: &str) -> u64 {
    let mut resident = 0;
    let mut sum = 0;
    for line in maps.lines() {
        if line.starts_with("Rss:") {
            resident = number(line, "Rss:").unwrap_or_default();
        } else if let Some(flags) = line.strip_prefix("VmFlags:")
            && flags.split_whitespace().any(|flag| flag == "lo")
        {
            sum += resident;
        }
    }
    sum
}

/// The number in the line that begins with this name.
fn number(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The processor's time of all threads of a process, those that have ended included, in nanoseconds. An idle agent needs a tenth of a
/// second in a minute, and each of the times in `/proc` may lack a tick of 10 ms.
fn of_clock(id: NonZeroI32) -> Result<Duration> {
    let clock = clock_getcpuclockid(nix::unistd::Pid::from_raw(id.get())).context("a process has no clock")?;
    let time = clock.now().context("the clock of a process cannot be read")?;
    Ok(time.into())
}

/// The sum of user and system time of children that were waited for: fields 16 and 17 of proc_pid_stat(5).
fn of_children(stat: &str) -> Option<Duration> {
    // The name in parentheses may have spaces in it; field 3 follows.
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(13).take(2);
    let ticks: u64 = times.map(|ticks| ticks.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Duration::from_millis(ticks * MS_PER_TICK))
}

/// `USER_HZ` is 100 on every architecture that paird is built for, whatever the kernel's own tick.
const MS_PER_TICK: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_children_are_found_whatever_the_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 9 8 7 6 120 30 5 1 10 -10 3 0 99 1000 2 18446744073709551615";
        assert_eq!(of_children(stat), Some(Duration::from_millis(60)));
        assert_eq!(of_children("7 (a) S 1"), Some(Duration::ZERO));
        assert_eq!(of_children("7"), None);
    }

    #[test]
    fn the_clock_of_a_process_counts_its_own_work() {
        let own = NonZeroI32::new(std::process::id().try_into().unwrap()).unwrap();
        let before = of_clock(own).unwrap();
        while of_clock(own).unwrap() == before {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn numbers_are_read_by_name() {
        let text = "55b4-7fff ---p 0 00:00 0 [rollup]\nRss:                1744 kB\nPss:                 392 kB\nPss_Dirty: 1 kB\n";
        assert_eq!((number(text, "Rss:"), number(text, "Pss:")), (Some(1744), Some(392)));
        assert_eq!(number(text, "Swap:"), None);
    }

    #[test]
    fn locked_is_what_is_resident_of_locked_mappings() {
        let maps = "1-2 r-xp\nRss:  100 kB\nVmFlags: rd ex lo mw\n3-4 rw-p\nRss: 30 kB\nVmFlags: rd wr\n5-6\nRss: 7 kB\nVmFlags: lo\n";
        assert_eq!(locked_kib(maps), 107);
    }
}
