//! The last transitions in words: what `pairctl why` prints.
//!
//! A transition is what an operator asks about afterwards: the node began or ceased to claim, to serve or to alarm, the
//! address changed hands, the peer was presumed dead, this node was paused, an operator gave an order. That it waits for
//! another reason is none.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use pair_core::{Decision, Ending, Event, Instant, Link, Takeover, Verdict};
use pair_wire::control::{Times, Transition, TransitionKind};

use crate::asker::Asker;
use crate::clock::{millis, unix_ms, wall_time};
use crate::names::Names;
use crate::text;

/// How many transitions are kept: those of several takeovers, within what one response can hold.
pub const KEPT: usize = 32;

/// Keeps the last transitions of a node.
#[derive(Debug)]
pub struct Chronicle {
    names: Names,
    /// The allocation id of the address that it is about, if there are others.
    address: Option<String>,
    verdict: Option<Verdict>,
    kept: VecDeque<Note>,
}

/// One transition, by the core's clock.
#[derive(Debug)]
struct Note {
    at: Instant,
    kind: TransitionKind,
    text: String,
    before: Option<String>,
    rule: Option<&'static str>,
    evidence: Vec<String>,
    silence: Option<Duration>,
    times: Option<Times>,
    /// Whether it is about the node, and not about one of its addresses.
    is_of_node: bool,
}

impl Chronicle {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(names: Names, address: Option<String>) -> Self {
        Self {
            names,
            address,
            verdict: None,
            kept: VecDeque::with_capacity(KEPT),
        }
    }

    /// Takes in what the core tells, and says whether it was a transition.
    pub fn hear(&mut self, now: Instant, event: &Event) -> bool {
        let Some(note) = self.note(now, event) else {
            return false;
        };
        self.keep(note);
        true
    }

    /// Takes in an order, such as `hold for 30m`, as it was given to this node: what comes of it is told by the core.
    pub fn order(&mut self, now: Instant, order: &str, asker: &Asker) {
        let pid = asker.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        let text = format!("ordered by user {}{pid}: {order}", asker.uid);
        self.keep(Note::new(now, TransitionKind::Order, text));
    }

    /// Takes in how an order ended.
    pub fn order_ended(&mut self, now: Instant, how: &str) {
        self.keep(Note::new(now, TransitionKind::Order, how.to_owned()));
    }

    /// Takes in what came of reading configuration and keys again.
    pub fn reload(&mut self, now: Instant, outcome: &str) {
        self.keep(Note {
            is_of_node: true,
            ..Note::new(now, TransitionKind::Reload, outcome.to_owned())
        });
    }

    /// Takes in that a heartbeat path has fallen silent, or speaks again. A row of these is one transition, told by its last: a path that
    /// flaps must not push out what else happened.
    pub fn path(&mut self, now: Instant, what: &str) {
        if self.kept.back().is_some_and(|last| last.kind == TransitionKind::Path) {
            self.kept.pop_back();
        }
        self.keep(Note {
            is_of_node: true,
            ..Note::new(now, TransitionKind::Path, what.to_owned())
        });
    }

    /// Takes in who is at the peer's place from here on, and who was before.
    pub fn peer(&mut self, now: Instant, who: String, before: Option<String>) {
        self.keep(Note {
            before,
            is_of_node: true,
            ..Note::new(now, TransitionKind::Peer, who)
        });
    }

    /// The transitions, oldest first, by the wall clock as it stands `now`: a clock that was set right since is right for
    /// all of them.
    #[must_use]
    pub fn tell(&self, now: Instant) -> Vec<Transition> {
        self.kept.iter().map(|note| self.told(now, note)).collect()
    }

    /// The newest transition.
    #[must_use]
    pub fn newest(&self, now: Instant) -> Option<Transition> {
        self.kept.back().map(|note| self.told(now, note))
    }

    fn told(&self, now: Instant, note: &Note) -> Transition {
        let ago = now.since(note.at);
        Transition {
            node: self.names.me().to_owned(),
            unix_ms: unix_ms().saturating_sub(millis(ago)),
            at: wall_time(ago),
            kind: note.kind,
            text: note.text.clone(),
            before: note.before.clone(),
            rule: note.rule.map(str::to_owned),
            evidence: note.evidence.clone(),
            silence_ms: note.silence.map(millis),
            times: note.times,
            address: self.address.clone().filter(|_| !note.is_of_node),
        }
    }

    fn keep(&mut self, note: Note) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(note);
    }

    fn note(&mut self, now: Instant, event: &Event) -> Option<Note> {
        let plain = |kind, text| Note::new(now, kind, text);
        match event {
            Event::LinkChanged { from, to, silence } => {
                let is_telling = |link: Link| matches!(link, Link::PresumedDead | Link::OneWay);
                if !is_telling(*from) && !is_telling(*to) {
                    return None;
                }
                Some(Note {
                    before: Some(text::link(*from).to_owned()),
                    silence: Some(*silence),
                    ..plain(
                        TransitionKind::Link,
                        format!("{} is {}", self.names.peer(), text::link(*to)),
                    )
                })
            }
            Event::PeerIncarnation(_) => {
                let text = format!("the agent of {} has started", self.names.peer());
                Some(plain(TransitionKind::Peer, text))
            }
            Event::HolderChanged { from, to, source, .. } => {
                let (to, source) = (self.names.holder(*to), text::source(*source));
                Some(Note {
                    before: from.map(|holder| self.names.holder(holder)),
                    ..plain(TransitionKind::Holder, format!("{to} holds the address, by {source}"))
                })
            }
            Event::Decided(decision) => self.decided(now, decision),
            // The decision to claim is told, and so is what came of it.
            Event::Claiming { .. } | Event::Releasing { .. } => None,
            Event::Released(association) => {
                let text = format!("EC2 released {association}, to be taken from nobody");
                Some(plain(TransitionKind::Claim, text))
            }
            Event::ClaimFailed { attempt, fault, .. } => self.claim_failed(now, *attempt, text::fault(*fault)),
            Event::Claimed(association) => {
                let text = format!("EC2 moved the address here: {association}");
                Some(plain(TransitionKind::Claim, text))
            }
            Event::TookOver(takeover) => Some(self.took_over(now, takeover)),
            Event::Paused { missed } => {
                let missed = millis(*missed);
                let text = format!("this node was paused; the {missed} ms that it missed count for nothing");
                Some(plain(TransitionKind::Pause, text))
            }
            Event::HoldChanged { hold } => {
                let by = self.names.of(hold.version.by);
                let text = if hold.remaining.is_zero() {
                    format!("no hold is in force: {by} says so, or its time is over")
                } else {
                    let left = humantime::format_duration(Duration::from_secs(hold.remaining.as_secs()));
                    format!("{by} holds the address where it is, for {left} more")
                };
                Some(plain(TransitionKind::Hold, text))
            }
            Event::Witness { witness, answers } => {
                let does = if *answers { "answers" } else { "is silent" };
                let text = format!("the witness {} {does}", self.names.witness(*witness));
                Some(plain(TransitionKind::Witness, text))
            }
            Event::Leaving(true) => Some(plain(
                TransitionKind::Membership,
                "this node leaves the pair".to_owned(),
            )),
            Event::Leaving(false) => Some(plain(
                TransitionKind::Membership,
                "this node is back in the pair".to_owned(),
            )),
            Event::HostEnds(ending) => Some(plain(TransitionKind::Membership, ending_told(now, *ending))),
            Event::SilenceStartsAnew => Some(plain(
                TransitionKind::Silence,
                "EC2 answers for the first time in this silence, so this node may have been the one cut off: the silence \
                 counts anew"
                    .to_owned(),
            )),
        }
    }

    /// A decision is a transition unless the node waits as it did before.
    fn decided(&mut self, now: Instant, decision: &Decision) -> Option<Note> {
        let before = self.verdict.replace(decision.verdict);
        if matches!(
            (before, decision.verdict),
            (Some(Verdict::Wait(_)) | None, Verdict::Wait(_))
        ) {
            return None;
        }
        Some(Note {
            before: before.map(|verdict| text::verdict(verdict).to_owned()),
            rule: Some(decision.rule.id()),
            evidence: text::evidence(&decision.evidence, &self.names),
            silence: Some(decision.evidence.silence),
            ..Note::new(
                now,
                TransitionKind::Decision,
                text::verdict(decision.verdict).to_owned(),
            )
        })
    }

    /// A row of failures is one transition, told by its last: what led to it must not be pushed out.
    fn claim_failed(&mut self, now: Instant, attempt: u32, fault: &'static str) -> Option<Note> {
        let text = format!("attempt {attempt} to move the address failed: {fault}");
        match self.kept.back_mut() {
            Some(last) if attempt > 1 && last.kind == TransitionKind::Claim => {
                last.at = now;
                drop(mem::replace(&mut last.text, text));
                None
            }
            Some(_) | None => Some(Note::new(now, TransitionKind::Claim, text)),
        }
    }

    fn took_over(&self, now: Instant, takeover: &Takeover) -> Note {
        let text = format!(
            "the address came from {} and is verified here",
            self.names.holder(takeover.from)
        );
        Note {
            rule: Some(takeover.rule.id()),
            times: Some(Times {
                detect_ms: takeover.detect.map(millis),
                api_ms: millis(takeover.api),
                verify_ms: takeover.verify.map(millis),
                attempts: takeover.attempts,
            }),
            ..Note::new(now, TransitionKind::Takeover, text)
        }
    }
}

impl Note {
    const fn new(at: Instant, kind: TransitionKind, text: String) -> Self {
        Self {
            at,
            kind,
            text,
            before: None,
            rule: None,
            evidence: Vec::new(),
            silence: None,
            times: None,
            is_of_node: false,
        }
    }
}

/// What AWS says of the end of this host, and what follows from it.
fn ending_told(now: Instant, ending: Option<Ending>) -> String {
    let Some(Ending { cause, at, hands_over }) = ending else {
        return "no notice of AWS about this host stands any more".to_owned();
    };
    let cause = text::ending_cause(cause);
    if !hands_over {
        return format!("AWS has given a notice about this host: {cause}; nothing moves for it");
    }
    let left = at.map_or_else(String::new, |at| format!(" in {}", text::whole_seconds(at.since(now))));
    format!("AWS takes this host{left}: {cause}; this node gives away what it holds")
}

#[cfg(test)]
mod tests {
    use pair_core::{
        Alarm, CallFault, EndingCause, Fitness, Hold, HoldVersion, Holder, Member, Objection, Reason, Rule, Situation,
        Source, Testimony, Unfitness, WitnessIndex,
    };
    use pair_wire::control::{Answer, Outcome, Response, WHY_VERSION, Why, encode_line};

    use super::*;

    #[test]
    fn a_change_between_two_ways_of_waiting_is_no_transition() {
        let mut chronicle = chronicle();
        let wait = |reason| decided(Verdict::Wait(reason));
        assert!(!chronicle.hear(at(1), &wait(Reason::HolderUnknown)));
        assert!(!chronicle.hear(at(2), &wait(Reason::PeerServes)));
        assert!(chronicle.hear(at(3), &decided(Verdict::Serve)));
        assert!(chronicle.hear(at(4), &wait(Reason::NotFit)));
        let told = chronicle.tell(at(5));
        let texts: Vec<_> = told
            .iter()
            .map(|told| (told.before.as_deref(), told.text.as_str()))
            .collect();
        assert_eq!(
            texts,
            [
                (
                    Some("wait: the peer holds the address and is well"),
                    "serve: the address is here"
                ),
                (Some("serve: the address is here"), "wait: the own service is not fit"),
            ]
        );
        assert_eq!(told[1].rule.as_deref(), Some("F-5"));
    }

    #[test]
    fn a_suspicion_that_passes_is_no_transition_and_a_presumed_death_is() {
        let mut chronicle = chronicle();
        let link = |from, to| Event::LinkChanged {
            from,
            to,
            silence: Duration::from_millis(1_001),
        };
        assert!(!chronicle.hear(at(1), &link(Link::Up, Link::Suspect)));
        assert!(!chronicle.hear(at(2), &link(Link::Suspect, Link::Up)));
        assert!(chronicle.hear(at(3), &link(Link::Suspect, Link::PresumedDead)));
        let told = &chronicle.tell(at(4))[0];
        assert_eq!(
            (told.text.as_str(), told.silence_ms),
            ("a is presumed-dead", Some(1_001))
        );
    }

    #[test]
    fn a_row_of_failed_attempts_pushes_nothing_out() {
        let mut chronicle = chronicle();
        chronicle.hear(
            at(1),
            &decided(Verdict::Claim {
                allow_reassociation: true,
            }),
        );
        for attempt in 1..1_000 {
            let failed = Event::ClaimFailed {
                attempt,
                fault: CallFault::Throttled,
                pause: Duration::ZERO,
            };
            assert_eq!(chronicle.hear(at(1 + u64::from(attempt)), &failed), attempt == 1);
        }
        let told = chronicle.tell(at(2_000));
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].text, "attempt 999 to move the address failed: throttled");
    }

    #[test]
    fn an_order_is_told_with_who_gave_it() {
        let mut chronicle = chronicle();
        let asker = Asker {
            uid: 1000,
            pid: Some(4242),
            is_trusted: true,
        };
        chronicle.order(at(1), "hold for 30m", &asker);
        chronicle.order(at(2), "resume", &Asker { pid: None, ..asker });
        let told = chronicle.tell(at(3));
        assert_eq!(told[0].text, "ordered by user 1000, process 4242: hold for 30m");
        assert_eq!(told[1].text, "ordered by user 1000: resume");
        assert_eq!(told[1].kind, TransitionKind::Order);
    }

    #[test]
    fn what_is_about_the_node_names_no_address() {
        let mut chronicle = Chronicle::new(names(), Some("eipalloc-1".to_owned()));
        chronicle.hear(at(1), &Event::Leaving(true));
        chronicle.peer(
            at(2),
            "a is i-2 at 10.0.1.20".to_owned(),
            Some("i-1 at 10.0.1.10".to_owned()),
        );
        chronicle.path(at(3), "the heartbeat path 10.0.1.10 is silent");
        chronicle.reload(at(4), "reloaded");
        let told = chronicle.tell(at(5));
        let of: Vec<Option<&str>> = told.iter().map(|one| one.address.as_deref()).collect();
        assert_eq!(of, [Some("eipalloc-1"), None, None, None]);
        assert_eq!(told[1].kind, TransitionKind::Peer);
        assert_eq!(told[1].before.as_deref(), Some("i-1 at 10.0.1.10"));
    }

    #[test]
    fn only_the_last_transitions_are_kept() {
        let mut chronicle = chronicle();
        for second in 0..100 {
            chronicle.hear(
                at(second),
                &Event::Paused {
                    missed: Duration::from_secs(second),
                },
            );
        }
        let told = chronicle.tell(at(100));
        assert_eq!(told.len(), KEPT);
        assert!(told.last().unwrap().text.contains("99000 ms"));
    }

    #[test]
    fn the_longest_account_fits_into_a_response() {
        let names = ["a", "b"].map(|name| name.repeat(64));
        let mut chronicle = Chronicle::new(Names::new(names, Member::Second), None);
        for second in 0..KEPT as u64 {
            let verdict = if second % 2 == 0 {
                Verdict::Alarm(Alarm::SilenceUnproven)
            } else {
                Verdict::Alarm(Alarm::HeldByFormer)
            };
            chronicle.hear(at(second), &Event::Decided(talkative(verdict)));
        }
        let why = Why {
            version: WHY_VERSION,
            pair: "p".repeat(255),
            clock: None,
            transitions: chronicle.tell(at(1_000)),
        };
        let line = encode_line(&Response::new(Outcome::Ok(Answer::Why(why)))).unwrap();
        assert!(line.len() < 48 * 1024, "{} bytes", line.len());
    }

    #[test]
    fn every_event_that_is_a_transition_has_a_sentence() {
        let hold = |seconds| Hold {
            version: HoldVersion {
                number: 1,
                by: Member::First,
            },
            remaining: Duration::from_secs(seconds),
        };
        let witness = |answers| Event::Witness {
            witness: WitnessIndex(0),
            answers,
        };
        let cases = [
            (
                Event::HolderChanged {
                    from: Some(Holder::Member(Member::First)),
                    to: Holder::Stranger,
                    association: None,
                    source: Source::Ec2,
                },
                "stranger holds the address, by ec2",
            ),
            (
                Event::HoldChanged { hold: hold(90) },
                "a holds the address where it is, for 1m 30s more",
            ),
            (
                Event::HoldChanged { hold: hold(0) },
                "no hold is in force: a says so, or its time is over",
            ),
            (witness(true), "the witness 10.0.3.10:7695 answers"),
            (witness(false), "the witness 10.0.3.10:7695 is silent"),
            (Event::Leaving(true), "this node leaves the pair"),
            (Event::Leaving(false), "this node is back in the pair"),
            (
                Event::HostEnds(Some(Ending {
                    cause: EndingCause::Spot,
                    at: Some(at(121)),
                    hands_over: true,
                })),
                "AWS takes this host in 2m: spot interruption; this node gives away what it holds",
            ),
            (
                Event::HostEnds(Some(Ending {
                    cause: EndingCause::Rebalance,
                    at: None,
                    hands_over: false,
                })),
                "AWS has given a notice about this host: rebalance recommendation; nothing moves for it",
            ),
            (
                Event::HostEnds(None),
                "no notice of AWS about this host stands any more",
            ),
        ];
        for (event, text) in cases {
            let mut chronicle = chronicle();
            assert!(chronicle.hear(at(1), &event), "{event:?}");
            assert_eq!(chronicle.tell(at(2))[0].text, text);
        }
    }

    fn chronicle() -> Chronicle {
        Chronicle::new(names().with_witnesses(vec!["10.0.3.10:7695".to_owned()]), None)
    }

    fn names() -> Names {
        Names::new(["a".to_owned(), "b".to_owned()], Member::Second)
    }

    fn decided(verdict: Verdict) -> Event {
        Event::Decided(talkative(verdict))
    }

    /// A decision with all the evidence that there can be.
    fn talkative(verdict: Verdict) -> Decision {
        let evidence = Situation {
            me: Member::Second,
            holder: Some(Holder::Member(Member::First)),
            fitness: Fitness::Unfit(Unfitness::HostStopping),
            can_land: true,
            released: true,
            has_neighbour: true,
            ready: true,
            refit: true,
            my_turn: true,
            ordered: true,
            stopping: true,
            leaving: true,
            ending: true,
            on_hold: true,
            over_budget: true,
            bar_just_ended: true,
            preempt_due: true,
            link: Link::PresumedDead,
            silence: Duration::from_millis(1_001),
            holdtime_over: true,
            peer_fitness: Some(Fitness::Unfit(Unfitness::CheckFailed)),
            peer_unfit_lasting: true,
            peer_yielding: true,
            peer_restarting: true,
            witnesses_silent: true,
            objection: Some(Objection::WitnessProved),
            testimony: Some(Testimony::SlippedBack),
        };
        Decision {
            verdict,
            rule: Rule::F5,
            evidence,
        }
    }

    fn at(second: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(second))
    }
}
