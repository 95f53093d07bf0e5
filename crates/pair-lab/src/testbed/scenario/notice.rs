//! AWS tells a node of the end of its host.

use std::time::Duration;

use pair_lab::Announcement;

use super::super::figures::Limit;
use super::operation::Costs;
use super::{Scenario, ms};

/// A spot instance is interrupted.
pub(super) const SPOT: Scenario = Scenario {
    name: "spot-notice",
    story: "AWS tells the holder, a spot instance as the other node is, that it is interrupted, and 15 s later its host dies: by then the \
            address has moved, which costs 100 ms at most and no request but one that was under way just then, and the death costs nothing",
    runs: 5,
    limits: |_| {
        vec![
            Limit::every("handed_over_ms", 6_000),
            Limit::every("outage_ms", 100),
            Limit::every("moves", 1),
            Limit::every("failed_elsewhere", 0),
        ]
    },
    play: |bed| {
        bed.become_spot()?;
        bed.pass_by_chance()?;
        let holder = bed.holder()?;
        let other = bed.other(&holder);
        let mut costs = Costs::begin(bed);
        let told_ms = bed.lab().clock_ms();
        bed.lab().announce(&holder, &Announcement::SpotInterruption(LEFT))?;
        let landed_ms = costs.add(bed, other, told_ms)?;
        let is_left_ms = (told_ms + ms(LEFT)).saturating_sub(landed_ms);
        bed.pass(Duration::from_millis(is_left_ms))?;
        bed.kill_host(&holder)?;
        bed.pass(WATCHED)?;
        let mut figures = costs.figures(bed);
        figures.insert("handed_over_ms", landed_ms - told_ms);
        Ok(figures)
    },
};

/// How long the host has from the notice on: AWS gives two minutes, of which the first seconds must do.
const LEFT: Duration = Duration::from_secs(15);

/// How long nobody must notice that the host is dead.
const WATCHED: Duration = Duration::from_secs(5);
