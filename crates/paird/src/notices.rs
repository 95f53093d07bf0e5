//! What AWS tells of the end of this host, and what this node does about it (F-13).
//!
//! ```text
//! IMDS: spot, autoscaling, maintenance, rebalance ─► Told ─┐
//! configuration: what to do about each kind ───────────────┼─► Notice, Notice, … ─► the most urgent one ─► core
//! wall clock: how long until maintenance begins ───────────┘
//! ```
//!
//! Notices are levels, not edges: what AWS says at the moment is all that counts, so a restart forgets nothing, and maintenance that
//! is called off brings the node back. A kind that is not answered for stays as it was told last: not knowing is not an all-clear.
//!
//! What AWS cannot tell is not asked for: an instance that was bought for good is not interrupted, and one that no autoscaling group
//! has is terminated by none. An instance may be attached to a group later, so that is asked again, only less often.

use std::time::{Duration, SystemTime};

use pair_core::{Ending, EndingCause, Instant};
use pair_ec2::{Imds, ImdsError, Market, ScheduledEvent, SpotInterruption};

use crate::text;

/// What to do about the notices of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// About the interruption of a spot instance.
    pub spot: Response,
    /// About the termination by an autoscaling group.
    pub autoscaling: Response,
    /// About maintenance that takes the host.
    pub maintenance: Response,
    /// How long before it begins.
    pub maintenance_lead: Duration,
    /// About the recommendation to replace a spot instance.
    pub rebalance: Response,
}

/// What to do about a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Hand over, and take nothing that is given away.
    Leave,
    /// Say so.
    Report,
    /// Do not even read it.
    Ignore,
}

/// Which notices are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Those of an end that comes in minutes.
    Soon,
    /// Those as well of what comes in days, or may not come at all, or do not concern this instance today.
    All,
}

/// A notice that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What kind it is.
    pub cause: EndingCause,
    /// What AWS says, in words.
    pub detail: String,
    /// When the host ends, or its maintenance begins.
    pub at: Option<SystemTime>,
    /// Whether this node hands over because of it.
    pub hands_over: bool,
}

/// What AWS has told last.
#[derive(Debug, Default)]
pub struct Told {
    /// `None` until it was told; it never changes.
    market: Option<Market>,
    spot: Option<SpotInterruption>,
    autoscaling: Group,
    events: Vec<ScheduledEvent>,
    rebalance: Option<SystemTime>,
}

/// What AWS has told of the instance's autoscaling group.
#[derive(Debug, Default, PartialEq, Eq)]
enum Group {
    /// Nothing yet.
    #[default]
    Unknown,
    /// That it is in none, or that none has moved it yet.
    Outside,
    /// Into which state its group brings it.
    Target(String),
}

impl Policy {
    /// What to do about a notice of this kind.
    const fn response(&self, cause: EndingCause) -> Response {
        match cause {
            EndingCause::Spot => self.spot,
            EndingCause::Autoscaling => self.autoscaling,
            EndingCause::Maintenance => self.maintenance,
            EndingCause::Rebalance => self.rebalance,
        }
    }
}

/// Why notices were not read when each span was last asked for.
#[derive(Debug, Default)]
pub struct Failures {
    soon: Vec<ImdsError>,
    all: Vec<ImdsError>,
}

impl Response {
    /// The response of this name, as the schema lists them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "leave" => Some(Self::Leave),
            "report" => Some(Self::Report),
            "ignore" => Some(Self::Ignore),
            _ => None,
        }
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Report => "report",
            Self::Ignore => "ignore",
        }
    }
}

impl Told {
    /// Asks for every kind of this span that AWS could tell and somebody wants to know of, one after the other, and returns why some
    /// were not answered.
    pub async fn ask(&mut self, imds: &Imds, policy: &Policy, span: Span) -> Vec<ImdsError> {
        let mut errors = Vec::new();
        if self.asks_market(policy, span) {
            note(&mut self.market, imds.market().await.map(Some), &mut errors);
        }
        if self.asks(EndingCause::Spot, policy, span) {
            note(&mut self.spot, imds.spot_interruption().await, &mut errors);
        }
        if self.asks(EndingCause::Autoscaling, policy, span) {
            let answer = imds.autoscaling_target().await.map(Group::from);
            note(&mut self.autoscaling, answer, &mut errors);
        }
        if self.asks(EndingCause::Maintenance, policy, span) {
            note(&mut self.events, imds.scheduled_events().await, &mut errors);
        }
        if self.asks(EndingCause::Rebalance, policy, span) {
            note(&mut self.rebalance, imds.rebalance_recommendation().await, &mut errors);
        }
        errors
    }

    /// The notices that stand at this moment, the most urgent first: what makes this node hand over, and then what comes soonest.
    #[must_use]
    pub fn notices(&self, policy: &Policy, now: SystemTime) -> Vec<Notice> {
        let mut notices: Vec<Notice> = [
            self.of_spot(policy),
            self.of_autoscaling(policy),
            self.of_rebalance(policy),
        ]
        .into_iter()
        .flatten()
        .chain(self.events.iter().filter_map(|event| of_event(event, policy, now)))
        .collect();
        // Who does not say when may mean at once.
        notices.sort_by_key(|notice| (!notice.hands_over, notice.at.unwrap_or(now), notice.cause));
        notices
    }

    /// Whether it is to be asked how this instance was bought: until that is known, and while it makes a difference.
    fn asks_market(&self, policy: &Policy, span: Span) -> bool {
        let kinds = [EndingCause::Spot, EndingCause::Rebalance];
        span == Span::All && self.market.is_none() && kinds.iter().any(|kind| self.asks(*kind, policy, span))
    }

    /// Whether this kind is asked for in a round of this span. Until AWS has said that it does not concern this instance, it may.
    fn asks(&self, kind: EndingCause, policy: &Policy, span: Span) -> bool {
        let may_be_interrupted = self.market != Some(Market::Firm);
        let may_be_told = match kind {
            EndingCause::Spot => may_be_interrupted,
            EndingCause::Autoscaling => span == Span::All || self.autoscaling != Group::Outside,
            EndingCause::Maintenance => span == Span::All,
            EndingCause::Rebalance => span == Span::All && may_be_interrupted,
        };
        may_be_told && policy.response(kind) != Response::Ignore
    }

    fn of_spot(&self, policy: &Policy) -> Option<Notice> {
        let told = self.spot.as_ref()?;
        notice(EndingCause::Spot, &told.action, told.at, policy.spot)
    }

    fn of_autoscaling(&self, policy: &Policy) -> Option<Notice> {
        let target = self.autoscaling.target()?;
        // An instance of a warm pool is stopped or hibernated until it is wanted again.
        let is_end = target == "Terminated" || target.starts_with("Warmed:") && target != "Warmed:Running";
        notice(EndingCause::Autoscaling, target, None, policy.autoscaling).filter(|_| is_end)
    }

    fn of_rebalance(&self, policy: &Policy) -> Option<Notice> {
        self.rebalance?;
        notice(
            EndingCause::Rebalance,
            "at a raised risk of interruption",
            None,
            policy.rebalance,
        )
    }
}

impl Group {
    fn target(&self) -> Option<&str> {
        match self {
            Self::Unknown | Self::Outside => None,
            Self::Target(state) => Some(state),
        }
    }
}

impl From<Option<String>> for Group {
    fn from(target: Option<String>) -> Self {
        target.map_or(Self::Outside, Self::Target)
    }
}

impl Failures {
    /// Takes in why this span was not read, and returns it in words if it is new: what goes on is told once. Each span has its own,
    /// since a kind that fails is asked for in some rounds only.
    #[must_use]
    pub fn note(&mut self, span: Span, errors: Vec<ImdsError>) -> Option<String> {
        let before = match span {
            Span::Soon => &mut self.soon,
            Span::All => &mut self.all,
        };
        let is_new = !errors.is_empty() && errors != *before;
        *before = errors;
        is_new.then(|| {
            let words: Vec<String> = before.iter().map(ToString::to_string).collect();
            words.join("; ")
        })
    }
}

impl Notice {
    /// What the core is told of it, which counts time by another clock.
    #[must_use]
    pub fn ending(&self, wall: SystemTime, now: Instant) -> Ending {
        let left = |at: SystemTime| at.duration_since(wall).unwrap_or_default();
        Ending {
            cause: self.cause,
            at: self.at.map(|at| now + left(at)),
            hands_over: self.hands_over,
        }
    }

    /// What it says, and how long is left.
    #[must_use]
    pub fn told(&self, wall: SystemTime) -> String {
        let what = format!("{} ({})", text::ending_cause(self.cause), self.detail);
        match self.at.map(|at| at.duration_since(wall).unwrap_or_default()) {
            Some(left) if left.is_zero() => format!("{what}, due"),
            Some(left) => format!("{what} in {}", text::whole_seconds(left)),
            None => what,
        }
    }
}

/// What is over, or was called off, is no notice; what does not take the host is told, and moves nothing.
fn of_event(event: &ScheduledEvent, policy: &Policy, now: SystemTime) -> Option<Notice> {
    let told = notice(
        EndingCause::Maintenance,
        &event.code,
        event.not_before,
        policy.maintenance,
    )?;
    let is_due = event.not_before.is_none_or(|at| at <= now + policy.maintenance_lead);
    let hands_over = told.hands_over && event.takes_host() && is_due;
    (!event.is_over).then_some(Notice { hands_over, ..told })
}

fn notice(cause: EndingCause, detail: &str, at: Option<SystemTime>, response: Response) -> Option<Notice> {
    (response != Response::Ignore).then(|| Notice {
        cause,
        detail: detail
            .chars()
            .filter(|char| !char.is_control())
            .take(LONGEST_DETAIL)
            .collect(),
        at,
        hands_over: response == Response::Leave,
    })
}

/// Takes in an answer; without one, what was told last stands.
fn note<T>(told: &mut T, answer: Result<T, ImdsError>, errors: &mut Vec<ImdsError>) {
    match answer {
        Ok(answer) => *told = answer,
        Err(error) => errors.push(error),
    }
}

/// Every word that AWS's guides have here is shorter.
const LONGEST_DETAIL: usize = 40;

#[cfg(test)]
mod tests {
    use EndingCause::{Autoscaling, Maintenance, Rebalance, Spot};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// What stands in no file is this.
    const DEFAULT: Policy = Policy {
        spot: Response::Leave,
        autoscaling: Response::Leave,
        maintenance: Response::Leave,
        maintenance_lead: Duration::from_secs(900),
        rebalance: Response::Report,
    };

    fn wall(minute: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + MINUTE * minute
    }

    fn event(code: &str, minute: u32, is_over: bool) -> ScheduledEvent {
        ScheduledEvent {
            id: "instance-event-1".to_owned(),
            code: code.to_owned(),
            not_before: Some(wall(minute)),
            is_over,
        }
    }

    /// Kind and response of each notice, in their order.
    fn seen(told: &Told, policy: &Policy, minute: u32) -> Vec<(EndingCause, bool)> {
        let notices = told.notices(policy, wall(minute));
        notices.iter().map(|notice| (notice.cause, notice.hands_over)).collect()
    }

    #[test]
    fn each_response_has_the_name_by_which_it_is_read() {
        for response in [Response::Leave, Response::Report, Response::Ignore] {
            assert_eq!(Response::named(response.name()), Some(response));
        }
    }

    #[test]
    fn an_interruption_and_a_termination_make_the_node_leave() {
        let told = Told {
            spot: Some(SpotInterruption {
                action: "hibernate".to_owned(),
                at: Some(wall(2)),
            }),
            autoscaling: Group::Target("Terminated".to_owned()),
            ..Told::default()
        };
        let leaves = [(Autoscaling, true), (Spot, true)];
        assert_eq!(seen(&told, &DEFAULT, 0), leaves);
        let notices = told.notices(&DEFAULT, wall(0));
        let said: Vec<String> = notices.iter().map(|notice| notice.told(wall(0))).collect();
        assert_eq!(
            said,
            [
                "termination by its autoscaling group (Terminated)",
                "spot interruption (hibernate) in 2m"
            ]
        );
    }

    #[test]
    fn other_states_of_an_autoscaling_group_are_none() {
        let of = |target: &str| {
            let told = Told {
                autoscaling: Group::Target(target.to_owned()),
                ..Told::default()
            };
            seen(&told, &DEFAULT, 0).len()
        };
        let states = [
            "InService",
            "Standby",
            "Detached",
            "Warmed:Running",
            "Warmed:Stopped",
            "Terminated",
        ];
        assert_eq!(states.map(of), [0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn maintenance_is_told_at_once_and_left_for_in_time() {
        let told = Told {
            events: vec![event("system-reboot", 60, false)],
            ..Told::default()
        };
        let at = |minute| seen(&told, &DEFAULT, minute);
        assert_eq!(at(0), [(Maintenance, false)]);
        assert_eq!(at(44), [(Maintenance, false)]);
        assert_eq!(at(45), [(Maintenance, true)]);
        assert_eq!(at(70), [(Maintenance, true)]);
    }

    #[test]
    fn maintenance_that_does_not_take_the_host_or_is_over_moves_nothing() {
        let told = Told {
            events: vec![event("system-maintenance", 1, false), event("instance-stop", 1, true)],
            ..Told::default()
        };
        assert_eq!(seen(&told, &DEFAULT, 1), [(Maintenance, false)]);
    }

    #[test]
    fn a_recommendation_is_told_unless_more_is_wanted() {
        let told = Told {
            rebalance: Some(wall(0)),
            ..Told::default()
        };
        let with = |rebalance| seen(&told, &Policy { rebalance, ..DEFAULT }, 1);
        assert_eq!(with(Response::Report), [(Rebalance, false)]);
        assert_eq!(with(Response::Leave), [(Rebalance, true)]);
        assert_eq!(with(Response::Ignore), []);
    }

    #[test]
    fn who_leaves_comes_before_what_is_told_only() {
        let told = Told {
            rebalance: Some(wall(0)),
            events: vec![event("instance-stop", 20, false), event("instance-reboot", 10, false)],
            ..Told::default()
        };
        let notices = told.notices(&DEFAULT, wall(5));
        assert_eq!(notices[0].detail, "instance-reboot");
        assert_eq!(notices[1].detail, "instance-stop");
        assert_eq!(notices[2].cause, Rebalance);
    }

    /// The kinds that are asked for in the rounds of each span.
    fn asked(told: &Told, policy: &Policy) -> [Vec<EndingCause>; 2] {
        [Span::Soon, Span::All].map(|span| {
            let kinds = [Spot, Autoscaling, Maintenance, Rebalance];
            kinds
                .into_iter()
                .filter(|kind| told.asks(*kind, policy, span))
                .collect()
        })
    }

    #[test]
    fn all_kinds_are_asked_for_until_aws_has_said_what_does_not_concern_this_instance() {
        let told = Told::default();
        let all = vec![Spot, Autoscaling, Maintenance, Rebalance];
        assert_eq!(asked(&told, &DEFAULT), [vec![Spot, Autoscaling], all.clone()]);
        let may_be_interrupted = Told {
            market: Some(Market::Interruptible),
            autoscaling: Group::from(Some("InService".to_owned())),
            ..told
        };
        assert_eq!(asked(&may_be_interrupted, &DEFAULT), [vec![Spot, Autoscaling], all]);
    }

    #[test]
    fn an_instance_that_is_not_interrupted_asks_for_nothing_that_only_spot_instances_are_told() {
        let told = Told {
            market: Some(Market::Firm),
            ..Told::default()
        };
        let expected = [vec![Autoscaling], vec![Autoscaling, Maintenance]];
        assert_eq!(asked(&told, &DEFAULT), expected);
    }

    #[test]
    fn an_instance_outside_of_a_group_asks_seldom_whether_it_is_in_one() {
        let mut told = Told {
            autoscaling: Group::from(None),
            ..Told::default()
        };
        let seldom = [vec![Spot], vec![Spot, Autoscaling, Maintenance, Rebalance]];
        assert_eq!(asked(&told, &DEFAULT), seldom);
        told.autoscaling = Group::from(Some("InService".to_owned()));
        let [soon, _] = asked(&told, &DEFAULT);
        assert_eq!(soon, [Spot, Autoscaling], "it was attached to one");
    }

    #[test]
    fn what_nobody_wants_to_know_is_not_asked_for() {
        let ignoring = Policy {
            spot: Response::Ignore,
            autoscaling: Response::Ignore,
            maintenance: Response::Ignore,
            maintenance_lead: Duration::ZERO,
            rebalance: Response::Ignore,
        };
        assert_eq!(asked(&Told::default(), &ignoring), [vec![], vec![]]);
        let one = |kind| {
            let mut policy = ignoring;
            match kind {
                Spot => policy.spot = Response::Report,
                Autoscaling => policy.autoscaling = Response::Report,
                Maintenance => policy.maintenance = Response::Report,
                Rebalance => policy.rebalance = Response::Report,
            }
            let [_, all] = asked(&Told::default(), &policy);
            assert_eq!(all, [kind]);
            Told::default().asks_market(&policy, Span::All)
        };
        let asks_market = [Spot, Autoscaling, Maintenance, Rebalance].map(one);
        assert_eq!(asks_market, [true, false, false, true]);
    }

    #[test]
    fn how_the_instance_was_bought_is_asked_until_it_is_answered_and_never_again() {
        let mut told = Told::default();
        let asks = |told: &Told| [Span::Soon, Span::All].map(|span| told.asks_market(&DEFAULT, span));
        let mut errors = Vec::new();
        let path = "/x".to_owned();
        note(
            &mut told.market,
            Err(ImdsError::Refused { path, status: 500 }),
            &mut errors,
        );
        assert_eq!(asks(&told), [false, true]);
        for market in [Market::Firm, Market::Interruptible] {
            note(&mut told.market, Ok(Some(market)), &mut errors);
            assert_eq!(asks(&told), [false, false]);
        }
    }

    #[test]
    fn what_is_not_answered_stays_as_it_was_told() {
        let mut told = Some("Terminated".to_owned());
        let mut errors = Vec::new();
        let path = "/x".to_owned();
        note(&mut told, Err(ImdsError::Refused { path, status: 500 }), &mut errors);
        assert_eq!((told.as_deref(), errors.len()), (Some("Terminated"), 1));
        note(&mut told, Ok(None), &mut errors);
        assert_eq!(told, None);
    }

    #[test]
    fn what_goes_on_failing_is_told_once_whatever_is_asked_in_between() {
        let refused = |status| {
            let path = "events/maintenance/scheduled".to_owned();
            vec![ImdsError::Refused { path, status }]
        };
        let mut failures = Failures::default();
        let told = failures.note(Span::All, refused(500));
        assert_eq!(
            told.as_deref(),
            Some("IMDS answered events/maintenance/scheduled with HTTP 500")
        );
        for _ in 0..3 {
            assert_eq!(failures.note(Span::Soon, Vec::new()), None);
            assert_eq!(failures.note(Span::All, refused(500)), None);
        }
        assert!(
            failures.note(Span::All, refused(503)).is_some(),
            "it fails in another way"
        );
        assert_eq!(failures.note(Span::All, Vec::new()), None);
        assert!(failures.note(Span::All, refused(503)).is_some(), "it fails again");
        assert!(
            failures.note(Span::Soon, refused(503)).is_some(),
            "the others fail, too"
        );
        assert_eq!(failures.note(Span::All, refused(503)), None);
    }

    #[test]
    fn the_core_is_told_by_its_own_clock() {
        let notice = Notice {
            cause: Spot,
            detail: "stop".to_owned(),
            at: Some(wall(12)),
            hands_over: true,
        };
        let now = Instant::from_origin(MINUTE);
        assert_eq!(notice.ending(wall(10), now).at, Some(now + MINUTE * 2));
        assert_eq!(notice.ending(wall(13), now).at, Some(now), "no time is left");
        assert_eq!(notice.told(wall(13)), "spot interruption (stop), due");
    }
}
