//! What has to be remembered of a path, so that a state alone shows whether a law is broken.
//!
//! All of it is part of the state and makes two states differ, so every count stops where no law asks any further.

use pair_core::{Call, Decision, Heartbeat, Holder, Instant, Link, Member, Node, Rule, Verdict};

use super::{
    event::Event,
    law::{self, Law, Sent},
    settings::{HOLD, TICK},
    state::State,
};
use crate::Owner;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    /// Claims sent so far.
    pub(super) claims: u8,
    /// How far the path is on its way to a second takeover.
    pub(super) plot: Plot,
    /// The laws that were broken in this tick, a bit each.
    pub(super) broken: u32,
    /// By which rule each member has sent a claim in this tick.
    pub(super) by_rule: [Option<Rule>; 2],
    /// A claim that was held up has moved the address in this tick.
    pub(super) straggled: bool,
    /// What each node thinks, while it runs: a state shows it, too, but at some expense.
    pub(super) thoughts: [Option<Thought>; 2],
    /// Since when nothing has been wrong with network, hosts and services.
    calm: u8,
    /// Since when nothing has been wrong at all.
    pub(super) mended: u8,
    /// Since when the owner has been the same, in truth.
    owned: u8,
    /// Since when the holder has been dead while the other one could take over.
    pub(super) orphaned: u8,
    of: [Memory; 2],
}

/// What a node thinks at the end of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Thought {
    pub(super) verdict: Verdict,
    pub(super) rule: Rule,
    pub(super) link: Link,
    pub(super) holder: Option<Holder>,
    /// Whether a hold binds it, or it has left.
    pub(super) is_bound: bool,
    is_over_budget: bool,
}

/// What is remembered of one member. All but the counts are ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Memory {
    /// Since when it has run and served, with a whole network.
    well: u8,
    /// Since when it has run and served, with a witness that reaches both.
    witnessed: u8,
    /// Since when it has heard its peer both ways and known that the peer holds the address.
    proven: u8,
    /// Since when it has been wrong about itself.
    wrong: u8,
    /// How long ago it stood still.
    pub(super) resumed: u8,
    /// How long ago a read of its was answered.
    pub(super) read: u8,
    /// How old the peer's knowledge of its own hold was when it was last heard.
    pub(super) word: u8,
    /// How many claims by the silence of heartbeats it has won since a datagram came.
    pub(super) won_in_this_silence: u8,
    /// What the claim under way is: by the silence of heartbeats, and at a cost.
    claims_by_silence: bool,
    claims_at_a_cost: bool,
    /// How many moves at a cost it has made, and how long ago the last one was. Those that have left the window of the budget
    /// are counted, too: no path is that long.
    pub(super) wins: u8,
    pub(super) won: u8,
    /// For how long a hold that was asked of it still lasts.
    pub(super) held: u8,
}

/// A path with two takeovers, mended in between, as far as it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Plot {
    #[default]
    Quiet,
    Fault,
    Takeover,
    Healed,
    SecondFault,
    SecondTakeover,
}

impl Thought {
    fn of(node: &Node) -> Self {
        let decision = node.decide();
        let seen = decision.evidence;
        Self {
            verdict: decision.verdict,
            rule: decision.rule,
            link: seen.link,
            holder: seen.holder,
            is_bound: seen.on_hold || seen.leaving,
            is_over_budget: seen.over_budget,
        }
    }
}

impl Watch {
    /// Begins the path here: what lasts goes on.
    pub(super) const fn begin_path(&mut self) {
        self.claims = 0;
    }

    /// A new run of an agent begins: what the one before had heard, asked and won is nothing to it. A hold is on its disk.
    pub(super) fn begin_run(&mut self, member: Member) {
        let memory = &mut self.of[member.index()];
        *memory = Memory {
            held: memory.held,
            resumed: u8::MAX,
            read: u8::MAX,
            word: u8::MAX,
            won: u8::MAX,
            ..Memory::default()
        };
    }

    fn break_law(&mut self, law: Law) {
        self.broken |= law.bit();
    }

    /// Lets every count stop where no law asks any further.
    fn stop_counts(&mut self) {
        self.calm = self.calm.min(law::SOON + 1);
        self.mended = self.mended.min(law::TO_SETTLE + 1);
        self.owned = self.owned.min(law::TO_LEARN + 1);
        self.orphaned = self.orphaned.min(law::TO_REPLACE + 1);
        for memory in &mut self.of {
            memory.well = memory.well.min(law::SOON + 1);
            memory.witnessed = memory.witnessed.min(law::SOON + 1);
            memory.proven = memory.proven.min(PROVEN);
            memory.wrong = memory.wrong.min(law::TO_NOTICE + 1);
            memory.resumed = memory.resumed.min(law::SOON);
            memory.read = memory.read.min(law::FACT + 1);
            memory.word = memory.word.min(law::FACT + 1);
            memory.won_in_this_silence = memory.won_in_this_silence.min(1);
            memory.wins = memory.wins.min(3);
            memory.won = memory.won.min(law::BUDGET_WAIT);
        }
    }
}

/// What happens within a tick.
impl State {
    pub(super) fn begin_watch(&mut self) {
        let watch = &mut self.watch;
        watch.broken = 0;
        watch.by_rule = [None; 2];
        watch.straggled = false;
        watch.owned = watch.owned.saturating_add(1);
        for memory in &mut watch.of {
            memory.resumed = memory.resumed.saturating_add(1);
            memory.read = memory.read.saturating_add(1);
            memory.won = memory.won.saturating_add(1);
            memory.held = memory.held.saturating_sub(1);
        }
    }

    /// `event` has struck, and whatever it ended has ended.
    pub(super) fn watch_event(&mut self, event: Event) {
        self.watch.mended = 0;
        if !self.is_calm() {
            self.watch.calm = 0;
        }
        for member in Member::BOTH {
            if !self.serves_in_touch(member) {
                self.watch.of[member.index()].well = 0;
            }
            if !self.serves_before_a_witness(member) {
                self.watch.of[member.index()].witnessed = 0;
            }
        }
        if event.is_fault() {
            self.watch.plot = match self.watch.plot {
                Plot::Quiet => Plot::Fault,
                Plot::Healed => Plot::SecondFault,
                plot @ (Plot::Fault | Plot::Takeover | Plot::SecondFault | Plot::SecondTakeover) => plot,
            };
        }
        let of = &mut self.watch.of;
        match event {
            Event::Resume(member) => of[member.index()].resumed = 0,
            Event::Hold(asked) => of[asked.index()].held = ticks(HOLD),
            Event::Put(_) => self.watch.owned = 0,
            // What the old instance was asked is on a disk that is gone.
            Event::Replace(member) => {
                of[member.index()].held = 0;
                self.watch.owned = 0;
            }
            Event::CrashHost(_)
            | Event::StopInstance(_)
            | Event::CrashAgent(_)
            | Event::StopAgent(_)
            | Event::Suspend(_)
            | Event::Cut
            | Event::CutFrom(_)
            | Event::Isolate(_)
            | Event::SilenceWitness
            | Event::WakeWitness
            | Event::CutApi(_)
            | Event::Fail(..)
            | Event::Refuse(_)
            | Event::HoldUp(_)
            | Event::Order(_)
            | Event::Start(_)
            | Event::Heal
            | Event::Reconnect(_)
            | Event::MendApi(_)
            | Event::Repair(_)
            | Event::Land(_)
            | Event::Find(_) => {}
        }
    }

    pub(super) fn watch_datagram(&mut self, at: Member, heartbeat: &Heartbeat) {
        let memory = &mut self.watch.of[at.index()];
        memory.won_in_this_silence = 0;
        let word = heartbeat.report.as_ref().and_then(|report| report.word.as_ref());
        if let Some(word) = word.filter(|word| word.holder == Holder::Member(at.peer())) {
            memory.word = ticks(word.age);
        }
    }

    pub(super) fn watch_read(&mut self, by: Member, call: &Call) {
        if matches!(call, Call::ReadAddress) {
            self.watch.of[by.index()].read = 0;
        }
    }

    pub(super) fn watch_claim(&mut self, by: Member, allow_reassociation: bool, decided: Option<&Decision>) {
        let today = self.machine(by).node.as_ref().map(|node| node.decide());
        let Some(decision) = decided.or(today.as_ref()) else {
            return;
        };
        let sent = Sent {
            by,
            decision,
            allow_reassociation,
            truth: self.owner(),
            truth_for: self.watch.owned,
            is_second: self.machine(by).claim.is_some(),
            calm: self.watch.calm,
            is_api_well: self.is_api_well(),
            peer_well: self.watch.of[by.peer().index()].well,
            witnessed: self.watch.of[by.peer().index()].witnessed,
            is_held_somewhere: self.watch.of.iter().any(|memory| memory.held > 0),
            memory: self.watch.of[by.index()],
        };
        let (broken, by_silence, at_a_cost) = (law::broken_by(&sent), sent.is_by_silence(), sent.costs());
        let rule = decision.rule;
        self.watch.broken |= broken;
        self.watch.claims = self.watch.claims.saturating_add(1);
        self.watch.by_rule[by.index()] = Some(rule);
        let memory = &mut self.watch.of[by.index()];
        memory.claims_by_silence = by_silence;
        memory.claims_at_a_cost = at_a_cost;
    }

    /// A claim has been applied.
    pub(super) fn watch_win(&mut self, by: Member, before: Option<Owner>, is_straggler: bool) {
        if before == Some(Owner::Member(by)) {
            return;
        }
        self.watch.owned = 0;
        self.watch.straggled |= is_straggler;
        let memory = &mut self.watch.of[by.index()];
        memory.won_in_this_silence += u8::from(memory.claims_by_silence);
        if before == Some(Owner::Member(by.peer())) && memory.claims_at_a_cost {
            memory.wins += 1;
            memory.won = 0;
            self.watch.plot = match self.watch.plot {
                Plot::Fault => Plot::Takeover,
                Plot::SecondFault => Plot::SecondTakeover,
                plot @ (Plot::Quiet | Plot::Takeover | Plot::Healed | Plot::SecondTakeover) => plot,
            };
        }
    }

    pub(super) fn watch_timer(&mut self, due: Instant) {
        if due <= self.now {
            self.watch.break_law(Law::Timers);
        }
    }

    pub(super) fn watch_overwork(&mut self) {
        self.watch.break_law(Law::Work);
    }

    /// Follows what lasts, and judges it.
    pub(super) fn end_watch(&mut self) {
        for member in Member::BOTH {
            let node = self.machine(member).node.as_ref();
            self.watch.thoughts[member.index()] = node.map(|node| Thought::of(node));
        }
        let mut watch = self.watch.clone();
        let last = |count: &mut u8, holds: bool| *count = if holds { count.saturating_add(1) } else { 0 };
        let is_settled = self.is_settled();
        last(&mut watch.calm, self.is_calm());
        last(&mut watch.mended, self.is_mended());
        last(&mut watch.orphaned, self.is_orphaned());
        for member in Member::BOTH {
            let memory = &mut watch.of[member.index()];
            last(&mut memory.well, self.serves_in_touch(member));
            last(&mut memory.witnessed, self.serves_before_a_witness(member));
            // What was proven before a death counts; the death itself ends the proof of today.
            if watch.orphaned == 0 {
                last(&mut memory.proven, self.is_proven(member));
            }
            last(&mut memory.wrong, self.is_wrong(member));
            if memory.wrong > law::TO_NOTICE {
                watch.broken |= Law::WrongAboutItself.bit();
            }
        }
        if watch.orphaned > law::TO_REPLACE {
            watch.break_law(Law::DeadHolder);
        }
        if watch.mended > law::TO_SETTLE && !is_settled {
            watch.break_law(Law::Settles);
        }
        if watch.plot == Plot::Takeover && watch.mended > 0 && is_settled {
            watch.plot = Plot::Healed;
        }
        watch.stop_counts();
        self.watch = watch;
    }

    /// What a node thinks, while it runs.
    pub(super) const fn thought(&self, member: Member) -> Option<Thought> {
        self.watch.thoughts[member.index()]
    }

    /// Whether a member runs and serves, with a whole network.
    fn serves_in_touch(&self, member: Member) -> bool {
        self.machine(member).is_well() && self.carries(member) && self.carries(member.peer())
    }

    /// Whether a member runs and serves, and a witness reaches both.
    fn serves_before_a_witness(&self, member: Member) -> bool {
        let is_isolated = self.machines.iter().any(|machine| machine.is_isolated);
        self.machine(member).is_well() && self.has_witness() && !is_isolated
    }

    /// Whether a member hears its peer, and knows that it holds the address.
    fn is_proven(&self, member: Member) -> bool {
        let peer = member.peer();
        // Who stood still does not know yet that it no longer hears anybody.
        if !self.machine(peer).is_running() || !self.carries(peer) {
            return false;
        }
        let thinks_so = |thought: Thought| thought.link == Link::Up && thought.holder == Some(Holder::Member(peer));
        self.owner() == Some(Owner::Member(peer)) && self.thought(member).is_some_and(thinks_so)
    }

    /// Whether a member that could know better is wrong about itself.
    fn is_wrong(&self, member: Member) -> bool {
        let machine = self.machine(member);
        let holds = self.owner() == Some(Owner::Member(member));
        let says = self.thought(member).and_then(|thought| thought.holder);
        let says_otherwise = says.is_some_and(|holder| (holder == Holder::Member(member)) != holds);
        machine.is_running() && machine.reaches_api() && says_otherwise
    }

    /// Whether the holder is dead, and the other one could take the address at once.
    fn is_orphaned(&self) -> bool {
        let Some(Owner::Member(holder)) = self.owner() else {
            return false;
        };
        let standby = self.machine(holder.peer());
        let proven = self.watch.of[standby.member.index()].proven;
        let is_over_budget = self
            .thought(standby.member)
            .is_some_and(|thought| thought.is_over_budget);
        self.machine(holder).is_dead()
            && standby.is_well()
            && standby.reaches_api()
            && standby.straggler.is_none()
            && (self.watch.orphaned > 0 || proven >= PROVEN)
            && !is_over_budget
            && !self.is_bound()
    }
}

fn ticks(time: std::time::Duration) -> u8 {
    u8::try_from(time.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u8::MAX)
}

/// How long a channel must have carried life to count as proven beyond doubt: the hands may have changed in between.
const PROVEN: u8 = 2;
