//! A host dies.

use super::super::figures::Limit;
use super::super::measure::Takeover;
use super::{PATIENCE, Scenario, ms};

/// The host of the holder dies without a word.
pub(super) const HOST_DEATH: Scenario = Scenario {
    name: "host-death",
    story: "the holder's links are cut at once and its processes killed: the other node takes the address",
    runs: 10,
    limits: |holdtime| vec![Limit::median("outage_ms", ms(holdtime) + 60), Limit::every("moves", 1)],
    play: |bed| {
        let holder = bed.holder()?;
        let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
        takeover.figures(bed)
    },
};
