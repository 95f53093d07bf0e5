//! What must happen, and within which time.

use std::time::Duration;

use pair_core::{Member, config::BUDGET_WINDOW};

use super::Judgement;
use crate::World;

/// F-6, F-11: while the holder is dead, and the other one is fit, knows its peer, is bound by no order, and has a working API,
/// the address moves there, every time.
///
/// The bound is the longest wait of each rule on the way: a service that was seen under suspicion (F-7), a restart that was
/// announced (F-13), witnesses that fell silent with it (F-20), the pause after a denied call (F-12), and beyond the budget a whole window (F-15).
pub(super) fn a_dead_holder_is_replaced(world: &World) -> Judgement {
    let Some(since) = world.follow.orphaned else {
        return Ok(0);
    };
    let settings = world.settings();
    let lasts = world.now().since(since);
    let has_witness = settings.witnesses.count > 0;
    let isolation_grace = has_witness.then_some(settings.witnesses.isolation_grace);
    let grace = settings.restart_grace + isolation_grace.unwrap_or_default();
    let bound = settings.lost_contact_takeover + grace + world.longest_holdtime * 3 + DENIED;
    if lasts <= bound || (lasts <= bound + BUDGET_WINDOW && is_over_budget(world)) {
        return Ok(1);
    }
    Err(format!("the holder {:?} has been dead for {lasts:?}", world.owner()))
}

/// F-1: a node that runs, whose calls are answered and whose IMDS speaks does not say "active" for long where it does not
/// hold the address, nor the other way round.
pub(super) fn no_node_is_wrong_about_itself_for_long(world: &World) -> Judgement {
    let bound = TO_NOTICE + world.longest_imds_lag + world.longest_stale;
    let mut judged = 0;
    for member in Member::BOTH {
        let lasts = world.lasting(world.follow.wrong[member.index()]);
        if lasts > bound {
            let truth = world.owner();
            return Err(format!(
                "{member:?} has been wrong about itself for {lasts:?}: {truth:?}"
            ));
        }
        judged += u64::from(!lasts.is_zero());
    }
    Ok(judged)
}

fn is_over_budget(world: &World) -> bool {
    let standby = Member::BOTH.into_iter().find(|member| !world.holds(*member));
    standby.is_some_and(|standby| world.host(standby).is_running() && world.view(standby).moves >= 3)
}

/// The longest pause after a denied call (64 s), and the call.
const DENIED: Duration = Duration::from_secs(70);

/// Trust in an own reply (10 s), IMDS every two seconds, two reads 2 s apart, and their calls.
const TO_NOTICE: Duration = Duration::from_secs(19);
