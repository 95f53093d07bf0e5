//! The path between the nodes is cut or bad, and everything else is fine.

use std::time::Duration;

use anyhow::Result;

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::super::network::{NODE_A, NODE_B};
use super::{PATIENCE, Scenario, count};

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
    let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
    let mut figures = takeover.figures(bed)?;
    figures.insert("moves", moves);
    figures.insert("lost_failovers", u64::from(!takeover.came_to_pass()));
    Ok(figures)
}

const CUT_TIME: Duration = Duration::from_secs(60);
/// Many times every interval.
const RECOVERY: Duration = Duration::from_secs(15);
const LOSSY: Duration = Duration::from_secs(600);
