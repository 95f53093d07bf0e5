//! The world: two hosts, a network, EC2 and one clock.
//!
//! ```text
//! Agenda ──earliest──► step: time jumps there, it happens, nodes react, their outputs become new items of the Agenda,
//!                      every invariant is checked
//! ```
//!
//! The ordinary story: `World::new` starts both agents, `run_for` lets time pass. The odd cases: a paused host takes nothing
//! in and gives nothing out, but what reaches it waits and is handed over when it resumes: datagrams first or last, as the
//! dice say, the wake-up always after the datagrams (F-4).

use std::time::Duration;

use pair_core::{Heartbeat, Holder, Input, Instant, Member, OrderId, OrderOutcome, Reply, Timer};

use crate::{
    Claim, Dice, Ec2, Host, Network, Owner, Settings, Violation, WitnessHost,
    agenda::{Agenda, Happening},
    follow::Follow,
    host::SOCKET_KEEPS,
    invariant,
    tally::Tally,
    trace::Trace,
};

/// Two nodes and all that is around them.
#[derive(Debug)]
pub struct World {
    pub(crate) settings: Settings,
    pub(crate) seed: u64,
    pub(crate) dice: Dice,
    pub(crate) now: Instant,
    pub(crate) agenda: Agenda,
    /// Which instance of its peer each member speaks to, where members are found.
    pub(crate) spoken_to: [u32; 2],
    pub(crate) hosts: [Host; 2],
    pub(crate) network: Network,
    pub(crate) ec2: Ec2,
    pub(crate) witnesses: Vec<WitnessHost>,
    pub(crate) elastic_path: bool,
    pub(crate) probe_path: bool,
    pub(crate) next_order: u64,
    pub(crate) stale_by: Duration,
    pub(crate) imds_lag: Duration,
    pub(crate) longest_imds_lag: Duration,
    pub(crate) longest_stale: Duration,
    /// The longest holdtime that any file has named.
    pub(crate) longest_holdtime: Duration,
    pub(crate) tally: Tally,
    pub(crate) follow: Follow,
    pub(crate) disturbed_at: Instant,
    pub(crate) trace: Trace,
    pub(crate) claims: Vec<Claim>,
    pub(crate) claims_checked: usize,
    pub(crate) witnessed: [Witnessed; 2],
    pub(crate) stuck: Option<String>,
    /// Whether the hosts run a core for another address, too: then their daemons do not end with this one's.
    pub(crate) is_shared: bool,
    /// Every heartbeat sent since recording began; `None` while nobody records.
    pub(crate) tape: Option<Vec<(Instant, Heartbeat)>>,
    pub(crate) work: Work,
}

/// What the world knows that a node has been told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Witnessed {
    pub(crate) read_asked: Option<Instant>,
    pub(crate) word: Option<(Instant, Duration)>,
    pub(crate) won_in_this_silence: u32,
    pub(crate) claims_by_silence: bool,
    /// From whom it has released the address, to take it itself.
    pub(crate) released_from: Option<Owner>,
}

/// Work done in the present second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    pub(crate) second: u64,
    pub(crate) wakes: u32,
    pub(crate) calls: u32,
}

impl World {
    /// A world with the default settings and both agents started at about the same time.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut world = Self::dark(Settings::default(), seed);
        world.start(Member::First);
        world.start(Member::Second);
        world
    }

    /// A world with both agents started and the address at the preferred member, for long enough that every channel is
    /// proven.
    #[must_use]
    pub fn settled(settings: Settings, seed: u64) -> Self {
        let mut world = Self::dark(settings, seed);
        world.start(Member::First);
        world.start(Member::Second);
        world.run_for(Duration::from_secs(15));
        assert!(world.is_settled(), "two healthy nodes settle within 15 s\n{world:#?}");
        world
    }

    /// A world in which no agent runs yet and nobody holds the address.
    #[must_use]
    pub fn dark(settings: Settings, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let ahead = [Duration::ZERO; 2].map(|zero| dice.between(zero, Duration::from_secs(1000)));
        let now = Instant::from_origin(Duration::from_secs(10_000));
        Self {
            network: Network::new(&settings),
            ec2: Ec2::new(&settings),
            witnesses: vec![WitnessHost::new(); usize::from(settings.witnesses.count)],
            hosts: [
                Host::new(Member::First, ahead[0], settings.wake_late),
                Host::new(Member::Second, ahead[1], settings.wake_late),
            ],
            spoken_to: [0; 2],
            elastic_path: true,
            probe_path: settings.probes_arrive,
            agenda: Agenda::default(),
            next_order: 0,
            stale_by: Duration::ZERO,
            imds_lag: settings.imds_lag,
            longest_imds_lag: settings.imds_lag,
            longest_stale: Duration::ZERO,
            longest_holdtime: settings.holdtime,
            tally: Tally::default(),
            follow: Follow::default(),
            disturbed_at: now,
            trace: Trace::new(false),
            claims: Vec::new(),
            claims_checked: 0,
            witnessed: [Witnessed::default(); 2],
            stuck: None,
            is_shared: false,
            tape: None,
            work: Work::default(),
            settings,
            seed,
            dice,
            now,
        }
    }

    /// Records what happens from here on, to be shown with a violation.
    #[must_use]
    pub const fn traced(mut self) -> Self {
        self.trace.switch_on();
        self
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// If an invariant is violated.
    pub fn run_for(&mut self, time: Duration) {
        self.try_run_for(time)
            .unwrap_or_else(|violation| panic!("seed {}: {violation}\n{}", self.seed, self.trace));
    }

    /// Lets time pass until `condition` holds, and says how long that took; `None` if it was not within `limit`.
    ///
    /// # Panics
    /// If an invariant is violated.
    pub fn run_until(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> Option<Duration> {
        let began = self.now;
        let end = began + limit;
        loop {
            if condition(self) {
                return Some(self.now.since(began));
            }
            let stepped = self
                .step(end)
                .unwrap_or_else(|violation| panic!("seed {}: {violation}\n{}", self.seed, self.trace));
            if !stepped {
                return None;
            }
        }
    }

    /// Lets time pass until this order has ended, and says how.
    ///
    /// # Panics
    /// If an invariant is violated, or the order outlives its time.
    pub fn run_to_outcome(&mut self, order: OrderId) -> OrderOutcome {
        self.run_until(ORDER_ENDED, |world| world.outcome(order).is_some());
        self.outcome(order).expect("an order ends")
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// The first invariant that is violated; the world stands at that moment.
    pub fn try_run_for(&mut self, time: Duration) -> Result<(), Violation> {
        let end = self.now + time;
        while self.step(end)? {}
        Ok(())
    }

    /// Lets the next thing happen if it is due by `limit`, else stops there and says so.
    pub(crate) fn step(&mut self, limit: Instant) -> Result<bool, Violation> {
        let Some((at, happening)) = self.agenda.take(limit) else {
            self.now = self.now.max(limit);
            return Ok(false);
        };
        self.now = self.now.max(at);
        self.happen(happening);
        if !self.is_calm() {
            self.disturbed_at = self.now;
        }
        self.follow_conditions();
        let checked = invariant::check(self);
        self.claims_checked = self.claims.len();
        checked.map(|()| true)
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake { at, wish } => {
                if self.host(at).wish == wish && self.host(at).is_running() {
                    self.wake(at);
                }
            }
            Happening::Reach { at, run, input } => {
                if self.host(at).run == run {
                    self.reach(at, input);
                }
            }
            Happening::Arrive { at, input } => self.arrive(at, input),
            Happening::Leave { from, run, request } => self.depart(from, run, request),
            Happening::Land {
                from,
                run,
                request,
                back,
            } => self.land(from, run, &request, back),
            Happening::TimeOut { at, run, call } => {
                if self.host(at).run == run {
                    let result = Err(pair_core::CallFault::Unanswered);
                    self.reach(at, Input::Called { id: call, result });
                }
            }
            Happening::Question(leg) => self.carry_question(leg),
            Happening::Find { at, run } => self.find(at, run),
            Happening::AskImds { at, run } => self.ask_imds(at, run),
            Happening::Check { at, run, again } => self.check_service(at, run, again),
            Happening::Strike(fault) => self.strike(fault),
        }
    }

    /// Something that is no datagram reaches a running agent, or waits until it is resumed.
    pub(crate) fn reach(&mut self, at: Member, input: Input) {
        let host = self.host_mut(at);
        if let Some(pause) = &mut host.paused {
            pause.results.push_back(input);
        } else {
            self.handle(at, input);
        }
    }

    /// A datagram, or the answer of the peer's kernel to one, reaches a host.
    fn arrive(&mut self, at: Member, input: Input) {
        if !self.are_in_touch() {
            return;
        }
        let host = self.host_mut(at);
        if !host.is_on {
            return;
        }
        if let Some(pause) = &mut host.paused {
            if pause.keeps_datagrams && pause.datagrams.len() < SOCKET_KEEPS {
                pause.datagrams.push_back(input);
            }
        } else if host.node.is_some() {
            self.handle(at, input);
        } else if matches!(input, Input::Heartbeat(_)) && self.settings.icmp {
            for delay in self.network.carry(at, &mut self.dice) {
                let input = Input::PeerUnreachable;
                self.agenda
                    .put(self.now + delay, Happening::Arrive { at: at.peer(), input });
            }
        }
    }

    /// Hands what waited over to a host that has just been resumed.
    pub(crate) fn catch_up(&mut self, at: Member) {
        let Some(pause) = self.host_mut(at).paused.take() else {
            return;
        };
        let results_first = self.dice.percent(50);
        let (mut first, mut second) = (pause.datagrams, pause.results);
        if results_first {
            std::mem::swap(&mut first, &mut second);
        }
        for input in first.into_iter().chain(second) {
            self.handle(at, input);
        }
        self.wake(at);
    }

    pub(crate) fn wake(&mut self, at: Member) {
        self.count_work(1, 0);
        self.handle(at, Input::Wakeup);
        let host = self.host(at);
        let local = host.local(self.now);
        let next = host.node().map(pair_core::Node::poll_timeout);
        if let Some((due, timer)) = next.filter(|(due, _)| *due <= local) {
            self.stuck = Some(format!("{timer:?} at {due:?} of node {at:?}, woken at {local:?}"));
        }
    }

    /// Hands one input to a node and carries out what it wants.
    pub(crate) fn handle(&mut self, at: Member, input: Input) {
        if let Input::Called { id, result } = &input {
            // Nothing if the call's time was over before its reply came, or the other way round.
            let Some(call) = self.host_mut(at).calls.remove(id) else {
                return;
            };
            if self.host(at).forgets_results {
                return;
            }
            if matches!(result, Ok(Reply::Address(_))) {
                self.witnessed[at.index()].read_asked = Some(call.asked_at);
            }
        }
        self.witness(at, &input);
        if !matches!(input, Input::Wakeup | Input::Heartbeat(_)) {
            self.trace.note(self.now, || format!("{at:?} ◄ {input:?}"));
        }
        let local = self.host(at).local(self.now);
        let Some(node) = &mut self.host_mut(at).node else {
            return;
        };
        node.handle(local, input);
        self.carry_out(at);
        self.plan_wake(at);
    }

    /// Puts the node's next wish to be woken on the agenda.
    fn plan_wake(&mut self, at: Member) {
        let late = self.dice.between(Duration::ZERO, self.hosts[at.index()].wake_late);
        let now = self.now;
        let host = self.host_mut(at);
        let Some(node) = &host.node else { return };
        let (due, _): (Instant, Timer) = node.poll_timeout();
        host.wish += 1;
        let (wish, due) = (host.wish, host.global(due).max(now) + late);
        self.agenda.put(due, Happening::Wake { at, wish });
    }

    fn witness(&mut self, at: Member, input: &Input) {
        let now = self.now;
        let witnessed = &mut self.witnessed[at.index()];
        if let Input::Heartbeat(heartbeat) = input {
            witnessed.won_in_this_silence = 0;
            let word = heartbeat.report.as_ref().and_then(|report| report.word.as_ref());
            if let Some(word) = word.filter(|word| word.holder == Holder::Member(at.peer())) {
                witnessed.word = Some((now, word.age));
            }
        }
    }

    pub(crate) fn count_work(&mut self, wakes: u32, calls: u32) {
        let second = self.now.as_nanos() / 1_000_000_000;
        if self.work.second != second {
            self.work = Work {
                second,
                ..Work::default()
            };
        }
        self.work.wakes += wakes;
        self.work.calls += calls;
    }

    pub(crate) const fn host_mut(&mut self, member: Member) -> &mut Host {
        &mut self.hosts[member.index()]
    }
}

/// By when an order has ended: it is valid for 30 s (F-6e), and a claim that it has wanted by then is read back.
const ORDER_ENDED: Duration = Duration::from_secs(40);
