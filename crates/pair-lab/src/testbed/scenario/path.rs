//! The path between the nodes is cut or bad, and everything else is fine.

use std::time::Duration;

use anyhow::Result;

use super::super::bed::Testbed;
use super::super::chance::Chance;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::super::network::{NODE_A, NODE_B};
use super::super::relay::Relay;
use super::{PATIENCE, Scenario, count, ms};

/// Cut both ways.
pub(super) const CUT: Scenario = Scenario {
    name: "path-cut",
    story: "the path between the nodes is cut for 60 s, API and clients are fine: no claim, since the Elastic IP can be probed; after \
            the heal the holder's host dies, and the other node takes the address",
    runs: 5,
    limits: |_| limits(0),
    play: |bed| cut(bed, Cut::BothWays),
};

/// Cut from the holder to the other node.
pub(super) const CUT_ONE_WAY: Scenario = Scenario {
    name: "path-cut-one-way",
    story: "what the holder sends to the other node is lost for 60 s: no claim; after the heal the next real death fails over",
    runs: 5,
    limits: |_| limits(0),
    play: |bed| cut(bed, Cut::OneWay),
};

/// Cut so that nothing can testify.
pub(super) const CUT_BLIND: Scenario = Scenario {
    name: "path-cut-blind",
    story: "the path is cut for 60 s, and the Elastic IP cannot be probed from the other node either: one claim at most; after the heal \
            the next real death fails over",
    runs: 5,
    limits: |_| limits(1),
    play: |bed| cut(bed, Cut::Blind),
};

/// Each packet is lost with the same probability.
pub(super) const RANDOM_LOSS: Scenario = Scenario {
    name: "random-loss",
    story: "30 % of the packets between the nodes are lost each way, for 10 min: the address stays",
    runs: 2,
    limits: |_| vec![Limit::every("moves", 0)],
    play: |bed| {
        bed.gateway().lose(30)?;
        bed.pass(LOSSY)?;
        Ok(Figures::new())
    },
};

/// Packets are lost together.
pub(super) const BURSTY_LOSS: Scenario = Scenario {
    name: "bursty-loss",
    story: "nothing passes between the nodes for 50 to 600 ms, then everything for 50 to 900 ms, and so on for 5 min: the address stays",
    runs: 2,
    limits: |_| vec![Limit::every("moves", 0)],
    play: |bed| {
        let (a, b) = (NODE_A.address, NODE_B.address);
        let (_, seed) = bed.soak();
        let mut chance = Chance::new(seed);
        let until_ms = bed.lab().clock_ms() + ms(BURSTY);
        let mut bursts = 0;
        while bed.lab().clock_ms() < until_ms {
            bed.gateway().cut_path(a, b)?;
            bed.gateway().cut_path(b, a)?;
            bed.pass(chance.between(SHORTEST, LONGEST_BURST))?;
            bed.gateway().heal()?;
            bed.pass(chance.between(SHORTEST, LONGEST_CALM))?;
            bursts += 1;
        }
        Ok(Figures::from([("bursts", bursts)]))
    },
};

/// Heartbeats come late, and out of order.
pub(super) const DELAY: Scenario = Scenario {
    name: "delay",
    story: "each heartbeat is delayed by 50 to 250 ms of its own for 60 s, so that they overtake each other: the address stays; then the \
            holder's host dies, and the outage is longer by that delay at most",
    runs: 2,
    limits: |holdtime| {
        vec![
            Limit::every("moves", 0),
            Limit::every("outage_ms", ms(holdtime + MOST_DELAY) + 60),
        ]
    },
    play: |bed| {
        let (_, seed) = bed.soak();
        let relay = Relay::start(bed.router(), LEAST_DELAY, MOST_DELAY, seed)?;
        let since_ms = bed.lab().clock_ms();
        bed.gateway().relay()?;
        bed.pass(CUT_TIME)?;
        let moves = count(bed.moves(since_ms).len());
        let holder = bed.holder()?;
        bed.pass_by_chance()?;
        let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
        let mut figures = takeover.figures(bed)?;
        figures.insert("moves", moves);
        drop(relay);
        Ok(figures)
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    BothWays,
    OneWay,
    Blind,
}

fn limits(moves: u64) -> Vec<Limit> {
    vec![Limit::every("moves", moves), Limit::every("lost_failovers", 0)]
}

fn cut(bed: &mut Testbed, cut: Cut) -> Result<Figures> {
    let holder = bed.holder()?;
    let (from, to) = if holder == NODE_A.name {
        (NODE_A.address, NODE_B.address)
    } else {
        (NODE_B.address, NODE_A.address)
    };
    let since_ms = bed.lab().clock_ms();
    bed.gateway().cut_path(from, to)?;
    match cut {
        Cut::OneWay => {}
        Cut::BothWays => bed.gateway().cut_path(to, from)?,
        Cut::Blind => {
            bed.gateway().cut_path(to, from)?;
            bed.gateway().cut_hairpin()?;
        }
    }
    bed.pass(CUT_TIME)?;
    bed.gateway().heal()?;
    // Not everybody finds back: then the death strikes a pair that is not content, as it would in the field.
    bed.comes_to_rest(RECOVERY)?;
    let moves = count(bed.moves(since_ms).len());
    let holder = bed.holder()?;
    bed.pass_by_chance()?;
    let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
    let mut figures = takeover.figures(bed)?;
    figures.insert("moves", moves);
    figures.insert("lost_failovers", u64::from(!takeover.came_to_pass()));
    Ok(figures)
}

const CUT_TIME: Duration = Duration::from_secs(60);
/// Many times every interval.
const RECOVERY: Duration = Duration::from_secs(15);
const BURSTY: Duration = Duration::from_secs(300);
const SHORTEST: Duration = Duration::from_millis(50);
/// Well below the default holdtime: what lasts for that long is a cut, and no detector can know better.
const LONGEST_BURST: Duration = Duration::from_millis(600);
const LONGEST_CALM: Duration = Duration::from_millis(900);
const LEAST_DELAY: Duration = Duration::from_millis(50);
const MOST_DELAY: Duration = Duration::from_millis(250);
const LOSSY: Duration = Duration::from_secs(600);
