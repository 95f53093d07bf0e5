//! What two agents say of themselves, compared. A difference is told on both nodes, and keeps neither from anything (F-5).

use std::time::Duration;

use pair_wire::control::Problem;
use pair_wire::datagram::{Card, PeerKeys};
use pair_wire::key::KeyRing;

use super::degraded;

/// How far two wall clocks may be apart. A guess: histories of two nodes are compared by them, and little else.
const CLOCKS_APART: Duration = Duration::from_secs(5);

/// The cards of both nodes, as they stood when the peer's came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cards {
    /// This node's.
    pub own: Card,
    /// The peer's.
    pub theirs: Card,
}

/// Lists what differs.
#[must_use]
pub fn of_cards(cards: &Cards, peer: &str) -> Vec<Problem> {
    let Cards { own, theirs } = cards;
    let mut problems = Vec::new();
    if own.config != theirs.config {
        problems.push(degraded(
            "config-differs",
            format!("{peer} runs by another configuration"),
            "give both nodes the same file; paird check and pairctl doctor print its digest on each",
        ));
    }
    if let (Some(own), Some(theirs)) = (own.haproxy, theirs.haproxy)
        && own != theirs
    {
        problems.push(degraded(
            "haproxy-config-differs",
            format!("{peer} has another configuration of HAProxy, or the same one not yet"),
            "give both nodes the same file (check.haproxy.config), but for their own private addresses",
        ));
    }
    let apart = Duration::from_millis(own.unix_ms.abs_diff(theirs.unix_ms));
    if apart > CLOCKS_APART {
        let way = if own.unix_ms > theirs.unix_ms {
            "ahead of"
        } else {
            "behind"
        };
        let apart = humantime::format_duration(Duration::from_secs(apart.as_secs()));
        problems.push(degraded(
            "clocks-differ",
            format!("this host's clock is {apart} {way} that of {peer}"),
            "let chrony or systemd-timesyncd follow 169.254.169.123 on both nodes; pairctl doctor tells which one is wrong",
        ));
    }
    problems
}

/// Says that the peer has other keys, if it has.
#[must_use]
pub fn of_keys(ring: &KeyRing, theirs: &PeerKeys, peer: &str) -> Option<Problem> {
    let signs = ring.signer().id();
    let is_same =
        theirs.signs() == signs && ring.keys().all(|key| theirs.accepts(key)) && !theirs.accepts_another_than(ring);
    if is_same {
        return None;
    }
    Some(degraded(
        "keys-differ",
        format!(
            "this node signs with key {signs} and {peer} with {}, or they accept different ones",
            theirs.signs()
        ),
        "usual between two steps of a change of keys: pairctl key rotate; else give both nodes the same key file",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(change: impl FnOnce(&mut Card)) -> Vec<String> {
        let own = Card {
            config: [1; 8],
            haproxy: Some([2; 8]),
            unix_ms: 1_767_323_045_000,
        };
        let mut theirs = own;
        change(&mut theirs);
        let problems = of_cards(&Cards { own, theirs }, "b");
        problems.into_iter().map(|problem| problem.id).collect()
    }

    #[test]
    fn each_difference_is_a_finding_of_its_own() {
        assert_eq!(differs(|_| {}), Vec::<String>::new());
        assert_eq!(differs(|card| card.config = [0; 8]), ["config-differs"]);
        assert_eq!(differs(|card| card.haproxy = Some([0; 8])), ["haproxy-config-differs"]);
        assert_eq!(differs(|card| card.haproxy = None), Vec::<String>::new());
        assert_eq!(differs(|card| card.unix_ms -= 5_001), ["clocks-differ"]);
        assert_eq!(differs(|card| card.unix_ms += 5_000), Vec::<String>::new());
    }
}
