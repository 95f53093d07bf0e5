//! That AWS takes a host away, or might.

use std::time::SystemTime;

use pair_core::{Fitness, Link, Notice as CoreNotice, Report, View};
use pair_wire::control::Problem;

use super::degraded;
use crate::notices::Notice;
use crate::text;

/// Why this node is about to be none: it hands over what it holds, and is given nothing.
pub(super) fn against_readiness(notices: &[Notice]) -> Option<Problem> {
    let notice = notices.first().filter(|notice| notice.hands_over)?;
    Some(degraded(
        "host-ending",
        format!(
            "AWS takes this host: {}; it gives away what it holds as soon as the other node can take it",
            notice.told(SystemTime::now())
        ),
        "see that the other node is ready, and replace this one; pairctl leave and join have no part in it",
    ))
}

/// What AWS says that makes this node do nothing.
pub(super) fn told_only(notices: &[Notice]) -> Option<Problem> {
    let wall = SystemTime::now();
    let told: Vec<String> = notices
        .iter()
        .filter(|notice| !notice.hands_over)
        .map(|notice| notice.told(wall))
        .collect();
    (!told.is_empty()).then(|| {
        degraded(
            "host-noticed",
            format!("AWS has given notice about this host: {}", told.join("; ")),
            "replace it at a good moment; to move the address before that: pairctl leave, or see [notices]",
        )
    })
}

/// All that AWS says of the end of this host.
#[must_use]
pub fn of_notices(notices: &[Notice]) -> Vec<Problem> {
    against_readiness(notices)
        .into_iter()
        .chain(told_only(notices))
        .collect()
}

/// What AWS has told the peer.
pub(super) fn of_peer(report: &Report, peer: &str) -> Option<Problem> {
    let notice = report.notice?;
    let CoreNotice::HostEnds { cause, hands_over, .. } = notice else {
        return None;
    };
    let cause = text::ending_cause(cause);
    let left = notice.left().map_or_else(String::new, |left| {
        if left.is_zero() {
            ", due".to_owned()
        } else {
            format!(" in {}", text::whole_seconds(left))
        }
    });
    Some(if hands_over {
        degraded(
            "peer-host-ending",
            format!("AWS takes the host of {peer}: {cause}{left}; there is no standby"),
            "replace it",
        )
    } else {
        degraded(
            "peer-host-noticed",
            format!("AWS has given notice about the host of {peer}: {cause}{left}"),
            "see pairctl status there",
        )
    })
}

/// Whether the peer has said that its host ends, so that it need not be said that it is not ready, too.
pub(super) const fn is_told(report: &Report) -> bool {
    matches!(report.notice, Some(CoreNotice::HostEnds { hands_over: true, .. }))
}

/// Whether the peer takes what this node gives away.
pub(super) fn can_be_taken_over(view: &View) -> bool {
    let takes = |report: &Report| {
        let is_away = report.notice == Some(CoreNotice::Leaving) || is_told(report);
        report.fitness == Fitness::Fit && !is_away
    };
    view.link == Link::Up && view.hold_left().is_none() && view.peer.as_ref().is_some_and(takes)
}
