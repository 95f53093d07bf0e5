//! The decision: one pure function of the whole view, as one ordered table of rules.
//!
//! The first rule that has something to say decides. It is asked anew after every event; nothing depends on having seen a
//! transition. Each line of the table is documented under the same id in `docs/FAILOVER.md`.
//!
//! ```text
//! holder known? ─no─► wait              a stranger's, misplaced ─► alarm, hands off
//!      │ mine ─► serve                  leaving, not fit, no place to land ─► wait
//!      │ a former member's ─► ordered? stopped, and my turn? ─► claim
//!      │ nobody's ─► my turn? claim without reassociation
//!      │ the peer's ─► ordered? yielding? unfit? silent and proven and not serving? wanted back? ─► claim
//!      └─► otherwise wait                                                                        │
//!                                              on hold? over budget? a bar just ended? ─► wait ◄─┘
//! ```
//!
//! What the table claims, a *bar* may still keep back (F-14, F-15): that is asked last, so that the evidence shows what the
//! pair would do without it.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Fitness, Holder, Link, Member, Rule, Unfitness};

/// Everything that a decision looks at, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Situation {
    /// Which member this node is.
    pub me: Member,
    /// Who holds the address, if that is known.
    pub holder: Option<Holder>,
    /// Whether this node's own service can serve.
    pub fitness: Fitness,
    /// Whether this node knows the interface and private IP on which the address would land.
    pub can_land: bool,
    /// Whether another address is on that private IP: a claim would knock it off (F-5).
    pub has_neighbour: bool,
    /// Whether this node is ready to take over (F-6e).
    pub ready: bool,
    /// Whether this node has been fit for long enough since it was unfit while holding (F-6c).
    pub refit: bool,
    /// Whether it is this node's turn to take an address that nobody holds (F-10), or that a stopped former member holds
    /// (F-9).
    pub my_turn: bool,
    /// Whether nobody holds the address because this node has released it, to take it itself (F-11, strict).
    pub released: bool,
    /// Whether an operator ordered the address to this node (F-6e).
    pub ordered: bool,
    /// Whether this node's agent is about to end (F-13).
    pub stopping: bool,
    /// Whether this node leaves the pair, or has left it (F-13).
    pub leaving: bool,
    /// Whether AWS takes this node's host away: what is given it does not take, what nobody serves it does (F-13).
    pub ending: bool,
    /// Whether a hold is in force (F-14).
    pub on_hold: bool,
    /// Whether the budget of moves is used up (F-15).
    pub over_budget: bool,
    /// Whether a hold, the budget or an unfitness of this node has ended less than a holdtime ago (F-14).
    pub bar_just_ended: bool,
    /// Whether this node is preferred, both were well for `preempt_delay`, and nothing was undone (F-6f).
    pub preempt_due: bool,
    /// The link to the peer.
    pub link: Link,
    /// Running time since life.
    pub silence: Duration,
    /// Whether the holdtime has passed in silence.
    pub holdtime_over: bool,
    /// What the peer's last heartbeat said of its own service; `None` from a peer never heard or of another version.
    pub peer_fitness: Option<Fitness>,
    /// Whether the peer has been unfit for `unfit_delay`.
    pub peer_unfit_lasting: bool,
    /// Whether the peer wants this node to take the address.
    pub peer_yielding: bool,
    /// Whether the peer gave notice of a restart, and its grace goes on (F-13).
    pub peer_restarting: bool,
    /// Whether the witnesses that answered before have fallen silent, too, and not for long enough (F-20).
    #[serde(default)]
    pub witnesses_silent: bool,
    /// Why the silence may not mean death (F-7).
    pub objection: Option<Objection>,
    /// Who testifies that it does (F-8).
    pub testimony: Option<Testimony>,
}

/// Why a silent peer may yet be serving (F-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Objection {
    /// A probe begun under suspicion got bytes from the service.
    ProbeServed,
    /// A witness that was asked under suspicion brought the peer's signed answer (F-20).
    WitnessProved,
    /// The peer's service was at its connection limit, so that a silent probe says nothing yet.
    Saturated,
}

/// The channel whose silence, or whose word, says that the peer is dead (F-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Testimony {
    /// EC2 says that the holder's instance is stopped or terminated.
    InstanceDown,
    /// Heartbeats carried life since the address changed hands, and none for the holdtime.
    Heartbeats,
    /// Probes carried bytes since the address changed hands, and none for `lost_contact_takeover`.
    Probe,
    /// A witness brought the peer's answers since the address changed hands, and none for `lost_contact_takeover`, while it
    /// answers itself (F-20).
    Witness,
    /// Only the peer's kernel answered probes for `lost_contact_takeover`.
    KernelOnly,
    /// EC2's reachability check of the holder failed in two reads a minute apart.
    InstanceUnreachable,
    /// The address slipped back, in a silence in which this node had won it, to a peer that had told of a claim left
    /// unanswered (F-11).
    SlippedBack,
}

/// What should be done, by which rule, on what evidence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Decision {
    /// What should be done.
    pub verdict: Verdict,
    /// The rule that says so.
    pub rule: Rule,
    /// What it looked at.
    pub evidence: Situation,
}

/// What should be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// This node holds the address: serve.
    Serve,
    /// Nothing, for this reason.
    Wait(Reason),
    /// Nothing, and somebody should look at it.
    Alarm(Alarm),
    /// Take the address.
    Claim {
        /// Whether it may be taken from another holder.
        allow_reassociation: bool,
    },
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Nobody has told yet who holds the address.
    HolderUnknown,
    /// This node's own service is not fit.
    NotFit,
    /// This node does not know its interface: IMDS has not answered.
    NoPlaceToLand,
    /// Nobody holds the address, and it is the peer's turn.
    NotMyTurn,
    /// An order waits until this node is ready.
    NotReady,
    /// The peer holds it and is well.
    PeerServes,
    /// The peer is unfit, but not yet for `unfit_delay`.
    PeerUnfitBriefly,
    /// The peer is unfit, but this node was unfit while it held, not long ago.
    NotRefit,
    /// The peer is suspect; the holdtime is not over.
    PeerSuspect,
    /// The peer restarts its agent, as it said it would.
    PeerRestarts,
    /// This node's agent is about to end.
    Stopping,
    /// This node has left the pair.
    Leaving,
    /// What kept this node from a claim has ended less than a holdtime ago.
    BarJustEnded,
}

/// What somebody should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Alarm {
    /// The address is held outside the pair.
    HeldByStranger,
    /// The address is on another interface or private IP of a member than the configured one.
    Misplaced,
    /// Another address is on the private IP on which this one would land.
    PlaceTaken,
    /// The peer is silent and its service serves.
    SilentButServing,
    /// The peer is silent, and so are the witnesses that answered before: it may be this node that is cut off.
    WitnessesSilent,
    /// The peer is silent, but no channel that ever worked says that it is dead.
    SilenceUnproven,
    /// A former member of the pair holds the address, and EC2 does not say that it is stopped.
    HeldByFormer,
    /// The address would move here, but for a hold.
    OnHold,
    /// The address would move here, but it has moved too often.
    OverBudget,
}

/// Decides.
#[must_use]
pub fn decide(situation: &Situation) -> Decision {
    let judged = judge(situation);
    let (rule, verdict) = barred(situation, judged).unwrap_or(judged);
    Decision {
        verdict,
        rule,
        evidence: situation.clone(),
    }
}

/// Whether this node wants a claim that the budget counts, barred or not (F-15).
pub(crate) fn wants_to_spend(situation: &Situation) -> bool {
    let (rule, verdict) = judge(situation);
    matches!(verdict, Verdict::Claim { .. }) && !is_free(situation, rule)
}

/// Whether a claim by this rule is free of the budget: nobody holds the address, EC2 says that the holder is stopped, or
/// an operator wants it (F-15).
pub(crate) fn is_free(s: &Situation, rule: Rule) -> bool {
    let by_ec2 = rule == Rule::F6a && s.testimony == Some(Testimony::InstanceDown);
    by_ec2 || is_ordered(s, rule) || matches!(rule, Rule::F6d | Rule::F9)
}

/// What the table says, bars aside.
fn judge(situation: &Situation) -> (Rule, Verdict) {
    TABLE
        .iter()
        .find_map(|(rule, says)| says(situation).map(|verdict| (*rule, verdict)))
        .unwrap_or((Rule::F19, Verdict::Wait(Reason::PeerServes)))
}

/// What keeps a claim back, if anything does.
fn barred(s: &Situation, (rule, verdict): (Rule, Verdict)) -> Option<(Rule, Verdict)> {
    // What this node has released it takes: a bar that comes in between must not leave it without an owner.
    if !matches!(verdict, Verdict::Claim { .. }) || is_ordered(s, rule) || s.released {
        None
    } else if s.on_hold {
        Some((Rule::F14, Verdict::Alarm(Alarm::OnHold)))
    } else if s.over_budget && !is_free(s, rule) {
        Some((Rule::F15, Verdict::Alarm(Alarm::OverBudget)))
    } else if s.bar_just_ended {
        Some((Rule::F14, Verdict::Wait(Reason::BarJustEnded)))
    } else {
        None
    }
}

/// Whether a claim by `rule` is what an operator wants: an order to this node, or the peer gives the address away.
const fn is_ordered(s: &Situation, rule: Rule) -> bool {
    s.ordered || matches!(rule, Rule::F6b)
}

type Says = fn(&Situation) -> Option<Verdict>;

/// The rules in the order in which they are asked. Behind `f9_stranger` the holder is the peer, a former member or nobody,
/// behind `f13_away` and `f5` this node is there and can serve, behind `f9_former` and `f10` the holder is the peer.
const TABLE: &[(Rule, Says)] = &[
    (Rule::F1, f1_holder),
    (Rule::F9, f9_stranger),
    (Rule::F13, f13_away),
    (Rule::F5, f5_can_serve),
    (Rule::F9, f9_former),
    (Rule::F6d, f6d_nobody_and_my_turn),
    (Rule::F10, f10_nobody_but_not_my_turn),
    (Rule::F6e, f6e_ordered),
    (Rule::F6b, f6b_peer_yields),
    (Rule::F6c, f6c_peer_unfit),
    (Rule::F6a, f6a_holder_is_down_by_ec2),
    (Rule::F13, f13_peer_restarts),
    (Rule::F7, f7_silent_but_serving),
    (Rule::F20, f20_cut_off),
    (Rule::F6a, f6a_presumed_dead),
    (Rule::F8, f8_unproven),
    (Rule::F3, f3_suspect),
    (Rule::F6f, f6f_wanted_back),
];

fn f1_holder(s: &Situation) -> Option<Verdict> {
    match s.holder {
        None => Some(Verdict::Wait(Reason::HolderUnknown)),
        Some(Holder::Member(holder)) if holder == s.me => Some(Verdict::Serve),
        Some(Holder::Misplaced(_)) => Some(Verdict::Alarm(Alarm::Misplaced)),
        Some(Holder::Member(_) | Holder::Nobody | Holder::Stranger | Holder::Former) => None,
    }
}

fn f9_stranger(s: &Situation) -> Option<Verdict> {
    (s.holder == Some(Holder::Stranger)).then_some(Verdict::Alarm(Alarm::HeldByStranger))
}

fn f13_away(s: &Situation) -> Option<Verdict> {
    if s.stopping {
        return Some(Verdict::Wait(Reason::Stopping));
    }
    s.leaving.then_some(Verdict::Wait(Reason::Leaving))
}

fn f5_can_serve(s: &Situation) -> Option<Verdict> {
    if s.fitness != Fitness::Fit {
        return Some(Verdict::Wait(Reason::NotFit));
    }
    if !s.can_land {
        return Some(Verdict::Wait(Reason::NoPlaceToLand));
    }
    s.has_neighbour.then_some(Verdict::Alarm(Alarm::PlaceTaken))
}

fn f9_former(s: &Situation) -> Option<Verdict> {
    if s.holder != Some(Holder::Former) {
        return None;
    }
    Some(match (s.ordered, s.ready) {
        (true, true) => TAKE,
        (true, false) => Verdict::Wait(Reason::NotReady),
        (false, _) if s.my_turn => TAKE,
        (false, _) => Verdict::Alarm(Alarm::HeldByFormer),
    })
}

fn f6d_nobody_and_my_turn(s: &Situation) -> Option<Verdict> {
    (s.holder == Some(Holder::Nobody) && (s.my_turn || s.ordered || s.released)).then_some(Verdict::Claim {
        allow_reassociation: false,
    })
}

fn f10_nobody_but_not_my_turn(s: &Situation) -> Option<Verdict> {
    (s.holder == Some(Holder::Nobody)).then_some(Verdict::Wait(Reason::NotMyTurn))
}

fn f6e_ordered(s: &Situation) -> Option<Verdict> {
    if !s.ordered {
        return None;
    }
    Some(if s.ready { TAKE } else { Verdict::Wait(Reason::NotReady) })
}

fn f6b_peer_yields(s: &Situation) -> Option<Verdict> {
    (s.link == Link::Up && s.peer_yielding && !s.ending).then_some(TAKE)
}

fn f6c_peer_unfit(s: &Situation) -> Option<Verdict> {
    let Some(Fitness::Unfit(why)) = s.peer_fitness else {
        return None;
    };
    if !matches!(s.link, Link::Up | Link::OneWay) {
        return None;
    }
    if !s.refit {
        return Some(Verdict::Wait(Reason::NotRefit));
    }
    let for_good = match why {
        Unfitness::ServiceGone | Unfitness::HostStopping => true,
        Unfitness::CheckFailed => s.peer_unfit_lasting,
    };
    Some(if for_good {
        TAKE
    } else {
        Verdict::Wait(Reason::PeerUnfitBriefly)
    })
}

fn f6a_holder_is_down_by_ec2(s: &Situation) -> Option<Verdict> {
    (s.holdtime_over && s.testimony == Some(Testimony::InstanceDown)).then_some(TAKE)
}

fn f13_peer_restarts(s: &Situation) -> Option<Verdict> {
    (s.holdtime_over && s.peer_restarting).then_some(Verdict::Wait(Reason::PeerRestarts))
}

fn f7_silent_but_serving(s: &Situation) -> Option<Verdict> {
    (s.holdtime_over && s.objection.is_some()).then_some(Verdict::Alarm(Alarm::SilentButServing))
}

fn f20_cut_off(s: &Situation) -> Option<Verdict> {
    let would_claim = s.holdtime_over && s.testimony.is_some();
    (would_claim && s.witnesses_silent).then_some(Verdict::Alarm(Alarm::WitnessesSilent))
}

fn f6a_presumed_dead(s: &Situation) -> Option<Verdict> {
    (s.holdtime_over && s.testimony.is_some()).then_some(TAKE)
}

fn f8_unproven(s: &Situation) -> Option<Verdict> {
    s.holdtime_over.then_some(Verdict::Alarm(Alarm::SilenceUnproven))
}

fn f3_suspect(s: &Situation) -> Option<Verdict> {
    (s.link == Link::Suspect).then_some(Verdict::Wait(Reason::PeerSuspect))
}

fn f6f_wanted_back(s: &Situation) -> Option<Verdict> {
    (s.preempt_due && s.link == Link::Up && s.ready).then_some(TAKE)
}

const TAKE: Verdict = Verdict::Claim {
    allow_reassociation: true,
};
