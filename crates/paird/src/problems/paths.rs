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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use pair_core::{Incarnation, Member, Prefix, Sequence};
    use pair_wire::datagram::HeardPaths;

    use super::*;
    use crate::config::AddressIndex;

    const HOLDTIME: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_path_by_which_only_the_peer_hears_nothing_is_told_beside_those_that_are_silent_here() {
        let ends = |last| [[127, 0, 11, last], [127, 0, 12, last]].map(IpAddr::from);
        let ends = [1, 2, 3].map(ends).map(|[own, peer]| (own, peer));
        let mut paths = Paths::open(ends, 7694).unwrap();
        let prefix = Prefix {
            sender: Member::Second,
            incarnation: Incarnation(1),
            sequence: Sequence(1),
            echo: None,
        };
        let now = Instant::ZERO + HOLDTIME;
        for path in [0, 1] {
            paths.hear(now, path, AddressIndex(0), &prefix);
        }
        paths.follow(now, HOLDTIME);
        assert_eq!(unheard_paths(&paths), [""; 0], "the peer has not said");
        paths.hear_of_peer(HeardPaths::of([true, false, false]));
        assert_eq!(unheard_paths(&paths), ["127.0.11.2 to 127.0.12.2"]);
        let silent = "127.0.11.3 to 127.0.12.3, on which nothing was ever heard";
        assert_eq!(silent_paths(&paths, now), [silent]);

        let mut known = Knowledge::new("haproxy", None);
        known.silent_paths = silent_paths(&paths, now);
        known.unheard_paths = unheard_paths(&paths);
        let told = |link| about(link, &known).map(|problem| problem.text);
        let ours = format!("no heartbeats come by the path {silent}");
        let both = format!("{ours}; the peer hears nothing by the path 127.0.11.2 to 127.0.12.2");
        assert_eq!(told(Link::Up), Some(both));
        assert_eq!(
            told(Link::OneWay),
            Some(ours),
            "a peer that hears nothing tells of no path"
        );
        assert_eq!(told(Link::PresumedDead), None);
    }
}
