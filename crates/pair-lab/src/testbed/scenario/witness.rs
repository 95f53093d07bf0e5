//! A third host is asked about the peer, and nobody is probed: the witness alone can tell a cut path from a death (F-20).

use std::time::Duration;

use anyhow::Result;

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::super::network::{Host, NODE_A, NODE_B, ORIGIN};
use super::super::witness::Witness;
use super::{PATIENCE, Scenario, count, ms};

/// Cut both ways.
pub(super) const CUT: Scenario = Scenario {
    name: "path-cut-witness",
    story: "the path between the nodes is cut for 60 s, nobody can be probed, and a witness reaches both: no claim; after the heal \
            the holder's host dies, and the other node takes the address as soon as ever",
    runs: 10,
    limits: |holdtime| with_a_death(holdtime),
    play: |bed| beside_a_witness(bed, |bed, _| cut(bed, true)),
};

/// Cut from the holder to the other node.
pub(super) const CUT_ONE_WAY: Scenario = Scenario {
    name: "path-cut-one-way-witness",
    story: "what the holder sends to the other node is lost for 60 s, and a witness reaches both: no claim; after the heal the next \
            real death fails over",
    runs: 10,
    limits: |holdtime| with_a_death(holdtime),
    play: |bed| beside_a_witness(bed, |bed, _| cut(bed, false)),
};

/// The standby is cut off from its peer and from the witness, and not from EC2.
pub(super) const ISOLATED: Scenario = Scenario {
    name: "witness-isolated",
    story: "the standby hears neither its peer nor the witness, and reaches EC2: no claim within 10 s; after the heal the next real \
            death fails over",
    runs: 5,
    limits: |holdtime| with_a_death(holdtime),
    play: |bed| beside_a_witness(bed, |bed, _| isolate(bed)),
};

/// The witness is dead.
pub(super) const DEAD: Scenario = Scenario {
    name: "witness-dead",
    story: "the witness dies; both nodes say so within 40 s, and nothing moves; then the holder's host dies, and the other node takes the \
            address as soon as without a witness",
    runs: 5,
    limits: |holdtime| {
        let mut limits = with_a_death(holdtime);
        limits.push(Limit::every("told_ms", 40_000));
        limits
    },
    play: |bed| beside_a_witness(bed, outlive),
};

fn with_a_death(holdtime: Duration) -> Vec<Limit> {
    vec![
        Limit::every("moves", 0),
        Limit::every("lost_failovers", 0),
        Limit::median("outage_ms", ms(holdtime) + 60),
    ]
}

/// Plays beside a witness that both nodes have heard of. The next scenario begins without one.
fn beside_a_witness(
    bed: &mut Testbed,
    play: impl FnOnce(&mut Testbed, &mut Option<Witness>) -> Result<Figures>,
) -> Result<Figures> {
    let mut witness = Some(Witness::join(bed)?);
    let interrupt = bed.interrupt().clone();
    interrupt.until("both nodes have heard of the witness", PATIENCE, || {
        Ok(Witness::is_known(bed, true).then_some(()))
    })?;
    let figures = play(bed, &mut witness);
    drop(witness);
    bed.contender().prepare(bed)?;
    figures
}

fn cut(bed: &mut Testbed, is_both_ways: bool) -> Result<Figures> {
    let since_ms = bed.lab().clock_ms();
    let (holder, standby) = hosts(bed)?;
    bed.gateway().cut_path(holder.address, standby.address)?;
    if is_both_ways {
        bed.gateway().cut_path(standby.address, holder.address)?;
    }
    bed.pass(CUT_TIME)?;
    heal_and_die(bed, since_ms)
}

fn isolate(bed: &mut Testbed) -> Result<Figures> {
    let since_ms = bed.lab().clock_ms();
    let (holder, standby) = hosts(bed)?;
    for other in [holder, ORIGIN] {
        bed.gateway().cut_path(other.address, standby.address)?;
        bed.gateway().cut_path(standby.address, other.address)?;
    }
    bed.pass(ISOLATION_GRACE)?;
    bed.gateway().heal()?;
    // The server behind HAProxy is on the witness's host: the standby's HAProxy has to find it again.
    bed.pass(SERVER_RECOVERY)?;
    heal_and_die(bed, since_ms)
}

fn outlive(bed: &mut Testbed, witness: &mut Option<Witness>) -> Result<Figures> {
    let since_ms = bed.lab().clock_ms();
    drop(witness.take());
    let interrupt = bed.interrupt().clone();
    interrupt.until("both nodes know that the witness is dead", PATIENCE * 2, || {
        Ok(Witness::is_known(bed, false).then_some(()))
    })?;
    let told_ms = bed.lab().clock_ms() - since_ms;
    let mut figures = die(bed, since_ms)?;
    figures.insert("told_ms", told_ms);
    Ok(figures)
}

fn heal_and_die(bed: &mut Testbed, since_ms: u64) -> Result<Figures> {
    bed.gateway().heal()?;
    // Whoever has claimed is not content for a while: then the death strikes as it would in the field.
    bed.comes_to_rest(RECOVERY)?;
    die(bed, since_ms)
}

fn die(bed: &mut Testbed, since_ms: u64) -> Result<Figures> {
    let moves = count(bed.moves(since_ms).len());
    let holder = bed.holder()?;
    bed.pass_by_chance()?;
    let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
    let mut figures = takeover.figures(bed)?;
    figures.insert("moves", moves);
    figures.insert("lost_failovers", u64::from(!takeover.came_to_pass()));
    Ok(figures)
}

/// The host that holds the address, and the other one.
fn hosts(bed: &Testbed) -> Result<(Host, Host)> {
    let is_a = bed.holder()? == NODE_A.name;
    Ok(if is_a { (NODE_A, NODE_B) } else { (NODE_B, NODE_A) })
}

const CUT_TIME: Duration = Duration::from_secs(60);
/// What `witness.isolation_grace` is unless somebody sets it.
const ISOLATION_GRACE: Duration = Duration::from_secs(10);
/// Three of HAProxy's checks in a row, and as much again.
const SERVER_RECOVERY: Duration = Duration::from_secs(10);
/// Many times every interval, and a round of questions to the witness.
const RECOVERY: Duration = Duration::from_secs(15);
