//! The event loop: carries datagrams, time and news to the core of each address, and carries out what it wants.
//!
//! One turn drains the sockets before it wakes the cores (F-4), so that a node that was paused hears what its peer said
//! meanwhile before it judges its silence. Nothing in a turn waits: calls and probes run on the other thread, and the checks of the
//! service, which wait for nothing either, between two turns.
//!
//! ```text
//!  datagrams, time ───────────────► turn ──┐           ┌────────────── Seat, one per address ──────────────┐
//!  the other thread ──► hear ──► Input ────┼──► each ──┤ Node ──► Output: datagrams, calls, probes, answers │
//!  control clients ──► answer ─► Input ────┘           │      └─► Event: log, recorder, metrics             │──► report
//!                                                      └── works with Shared: paths, cloud, checks, … ──────┘
//! ```

mod answer;
mod examine;
mod fan_out;
mod hear;
mod members;
mod order;
mod probe;
mod reload;
mod report;
mod seat;
mod shared;
mod witness;

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pair_core::{Input, Instant, Member};
use pair_wire::control::Response;
use pair_wire::datagram::{Drops, MAX_DATAGRAM};
use pair_wire::key::KeyRing;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, trace, warn};

use crate::alarm::Alarm;
use crate::cli;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::config::{AddressIndex, Config};
use crate::control::Pending;
use crate::discovery::{Company, Prompt};
use crate::journal::Loudness;
use crate::knowledge::Knowledge;
use crate::logbook::Logbook;
use crate::metrics::{Publisher, Tally};
use crate::names::Names;
use crate::news::News;
use crate::paths::{Change, Path, Paths};
use crate::problems;
use crate::socket::Received;
use crate::vitals;
use crate::watchers::Watchers;
use crate::witness::Booth;

pub use seat::SeatParts;

use reload::Reloads;
use report::{Watchdog, notify};
use seat::Seat;
use shared::Shared;

/// The event loop and everything in its hands.
pub struct Agent {
    /// One for each address, in the order of the file; there is at least one.
    seats: Vec<Seat>,
    /// What they all work with.
    shared: Shared,
    /// Wakes it when a core wants to be woken.
    alarm: Alarm,
    news: mpsc::Receiver<News>,
    requests: mpsc::Receiver<Pending>,
    /// Who waits for the end of the examination of this node that is under way.
    patience: Vec<oneshot::Sender<Response>>,
    /// Where configuration and keys are read again.
    source: cli::Node,
    reloads: Reloads,
    loudness: Loudness,
    turned_at: Instant,
    watchdog: Option<Watchdog>,
    told_status: String,
}

/// What an [`Agent`] is made of.
pub struct Parts {
    /// The file.
    pub config: Config,
    /// Which of the two nodes this is.
    pub me: Member,
    /// What belongs to each address, in the order of the file.
    pub seats: Vec<SeatParts>,
    /// The keys.
    pub ring: KeyRing,
    /// The daemon's clock.
    pub clock: Clock,
    /// The timer of the event loop.
    pub alarm: Alarm,
    /// The paths of heartbeats.
    pub paths: Paths,
    /// The socket for witnesses, if there are any.
    pub booth: Option<Booth>,
    /// The cloud side.
    pub cloud: Arc<Cloud>,
    /// The runtime of the other thread.
    pub elsewhere: Handle,
    /// What the loop is told by what runs beside it.
    pub news: mpsc::Receiver<News>,
    /// Where it is told that.
    pub tell: mpsc::Sender<News>,
    /// What control clients ask.
    pub requests: mpsc::Receiver<Pending>,
    /// The journal.
    pub logbook: Logbook,
    /// The tasks that watch for this node.
    pub watchers: Watchers,
    /// What shows the pair to metrics and hooks.
    pub publisher: Publisher,
    /// How much is logged.
    pub loudness: Loudness,
    /// Where configuration and keys come from.
    pub source: cli::Node,
    /// Who bears the pair's tag, and how EC2 is asked again, if the members are found.
    pub company: Option<(Company, Prompt)>,
}

impl Agent {
    /// An agent at the start of its run.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            config,
            me,
            seats,
            ring,
            clock,
            alarm,
            paths,
            booth,
            cloud,
            elsewhere,
            news,
            tell,
            requests,
            logbook,
            watchers,
            publisher,
            loudness,
            source,
            company,
        } = parts;
        let (company, prompt) = company.unzip();
        let now = clock.now();
        let names = Names::of_config(&config, me);
        let seats = seats.into_iter().enumerate();
        Self {
            seats: seats
                .map(|(index, parts)| Seat::new(AddressIndex(index), parts, paths.count(), &config, &names, &ring, now))
                .collect(),
            shared: Shared {
                digest: config.digest(),
                known: Knowledge::new(vitals::service_name(&config), company),
                prompt,
                haproxy: None,
                tally: Tally::default(),
                has_happened: false,
                is_readiness_open: false,
                config,
                me,
                names,
                clock,
                ring,
                paths,
                booth,
                cloud,
                elsewhere,
                tell,
                logbook,
                watchers,
                publisher,
            },
            alarm,
            news,
            requests,
            patience: Vec::new(),
            source,
            reloads: Reloads::default(),
            loudness,
            turned_at: now,
            watchdog: Watchdog::wanted(now),
            told_status: String::new(),
        }
    }

    /// Runs until it hears of a signal to stop. The addresses stay where they are: stopping the agent is no failover, and the peer is told
    /// (F-13).
    ///
    /// # Errors
    /// If the reactor fails: the daemon cannot go on and is restarted.
    pub async fn run(mut self) -> anyhow::Result<()> {
        self.introduce();
        for seat in &mut self.seats {
            seat.restore(&mut self.shared);
        }
        notify(&[NotifyState::Ready]);
        loop {
            let is_empty = self.turn()?;
            if self.seats.iter().all(Seat::may_stop) {
                break;
            }
            if !is_empty {
                // A socket that is never empty never waits, and who asks for the status must have his turn in a flood, too.
                tokio::task::yield_now().await;
            }
            let wake_at = self.wake_at();
            tokio::select! {
                readable = self.shared.paths.readable() => readable.context("a heartbeat socket failed")?,
                readable = witness::readable(self.shared.booth.as_ref()) => readable.context("the socket for witnesses failed")?,
                rung = self.alarm.ring_at(self.shared.clock.boot_time(wake_at)) => rung.context("the timer of the event loop failed")?,
                Some(news) = self.news.recv() => self.hear(news),
                Some(request) = self.requests.recv() => self.answer(request),
            }
            self.shared.tally.woke(self.shared.clock.now(), wake_at);
        }
        let now = self.shared.clock.now();
        for seat in &mut self.seats {
            seat.finish(now);
        }
        Ok(())
    }

    /// Gives the peer notice; the loop goes on until the peer has heard it, or a tenth of a second is over.
    fn stop(&mut self) {
        info!("stopping; the address stays where it is");
        notify(&[NotifyState::Stopping]);
        self.tell_all(self.shared.clock.now(), &Input::Stop);
    }

    /// Says whether the socket is empty.
    fn turn(&mut self) -> anyhow::Result<bool> {
        let is_empty = self.drain();
        let now = self.shared.clock.now();
        self.hear_witnesses(now);
        self.hear_unchanged(now);
        for seat in &mut self.seats {
            seat.turn(now, &mut self.shared);
        }
        if mem::take(&mut self.shared.is_readiness_open) {
            for seat in &mut self.seats {
                seat.follow_readiness(now, &mut self.shared);
            }
        }
        self.turned_at = now;
        self.follow_paths(now);
        let drops = self.drops();
        self.shared.known.follow_drops(now, &drops);
        self.tell_need();
        self.publish(now);
        self.tell_status();
        self.feed_watchdog(now);
        self.shared.watchers.beat();
        Ok(is_empty)
    }

    /// Hears every datagram that waited when it began, and no more than the sockets can hold: a flood must not keep time
    /// from passing. Says whether they are empty.
    fn drain(&mut self) -> bool {
        let mut are_empty = true;
        for path in 0..self.shared.paths.count() {
            are_empty &= self.drain_path(path);
        }
        are_empty
    }

    fn drain_path(&mut self, path: usize) -> bool {
        let mut buffer = [0; MAX_DATAGRAM + 1];
        for _ in 0..self.shared.paths.capacity(path) {
            match self.shared.paths.try_receive(path, &mut buffer) {
                Ok(Received::Datagram { length, overflow }) => self.receive(path, &buffer[..length], overflow),
                Ok(Received::Refused) => self.hear_refusal(),
                Ok(Received::Empty) => return true,
                // An ICMP error of another kind: reading it has cleared it.
                Err(error) => debug!(%error, "heartbeat path"),
            }
        }
        self.shared.paths.capacity(path) == 0
    }

    /// Tells the cores that nobody listens at the peer, unless a path says otherwise.
    fn hear_refusal(&mut self) {
        let now = self.shared.clock.now();
        if self.shared.paths.are_refused(now, self.holdtime()) {
            self.tell_all(now, &Input::PeerUnreachable);
        }
    }

    /// Hands a datagram to the seat that it names. What names none is counted by the first one.
    fn receive(&mut self, path: usize, datagram: &[u8], overflow: u32) {
        let named = self.seats.iter().position(|seat| seat.receiver.is_named_in(datagram));
        let Some(seat) = self.seats.get_mut(named.unwrap_or_default()) else {
            return;
        };
        seat.receiver.count_overflow(overflow.into());
        if let Err(cause) = seat.open(path, datagram, &mut self.shared) {
            trace!(%cause, "datagram dropped");
        }
    }

    /// Tells every core the same.
    fn tell_all(&mut self, now: Instant, input: &Input) {
        for seat in &mut self.seats {
            seat.handle(now, input.clone(), &mut self.shared);
        }
    }

    /// The holdtime in force; all seats have the same.
    fn holdtime(&self) -> Duration {
        self.seats[0].core.holdtime
    }

    /// Follows which paths have fallen silent, or speak again.
    fn follow_paths(&mut self, now: Instant) {
        let holdtime = self.holdtime();
        let changes = self.shared.paths.follow(now, holdtime);
        // With one path the link says it all.
        if self.shared.paths.count() == 1 {
            return;
        }
        for (index, change) in changes {
            let Some(name) = self.shared.paths.iter().nth(index).map(Path::name) else {
                continue;
            };
            let what = match change {
                Change::FellSilent => format!("the heartbeat path {name} is silent"),
                Change::Speaks => format!("heartbeats come by the path {name}"),
            };
            match change {
                Change::FellSilent => warn!(path = name, "a heartbeat path is silent"),
                Change::Speaks => info!(path = name, "heartbeats come by this path"),
            }
            self.seats[0].note_path(now, &what, &mut self.shared);
        }
        self.shared.known.silent_paths = problems::silent_paths(&self.shared.paths, now);
        self.shared.known.unheard_paths = problems::unheard_paths(&self.shared.paths);
    }

    /// When the loop must turn at the latest.
    fn wake_at(&self) -> Instant {
        let seats = self.seats.iter().map(Seat::wake_at);
        let questions = self.shared.booth.iter().filter_map(Booth::next_at);
        seats.chain(questions).min().expect("there is at least one seat")
    }

    /// What was dropped, whatever address it named.
    fn drops(&self) -> Drops {
        self.seats.iter().map(|seat| seat.receiver.drops()).sum()
    }
}
