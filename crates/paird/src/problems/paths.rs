//! That one of several paths of heartbeats is silent, here or at the peer.

use pair_core::{Instant, Link};
use pair_wire::control::Problem;

use super::degraded;
use crate::knowledge::Knowledge;
use crate::paths::{PathState, Paths};
use crate::text;

/// Which paths are silent, in words.
#[must_use]
pub fn silent_paths(paths: &Paths, now: Instant) -> Vec<String> {
    paths
        .iter()
        .filter_map(|path| {
            // Asked in each turn: a path that is well costs no words.
            let because = match path.state() {
                PathState::Alive => return None,
                PathState::NeverHeard => "on which nothing was ever heard".to_owned(),
                PathState::Closed => format!("since {} is not on this host", path.own),
                PathState::Silent => format!("for {}", text::whole_seconds(now.since(path.heard_at()?))),
            };
            Some(format!("{}, {because}", path.name()))
        })
        .collect()
}

/// By which paths the peer hears nothing, although its heartbeats come by them: those that are silent here, too, need no second word.
#[must_use]
pub fn unheard_paths(paths: &Paths) -> Vec<String> {
    let alive = paths
        .iter()
        .enumerate()
        .filter(|(_, path)| path.state() == PathState::Alive);
    alive
        .filter(|(index, _)| paths.is_heard_by_peer(*index) == Some(false))
        .map(|(_, path)| path.name())
        .collect()
}

/// What is wrong with the paths of a peer that is heard; a peer that is not is a problem of its own.
pub(super) fn about(link: Link, known: &Knowledge) -> Option<Problem> {
    let is_heard = matches!(link, Link::Up | Link::OneWay);
    let told = [
        ("no heartbeats come by the path", &known.silent_paths),
        ("the peer hears nothing by the path", &known.unheard_paths),
    ];
    let told: Vec<String> = told
        .into_iter()
        // Who hears nothing at all tells of no path: what it told last is old.
        .take(if link == Link::Up { 2 } else { 1 })
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(what, paths)| format!("{what} {}", paths.join("; and by ")))
        .collect();
    (is_heard && !told.is_empty()).then(|| {
        degraded(
            "path-silent",
            told.join("; "),
            "see whether both of its addresses are configured, and the heartbeat port (UDP) is open on both interfaces",
        )
    })
}
