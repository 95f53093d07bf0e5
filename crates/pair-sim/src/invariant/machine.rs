//! What keeps the machinery sound.

use super::Judgement;
use crate::World;

/// A node that has just been woken wants to be woken later, not at once again.
pub(super) fn timers_move_forward(world: &World) -> Judgement {
    match world.stuck_timer() {
        None => Ok(1),
        Some(timer) => Err(format!("{timer} is due again at once")),
    }
}

/// No queue grows and no loop spins: the calls and wake-ups of a second are bounded.
pub(super) fn work_is_bounded(world: &World) -> Judgement {
    let (wakes, calls) = world.work_in_this_second();
    if wakes <= MOST_WAKES && calls <= MOST_CALLS {
        Ok(1)
    } else {
        Err(format!("{wakes} wake-ups and {calls} calls within a second"))
    }
}

/// Two nodes in a burst of queries are woken every 10 ms each; the rest is room.
pub(super) const MOST_WAKES: u32 = 600;

/// Two nodes that claim and read at once make a handful of calls a second.
const MOST_CALLS: u32 = 40;
