//! The holder's host dies while EC2 has troubles of its own.

use std::time::Duration;

use anyhow::Result;
use pair_lab::{Action, Fault, LogEntry, Scope};

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::super::network::{EC2_OF_A, EC2_OF_B, NODE_A, NODE_B};
use super::{PATIENCE, Scenario, ms};

/// EC2 refuses the claim again and again.
pub(super) const THROTTLED: Scenario = Scenario {
    name: "api-throttled",
    story: "the holder's host dies, and EC2 throttles the first 8 claims: the takeover completes within 1 s of the last refusal",
    runs: 3,
    limits: |_| vec![Limit::every("after_ms", 1000), Limit::every("moves", 1)],
    play: |bed| {
        let faults = bed.lab().faults();
        faults.set(Scope::All, Action::AssociateAddress, Fault::Throttle);
        let is_refused = |entry: &LogEntry| is_claim(entry) && entry.error.is_some();
        die(bed, |bed, since_ms| {
            await_calls(bed, since_ms, THROTTLED_CLAIMS, is_refused)?;
            bed.lab().faults().clear(Scope::All, Action::AssociateAddress);
            Ok(bed.lab().clock_ms())
        })
    },
};

/// EC2 takes its time.
pub(super) const SLOW: Scenario = Scenario {
    name: "api-slow",
    story: "the holder's host dies, and each EC2 call takes 2 s: the takeover completes within 1 s of what one call needs",
    runs: 3,
    limits: |holdtime| {
        vec![
            Limit::every("outage_ms", ms(holdtime + LATENCY) + 1000),
            Limit::every("moves", 1),
        ]
    },
    play: |bed| {
        bed.lab().faults().set(Scope::All, Action::Any, Fault::Latency(LATENCY));
        die(bed, |_, since_ms| Ok(since_ms))
    },
};

/// EC2 does it and its answer is lost.
pub(super) const REPLY_LOST: Scenario = Scenario {
    name: "api-reply-lost",
    story: "the holder's host dies, the claim is carried out and its reply lost: the address is there in time, and the node knows it \
            within 1 s",
    runs: 3,
    limits: |holdtime| {
        vec![
            Limit::every("outage_ms", ms(holdtime) + 60),
            Limit::every("known_ms", 1000),
            Limit::every("moves", 1),
        ]
    },
    play: |bed| {
        let faults = bed.lab().faults();
        faults.set(Scope::All, Action::AssociateAddress, Fault::LoseReply(1));
        die(bed, |_, since_ms| Ok(since_ms))
    },
};

/// EC2 takes the first claim and never answers.
pub(super) const BLACK_HOLED: Scenario = Scenario {
    name: "api-black-holed",
    story: "the holder's host dies, and EC2 swallows the first claim: the outage is 4 s longer than the holdtime at most",
    runs: 3,
    limits: |holdtime| vec![Limit::every("outage_ms", ms(holdtime) + 4000), Limit::every("moves", 1)],
    play: |bed| {
        let faults = bed.lab().faults();
        faults.set(Scope::All, Action::AssociateAddress, Fault::BlackHole);
        die(bed, |bed, since_ms| {
            await_calls(bed, since_ms, 1, is_claim)?;
            bed.lab().faults().clear(Scope::All, Action::AssociateAddress);
            Ok(bed.lab().clock_ms())
        })
    },
};

/// No packet reaches EC2.
pub(super) const AWAY: Scenario = Scenario {
    name: "api-away",
    story: "nothing reaches EC2 for 10 s, and the holder's host dies at once: the takeover completes within two holdtimes of EC2's return \
            (F-11)",
    runs: 3,
    limits: |holdtime| vec![Limit::median("after_ms", ms(holdtime) * 2), Limit::every("moves", 1)],
    play: |bed| {
        for (node, ec2) in ROADS {
            bed.gateway().cut_path(node, ec2)?;
        }
        die(bed, |bed, _| {
            bed.pass(AWAY_TIME)?;
            for (node, ec2) in ROADS {
                bed.gateway().heal_path(node, ec2)?;
            }
            Ok(bed.lab().clock_ms())
        })
    },
};

/// Lets the holder's host die; `relent` lets EC2 recover in time, and says when that was.
fn die(bed: &mut Testbed, relent: impl FnOnce(&Testbed, u64) -> Result<u64>) -> Result<Figures> {
    let holder = bed.holder()?;
    let mut relented_ms = 0;
    let strike = |bed: &mut Testbed| {
        let since_ms = bed.lab().clock_ms();
        bed.kill_host(&holder)?;
        relented_ms = relent(bed, since_ms)?;
        Ok(())
    };
    let takeover = Takeover::watch(bed, &holder, strike, PATIENCE)?;
    let mut figures = takeover.figures(bed)?;
    if let Some(landed_ms) = takeover.landed_ms() {
        figures.insert("after_ms", landed_ms.saturating_sub(relented_ms));
    }
    Ok(figures)
}

/// Waits for so many calls of a kind.
fn await_calls(bed: &Testbed, since_ms: u64, count: usize, is_one: impl Fn(&LogEntry) -> bool) -> Result<()> {
    bed.interrupt().until("enough claims", PATIENCE, || {
        let log = bed.lab().log();
        let found = log.iter().filter(|entry| entry.ms >= since_ms && is_one(entry)).count();
        Ok((found >= count).then_some(()))
    })
}

fn is_claim(entry: &LogEntry) -> bool {
    entry.action == "AssociateAddress" && !entry.dry_run
}

const THROTTLED_CLAIMS: usize = 8;
const LATENCY: Duration = Duration::from_secs(2);
const AWAY_TIME: Duration = Duration::from_secs(10);
const ROADS: [(std::net::Ipv4Addr, std::net::Ipv4Addr); 2] = [(NODE_A.address, EC2_OF_A), (NODE_B.address, EC2_OF_B)];
