//! EC2 and IMDS, on a thread of their own: TLS never delays a heartbeat.
//!
//! Nothing is decided here. A call is made when a core wants it, once, and its result goes back. Two things go on by
//! themselves: IMDS is asked each second or two whether an address is here, and the rehearsal of its takeover (`DryRun`) is
//! repeated so that a standby that could not take over is noticed before it must.
//!
//! ```text
//!  Cloud: credentials, connections, IMDS ──► Allocation: one Elastic IP, and where it would land here
//! ```

mod allocation;

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use pair_core::{CallFault, CallRequest, Input};
use pair_ec2::{CallError, Connection, Ec2, Imds, Settings};
use tokio::sync::{SetOnce, mpsc};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::AddressIndex;
use crate::news::{AddressNews, News};
use crate::notices::{Failures, Policy, Span, Told};

pub use allocation::Destination;

use allocation::Allocation;

/// How often IMDS is asked about each of the addresses, so that a confirmed hold stays confirmed: it is throttled per instance, and a
/// question every second or two is fine.
const IMDS_ROUND: Duration = Duration::from_secs(2);

/// How often AWS's notices of an end that comes in minutes are read: as often as AWS recommends for spot instances, which have two.
const NOTICES_INTERVAL: Duration = Duration::from_secs(5);

/// In how many rounds of them those of what comes in days, or may not come at all, are read once, and whether an instance that no
/// autoscaling group has is in one.
const NOTICES_ROUNDS: u32 = 4;

/// How often credentials are fetched before they are needed.
const CREDENTIALS_INTERVAL: Duration = Duration::from_secs(60);

/// How long a start waits before it asks an IMDS that did not answer again.
const IDENTITY_RETRY: Duration = Duration::from_secs(1);

/// How often readiness is proven while a proof fails, unless it is proven more often anyhow.
const PROOF_RETRY: Duration = Duration::from_secs(20);

/// What the cloud thread needs to know.
#[derive(Clone, Debug)]
pub struct CloudConfig {
    /// The addresses to move, in the order of the file, and where they land here.
    pub destinations: Vec<Destination>,
    /// Where EC2 and IMDS are.
    pub settings: Settings,
    /// What a reload can change.
    pub manner: Manner,
}

/// How calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// How long one call may take.
    pub call_timeout: Duration,
    /// How often a takeover is rehearsed while all is well.
    pub rehearsal_interval: Duration,
    /// Whether a takeover begins with a release (F-11).
    pub strict: bool,
    /// What is done about AWS's notices; `None` if they are not read.
    pub notices: Option<Policy>,
}

/// The cloud side of the daemon.
pub struct Cloud {
    settings: Settings,
    manner: Mutex<Manner>,
    clock: Clock,
    news: mpsc::Sender<News>,
    /// Set once IMDS has said who this instance is.
    ec2: SetOnce<Ec2>,
    allocations: Vec<Allocation>,
}

impl Cloud {
    /// A cloud side that tells its news to `news`.
    #[must_use]
    pub fn new(config: CloudConfig, clock: Clock, news: mpsc::Sender<News>) -> Arc<Self> {
        let CloudConfig {
            destinations,
            settings,
            manner,
        } = config;
        let allocations = destinations.into_iter().enumerate();
        let allocations = allocations
            .map(|(index, destination)| Allocation::new(AddressIndex(index), destination, clock, news.clone()))
            .collect();
        Arc::new(Self {
            settings,
            manner: Mutex::new(manner),
            clock,
            news,
            ec2: SetOnce::new(),
            allocations,
        })
    }

    /// Finds out who this instance is, then watches IMDS and rehearses for ever.
    pub async fn run(self: Arc<Self>) {
        let imds = match Imds::connect(&self.settings) {
            Ok(imds) => imds,
            Err(error) => return self.give_up(error.to_string()).await,
        };
        let (endpoint, redirected_by) = (&imds.endpoint().url, imds.endpoint().redirected_by);
        info!(endpoint, redirected_by, "IMDS resolved");
        let identity = self.identity(&imds).await;
        let ec2 = match Ec2::connect(&self.settings, &imds, &identity.region).await {
            Ok(ec2) => ec2,
            Err(error) => return self.give_up(error.to_string()).await,
        };
        let endpoint = &ec2.endpoint().url;
        match ec2.endpoint().redirected_by {
            Some(variable) => warn!(endpoint, variable, "the environment redirects EC2 calls"),
            None => info!(endpoint, "EC2 resolved"),
        }
        for allocation in &self.allocations {
            allocation.settle(&identity).await;
        }
        if self.ec2.set(ec2.clone()).is_err() {
            return;
        }
        tokio::join!(
            self.watch(&imds),
            self.watch_notices(&imds),
            self.keep_credentials(&ec2),
            Arc::clone(&self).keep_rehearsing(&ec2)
        );
    }

    /// Makes one call about this address and tells its result.
    pub async fn call(self: Arc<Self>, address: AddressIndex, request: CallRequest) {
        let CallRequest {
            id,
            call,
            timeout,
            not_after,
            fresh_connection,
        } = request;
        let connection = if fresh_connection {
            Connection::Fresh
        } else {
            Connection::Pooled
        };
        let is_claim = call.is_change();
        let allocation = &self.allocations[address.0];
        let outcome = match tokio::time::timeout(timeout, self.ec2.wait()).await {
            Err(_) => Err((
                CallFault::Unreachable,
                "IMDS has not said who this instance is".to_owned(),
            )),
            // A claim that leaves late was decided on old evidence (F-4); a read is welcome at any time.
            Ok(_) if is_claim && self.clock.now() > not_after => {
                Err((CallFault::NotSent, "the request did not leave in time".to_owned()))
            }
            Ok(ec2) => allocation.attempt(ec2, &call, timeout, connection).await,
        };
        let news = match outcome {
            Ok(reply) => AddressNews::Input(Input::Called { id, result: Ok(reply) }),
            Err((fault, error)) => AddressNews::CallFailed { id, fault, error },
        };
        allocation.tell(news).await;
    }

    /// Makes calls in this manner from here on. Another one is rehearsed: it may need another permission.
    pub fn follow(&self, manner: Manner) {
        let before = mem::replace(&mut *self.lock_manner(), manner);
        if before != manner {
            for allocation in &self.allocations {
                allocation.rehearse.notify_one();
            }
        }
    }

    /// Wants a takeover of this address rehearsed soon: something changed.
    pub fn rehearse_soon(&self, address: AddressIndex) {
        self.allocations[address.0].rehearse.notify_one();
    }

    async fn identity(&self, imds: &Imds) -> pair_ec2::Identity {
        loop {
            match imds.identity().await {
                Ok(identity) => {
                    self.tell(News::Imds(Ok(()))).await;
                    return identity;
                }
                Err(error) => self.tell(News::Imds(Err(error.to_string()))).await,
            }
            tokio::time::sleep(IDENTITY_RETRY).await;
        }
    }

    /// Asks IMDS about one address after the other, for ever.
    async fn watch(&self, imds: &Imds) {
        let mut ticks = tokio::time::interval(imds_pause(self.allocations.len()));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // This instance has just been known, so it has answered.
        let mut said = Ok(());
        for allocation in self.allocations.iter().cycle() {
            ticks.tick().await;
            let Some(outcome) = allocation.look(imds).await else {
                continue;
            };
            let outcome = outcome.map_err(|error| error.to_string());
            if outcome != said {
                said.clone_from(&outcome);
                self.tell(News::Imds(outcome)).await;
            }
        }
    }

    /// Reads AWS's notices for ever, beside [`Self::watch`], which never waits for it, and tells what stands whenever that changes.
    async fn watch_notices(&self, imds: &Imds) {
        let mut ticks = tokio::time::interval(NOTICES_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut told, mut said, mut failures) = (Told::default(), Vec::new(), Failures::default());
        for round in (0..NOTICES_ROUNDS).cycle() {
            ticks.tick().await;
            let notices = match self.manner().notices {
                Some(policy) => {
                    let span = if round == 0 { Span::All } else { Span::Soon };
                    let errors = told.ask(imds, &policy, span).await;
                    if let Some(errors) = failures.note(span, errors) {
                        warn!(errors, "AWS's notices were not read; what was told last stands");
                    }
                    told.notices(&policy, SystemTime::now())
                }
                None => {
                    told = Told::default();
                    Vec::new()
                }
            };
            if notices != said {
                said.clone_from(&notices);
                self.tell(News::Notices(notices)).await;
            }
        }
    }

    /// Keeps credentials in hand for ever, so that no takeover has to wait for them.
    async fn keep_credentials(&self, ec2: &Ec2) {
        loop {
            tokio::time::sleep(CREDENTIALS_INTERVAL).await;
            let Manner { call_timeout, .. } = self.manner();
            if let Err(error) = ec2.refresh_credentials(call_timeout).await {
                warn!(error, "credentials not refreshed");
            }
        }
    }

    /// Rehearses takeovers for ever, each address for itself.
    async fn keep_rehearsing(self: Arc<Self>, ec2: &Ec2) {
        let mut rehearsals = JoinSet::new();
        for index in 0..self.allocations.len() {
            rehearsals.spawn(Arc::clone(&self).keep_rehearsing_one(AddressIndex(index), ec2.clone()));
        }
        rehearsals.join_all().await;
    }

    /// Rehearses a takeover for ever: often while it fails, rarely while it would work.
    async fn keep_rehearsing_one(self: Arc<Self>, address: AddressIndex, ec2: Ec2) {
        let allocation = &self.allocations[address.0];
        loop {
            let outcome = allocation.rehearse(&ec2, self.manner()).await;
            let pause = pause_after(matches!(outcome, Ok(None)), self.manner().rehearsal_interval);
            let clock_ahead_s = ec2.clock_ahead_s();
            allocation.tell(AddressNews::Rehearsed { outcome, clock_ahead_s }).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = allocation.rehearse.notified() => {}
            }
        }
    }

    fn manner(&self) -> Manner {
        *self.lock_manner()
    }

    fn lock_manner(&self) -> MutexGuard<'_, Manner> {
        self.manner.lock().expect("nothing panics while it holds this lock")
    }

    async fn give_up(&self, error: String) {
        self.tell(News::Imds(Err(error))).await;
    }

    async fn tell(&self, news: News) {
        // The loop ends before this thread does; what it does not hear any more does not matter.
        let _ = self.news.send(news).await;
    }
}

/// Sorts an error for the core. When in doubt, the call may have been applied.
#[must_use]
pub fn fault_of(error: &CallError) -> CallFault {
    match error {
        CallError::Throttled { .. } => CallFault::Throttled,
        CallError::Denied { .. } => CallFault::Denied,
        CallError::Gone { .. } => CallFault::Gone,
        CallError::AlreadyAssociated { .. } => CallFault::AlreadyAssociated,
        CallError::Retry { answered: true, .. } => CallFault::Failed,
        CallError::Retry { answered: false, .. } | CallError::NoCredentials { .. } => CallFault::Unreachable,
        CallError::Unclear { .. } | CallError::Unanswered { .. } => CallFault::Unanswered,
    }
}

/// How long IMDS is left alone between two questions, about so many addresses in turn.
fn imds_pause(addresses: usize) -> Duration {
    IMDS_ROUND / u32::try_from(addresses.max(1)).unwrap_or(u32::MAX)
}

/// How long to wait after a proof of readiness that succeeded, or did not, until the next one.
pub(crate) fn pause_after(has_succeeded: bool, interval: Duration) -> Duration {
    jittered(if has_succeeded {
        interval
    } else {
        interval.min(PROOF_RETRY)
    })
}

/// `pause` and up to a quarter more, so that a fleet does not call in step, and no hour has more calls than it tells.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    let share = getrandom::fill(&mut byte).map_or(128, |()| u32::from(byte[0]));
    pause + pause / 4 * share / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imds_is_asked_about_each_address_every_two_seconds() {
        let pause = |addresses| imds_pause(addresses).as_millis();
        assert_eq!((pause(1), pause(2), pause(4), pause(8)), (2_000, 1_000, 500, 250));
    }
}
