//! EC2 and IMDS, on a thread of their own: TLS never delays a heartbeat.
//!
//! Nothing is decided here. A call is made when the core wants it, once, and its result goes back. Two things go on by
//! themselves: IMDS is asked each second whether the address is here, and the rehearsal of a takeover (`DryRun`) is repeated
//! so that a standby that could not take over is noticed before it must.

use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, SystemTime};

use pair_core::{
    Association, AssociationId, Call, CallFault, CallRequest, Identity, Input, InstanceId, InstanceState, InterfaceId,
    Reply,
};
use pair_ec2::{Address, CallError, Connection, Ec2, Imds, ImdsError, Reachability, Settings, Target};
use tokio::sync::{Notify, SetOnce, mpsc};
use tracing::{info, warn};

use crate::clock::Clock;
use crate::news::News;
use crate::notices::{Policy, Told};

/// How often IMDS is asked whether the address is here: it is throttled per instance, so not more often.
const IMDS_INTERVAL: Duration = Duration::from_secs(1);

/// How often AWS's notices are read: as often as AWS recommends for spot instances, which have two minutes. Up to four requests, so with
/// the one each second the service is asked less than twice a second.
const NOTICES_INTERVAL: Duration = Duration::from_secs(5);

/// How often credentials are fetched before they are needed.
const CREDENTIALS_INTERVAL: Duration = Duration::from_secs(60);

/// How long a start waits before it asks an IMDS that did not answer again.
const IDENTITY_RETRY: Duration = Duration::from_secs(1);

/// How often readiness is proven while a proof fails, unless it is proven more often anyhow.
const PROOF_RETRY: Duration = Duration::from_secs(20);

/// What the cloud thread needs to know.
#[derive(Clone, Debug)]
pub struct CloudConfig {
    /// The allocation to move.
    pub allocation_id: String,
    /// The private IP that it lands on here.
    pub private_ip: Ipv4Addr,
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

/// Where the address would land on this instance.
#[derive(Clone, Debug)]
struct Place {
    target: Target,
    mac: String,
}

/// The cloud side of the daemon.
pub struct Cloud {
    config: CloudConfig,
    manner: Mutex<Manner>,
    clock: Clock,
    news: mpsc::Sender<News>,
    /// Set once IMDS has said who this instance is.
    ec2: SetOnce<Ec2>,
    /// Unknown while no interface of the instance has the private IP: it can be assigned later.
    place: Mutex<Option<Place>>,
    public_ip: OnceLock<Ipv4Addr>,
    rehearse: Notify,
}

impl Cloud {
    /// A cloud side that tells its news to `news`.
    #[must_use]
    pub fn new(config: CloudConfig, clock: Clock, news: mpsc::Sender<News>) -> Arc<Self> {
        Arc::new(Self {
            manner: Mutex::new(config.manner),
            config,
            clock,
            news,
            ec2: SetOnce::new(),
            place: Mutex::default(),
            public_ip: OnceLock::new(),
            rehearse: Notify::new(),
        })
    }

    /// Finds out who this instance is, then watches IMDS and rehearses for ever.
    pub async fn run(self: Arc<Self>) {
        let settings = &self.config.settings;
        let imds = match Imds::connect(settings) {
            Ok(imds) => imds,
            Err(error) => return self.give_up(error.to_string()).await,
        };
        let (endpoint, redirected_by) = (&imds.endpoint().url, imds.endpoint().redirected_by);
        info!(endpoint, redirected_by, "IMDS resolved");
        let identity = self.identity(&imds).await;
        let ec2 = match Ec2::connect(settings, &imds, &identity.region).await {
            Ok(ec2) => ec2,
            Err(error) => return self.give_up(error.to_string()).await,
        };
        let endpoint = &ec2.endpoint().url;
        match ec2.endpoint().redirected_by {
            Some(variable) => warn!(endpoint, variable, "the environment redirects EC2 calls"),
            None => info!(endpoint, "EC2 resolved"),
        }
        self.settle(&identity).await;
        if self.ec2.set(ec2.clone()).is_err() {
            return;
        }
        tokio::join!(
            self.watch(&imds),
            self.watch_notices(&imds),
            self.keep_credentials(&ec2),
            self.keep_rehearsing(&ec2)
        );
    }

    /// Makes one call and tells its result.
    pub async fn call(self: Arc<Self>, request: CallRequest) {
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
        let outcome = match tokio::time::timeout(timeout, self.ec2.wait()).await {
            Err(_) => Err((
                CallFault::Unreachable,
                "IMDS has not said who this instance is".to_owned(),
            )),
            // A claim that leaves late was decided on old evidence (F-4); a read is welcome at any time.
            Ok(_) if is_claim && self.clock.now() > not_after => {
                Err((CallFault::NotSent, "the request did not leave in time".to_owned()))
            }
            Ok(ec2) => self.attempt(ec2, &call, timeout, connection).await,
        };
        match outcome {
            Ok(reply) => self.tell(News::Input(Input::Called { id, result: Ok(reply) })).await,
            Err((fault, error)) => self.tell(News::CallFailed { id, fault, error }).await,
        }
    }

    /// Makes calls in this manner from here on. Another one is rehearsed: it may need another permission.
    pub fn follow(&self, manner: Manner) {
        let before = mem::replace(&mut *self.lock_manner(), manner);
        if before != manner {
            self.rehearse_soon();
        }
    }

    /// Wants a takeover rehearsed soon: something changed.
    pub fn rehearse_soon(&self) {
        self.rehearse.notify_one();
    }

    async fn attempt(
        &self,
        ec2: &Ec2,
        call: &Call,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Reply, (CallFault, String)> {
        let sorted = |error: CallError| (fault_of(&error), error.to_string());
        match call {
            Call::ReadAddress => {
                let address = ec2
                    .address(&self.config.allocation_id, timeout, connection)
                    .await
                    .map_err(sorted)?;
                self.learn(address.public_ip).await;
                Ok(Reply::Address(address.association.map(association)))
            }
            Call::ReadInstance(instance) => {
                let health = ec2.instance(&instance.0, timeout, connection).await.map_err(sorted)?;
                Ok(Reply::Instance(instance_state(health)))
            }
            Call::Release(association) => {
                ec2.release(&association.0, timeout, connection).await.map_err(sorted)?;
                Ok(Reply::Released)
            }
            Call::Associate { allow_reassociation } => {
                let no_place = || {
                    (
                        CallFault::NotSent,
                        format!("no interface here has {}", self.config.private_ip),
                    )
                };
                let Place { target, .. } = self.place().ok_or_else(no_place)?;
                let id = ec2
                    .associate(&target, *allow_reassociation, timeout, connection)
                    .await
                    .map_err(sorted)?;
                Ok(Reply::Associated(AssociationId(id)))
            }
        }
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

    /// Asks IMDS each second whether the address is here, or where it could land while that is not known.
    async fn watch(&self, imds: &Imds) {
        let mut ticks = tokio::time::interval(IMDS_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let outcome = match (self.place(), self.public_ip.get()) {
                (Some(place), Some(public_ip)) => self.look_for(imds, &place, *public_ip).await,
                (Some(_), None) => continue,
                (None, _) => self.look_for_place(imds).await,
            };
            self.tell(News::Imds(outcome.map_err(|error| error.to_string()))).await;
        }
    }

    /// Reads AWS's notices for ever, beside [`Self::watch`], which never waits for it, and tells what stands whenever that changes.
    async fn watch_notices(&self, imds: &Imds) {
        let mut ticks = tokio::time::interval(NOTICES_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut told, mut said, mut failed) = (Told::default(), Vec::new(), Vec::new());
        loop {
            ticks.tick().await;
            let notices = match self.manner().notices {
                Some(policy) => {
                    let errors = told.ask(imds, &policy).await;
                    if !errors.is_empty() && errors != failed {
                        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                        warn!(
                            errors = errors.join("; "),
                            "AWS's notices were not read; what was told last stands"
                        );
                    }
                    failed = errors;
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

    async fn look_for(&self, imds: &Imds, place: &Place, public_ip: Ipv4Addr) -> Result<(), ImdsError> {
        let asked_at = self.clock.now();
        let lands = imds.association(&place.mac, public_ip).await?;
        let mine = lands.is_some_and(|private_ips| private_ips.contains(&place.target.private_ip));
        self.tell(News::Input(Input::Imds { mine, asked_at })).await;
        Ok(())
    }

    async fn look_for_place(&self, imds: &Imds) -> Result<(), ImdsError> {
        let identity = imds.identity().await?;
        self.settle(&identity).await;
        if self.place().is_some() {
            self.rehearse_soon();
        }
        Ok(())
    }

    /// Finds the interface that has the private IP, and tells the core who this node is.
    async fn settle(&self, identity: &pair_ec2::Identity) {
        let private_ip = self.config.private_ip;
        let interface = identity
            .interfaces
            .iter()
            .find(|interface| interface.private_ips.contains(&private_ip));
        *self.lock_place() = interface.map(|interface| Place {
            target: Target {
                allocation_id: self.config.allocation_id.clone(),
                network_interface_id: interface.network_interface_id.clone(),
                private_ip,
            },
            mac: interface.mac.clone(),
        });
        let known = Identity {
            instance: InstanceId(identity.instance_id.clone()),
            zone: identity.availability_zone.clone(),
            interface: interface.map(|interface| InterfaceId(interface.network_interface_id.clone())),
        };
        self.tell(News::Input(Input::Identity(known))).await;
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

    /// Rehearses a takeover for ever: often while it fails, rarely while it would work.
    async fn keep_rehearsing(&self, ec2: &Ec2) {
        loop {
            let outcome = self.rehearse(ec2).await;
            let pause = pause_after(matches!(outcome, Ok(None)), self.manner().rehearsal_interval);
            let clock_ahead_s = ec2.clock_ahead_s();
            self.tell(News::Rehearsed { outcome, clock_ahead_s }).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.rehearse.notified() => {}
            }
        }
    }

    /// Makes the very calls of a takeover with `DryRun`, and looks for another address that the takeover would knock off.
    async fn rehearse(&self, ec2: &Ec2) -> Result<Option<Address>, CallError> {
        // Without a place to land there is nothing to rehearse, and that is a problem of its own.
        let Some(Place { target, .. }) = self.place() else {
            return Ok(None);
        };
        let Manner {
            call_timeout, strict, ..
        } = self.manner();
        let address = ec2.warm(&self.config.allocation_id, call_timeout).await?;
        self.learn(address.public_ip).await;
        if let Some(held) = address.association.filter(|_| strict) {
            ec2.dry_run_release(&held.association_id, call_timeout, Connection::Pooled)
                .await?;
        }
        ec2.dry_run_associate(&target, true, call_timeout, Connection::Pooled)
            .await?;
        let neighbours = ec2.neighbours(&target, call_timeout, Connection::Pooled).await?;
        Ok(neighbours.into_iter().next())
    }

    async fn learn(&self, public_ip: Ipv4Addr) {
        if self.public_ip.set(public_ip).is_ok() {
            self.tell(News::PublicIp(public_ip)).await;
        }
    }

    fn manner(&self) -> Manner {
        *self.lock_manner()
    }

    fn lock_manner(&self) -> MutexGuard<'_, Manner> {
        self.manner.lock().expect("nothing panics while it holds this lock")
    }

    fn place(&self) -> Option<Place> {
        self.lock_place().clone()
    }

    fn lock_place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().expect("nothing panics while it holds this lock")
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

fn association(held: pair_ec2::Association) -> Association {
    Association {
        id: AssociationId(held.association_id),
        interface: InterfaceId(held.network_interface_id.unwrap_or_default()),
        private_ip: IpAddr::V4(held.private_ip.unwrap_or(Ipv4Addr::UNSPECIFIED)),
        instance: held.instance_id.map(InstanceId),
    }
}

fn instance_state(health: pair_ec2::InstanceHealth) -> InstanceState {
    match health.state {
        pair_ec2::InstanceState::Stopped | pair_ec2::InstanceState::Terminated => InstanceState::Down,
        pair_ec2::InstanceState::Stopping | pair_ec2::InstanceState::ShuttingDown => InstanceState::Stopping,
        pair_ec2::InstanceState::Pending | pair_ec2::InstanceState::Running | pair_ec2::InstanceState::Unknown => {
            InstanceState::Running {
                unreachable: health.reachability == Reachability::Failed,
            }
        }
    }
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
