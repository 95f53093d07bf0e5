//! What a storm was like, read from the request log of the emulator.

use std::time::Duration;

use pair_lab::{Limit, LogEntry};

/// The outcome of a storm.
#[derive(Debug)]
pub(crate) struct Outcome {
    pairs: usize,
    optimum: Duration,
    /// From the death of the holders to each move, the shortest first.
    waits: Vec<Duration>,
    /// How many addresses were read back by whoever has them.
    read_back: usize,
    claims: usize,
    describes: usize,
}

impl Outcome {
    /// Reads what happened to these allocations after the holders had died.
    pub(crate) fn of(log: &[LogEntry], allocations: &[String], died_ms: u64, optimum: Duration) -> Self {
        let storm: Vec<&LogEntry> = log
            .iter()
            .filter(|entry| entry.ms >= died_ms && !entry.dry_run)
            .collect();
        let called = |action: &str| storm.iter().filter(|entry| entry.action == action).count();
        let moves: Vec<(&str, u64)> = allocations
            .iter()
            .filter_map(|allocation| {
                let taken = storm.iter().find(|entry| {
                    entry.action == "AssociateAddress"
                        && entry.status == Some(200)
                        && entry.params.get("AllocationId") == Some(allocation)
                })?;
                Some((taken.node.as_str(), taken.done_ms?))
            })
            .collect();
        let is_read_back = |(node, at): &&(&str, u64)| {
            storm.iter().any(|entry| {
                let is_read = entry.action == "DescribeAddresses" && entry.status == Some(200);
                is_read && entry.node == *node && entry.ms >= *at
            })
        };
        let mut waits: Vec<Duration> = moves
            .iter()
            .map(|(_, at)| Duration::from_millis(at.saturating_sub(died_ms)))
            .collect();
        waits.sort_unstable();
        Self {
            pairs: allocations.len(),
            optimum,
            waits,
            read_back: moves.iter().filter(is_read_back).count(),
            claims: called("AssociateAddress"),
            describes: called("DescribeAddresses") + called("DescribeInstanceStatus"),
        }
    }

    /// The time until the last address can be moved if no call is wasted: the holdtime, a call, and what the bucket lets
    /// through.
    pub(crate) fn optimum(pairs: usize, claims: Limit) -> Duration {
        let over = u32::try_from(pairs).unwrap_or(u32::MAX).saturating_sub(claims.burst);
        HOLDTIME + CALL + Duration::from_secs(1) * over / claims.per_second.max(1)
    }

    /// Whether every address was moved and read back.
    pub(crate) fn is_complete(&self) -> bool {
        self.waits.len() == self.pairs && self.read_back == self.pairs
    }

    /// The table, with the columns of `pair-sim storm`.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts 2^52 calls")]
    pub(crate) fn table(&self) -> String {
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let percentile = |percent: usize| {
            let rank = (self.waits.len() * percent).div_ceil(100).max(1);
            self.waits.get(rank - 1).copied().unwrap_or_default()
        };
        let longest = percentile(100);
        let per_address = |calls: usize| calls as f64 / self.pairs as f64;
        format!(
            "| pairs | storms | optimum | all moved | × optimum | median wait | p99 | longest | starved | claims per address | describes per address |\n\
             | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n\
             | {} | 1 | {} | {} | {:.2} | {} | {} | {} | {} | {:.2} | {:.2} |\n",
            self.pairs,
            seconds(self.optimum),
            seconds(longest),
            longest.div_duration_f64(self.optimum),
            seconds(percentile(50)),
            seconds(percentile(99)),
            seconds(longest),
            self.pairs - self.waits.len(),
            per_address(self.claims),
            per_address(self.describes),
        )
    }
}

/// The holdtime of the default profile.
const HOLDTIME: Duration = Duration::from_secs(1);

/// What the simulated storm gives a call, too.
const CALL: Duration = Duration::from_millis(80);
