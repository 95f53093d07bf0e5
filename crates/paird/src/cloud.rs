//! EC2 and IMDS, on a thread of their own: TLS never delays a heartbeat.
//!
//! Nothing is decided here. A call is made when the core wants it, once, and its result goes back. Two things go on by
//! themselves: IMDS is asked each second whether the address is here, and the rehearsal of a takeover (`DryRun`) is repeated
//! so that a standby that could not take over is noticed before it must.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pair_core::{
    Association, AssociationId, Call, CallFault, CallRequest, Identity, Input, InstanceId, InstanceState, InterfaceId,
    Reply,
};
use pair_ec2::{CallError, Connection, Ec2, Imds, Reachability, Settings, Target};
use tokio::sync::{Notify, mpsc};
use tracing::{info, warn};

use crate::clock::Clock;
use crate::news::News;

/// How often IMDS is asked whether the address is here: it is throttled per instance, so not more often.
const IMDS_INTERVAL: Duration = Duration::from_secs(1);

/// How often credentials are fetched before they are needed.
const CREDENTIALS_INTERVAL: Duration = Duration::from_secs(60);

/// How long a start waits before it asks an IMDS that did not answer again.
const IDENTITY_RETRY: Duration = Duration::from_secs(1);

/// How often a takeover is rehearsed while all is well.
const REHEARSAL_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// How often it is rehearsed while it fails.
const REHEARSAL_RETRY: Duration = Duration::from_secs(20);

/// What the cloud thread needs to know.
#[derive(Clone, Debug)]
pub struct CloudConfig {
    /// The allocation to move.
    pub allocation_id: String,
    /// The private IP that it lands on here.
    pub private_ip: IpAddr,
    /// The region, if the configuration says.
    pub region: Option<String>,
    /// How long one call may take.
    pub call_timeout: Duration,
}

/// Everything that a call needs once IMDS has said who this instance is.
#[derive(Debug)]
struct Session {
    ec2: Ec2,
    target: Option<Target>,
    mac: Option<String>,
}

/// The cloud side of the daemon.
pub struct Cloud {
    config: CloudConfig,
    clock: Clock,
    news: mpsc::Sender<News>,
    session: OnceLock<Session>,
    public_ip: OnceLock<Ipv4Addr>,
    rehearse: Notify,
}

impl Cloud {
    /// A cloud side that tells its news to `news`.
    #[must_use]
    pub fn new(config: CloudConfig, clock: Clock, news: mpsc::Sender<News>) -> Arc<Self> {
        Arc::new(Self {
            config,
            clock,
            news,
            session: OnceLock::new(),
            public_ip: OnceLock::new(),
            rehearse: Notify::new(),
        })
    }

    /// Finds out who this instance is, then watches IMDS and rehearses for ever.
    pub async fn run(self: Arc<Self>) {
        let mut settings = Settings::from_env();
        settings.region.clone_from(&self.config.region);
        let imds = match Imds::connect(&settings) {
            Ok(imds) => imds,
            Err(error) => return self.give_up(error.to_string()).await,
        };
        info!(
            endpoint = imds.endpoint().url,
            redirected_by = imds.endpoint().redirected_by,
            "IMDS resolved"
        );
        let identity = self.identity(&imds).await;
        let ec2 = match Ec2::connect(&settings, &imds, &identity.region).await {
            Ok(ec2) => ec2,
            Err(error) => return self.give_up(error.to_string()).await,
        };
        match ec2.endpoint().redirected_by {
            Some(variable) => warn!(
                endpoint = ec2.endpoint().url,
                variable, "the environment redirects EC2 calls"
            ),
            None => info!(endpoint = ec2.endpoint().url, "EC2 resolved"),
        }
        let place = identity.interfaces.iter().find(|interface| {
            interface
                .private_ips
                .iter()
                .any(|ip| IpAddr::V4(*ip) == self.config.private_ip)
        });
        let target = match (place, self.config.private_ip) {
            (Some(place), IpAddr::V4(private_ip)) => Some(Target {
                allocation_id: self.config.allocation_id.clone(),
                network_interface_id: place.network_interface_id.clone(),
                private_ip,
            }),
            (_, IpAddr::V4(_) | IpAddr::V6(_)) => None,
        };
        let known = Identity {
            instance: InstanceId(identity.instance_id.clone()),
            zone: identity.availability_zone.clone(),
            interface: place.map(|place| InterfaceId(place.network_interface_id.clone())),
        };
        let mac = place.map(|place| place.mac.clone());
        if self.session.set(Session { ec2, target, mac }).is_err() {
            return;
        }
        self.tell(News::Input(Input::Identity(known))).await;
        tokio::join!(self.watch(&imds), self.keep_credentials(), self.keep_rehearsing());
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
        let outcome = match self.session.get() {
            None => Err((
                CallFault::Unreachable,
                "IMDS has not said who this instance is".to_owned(),
            )),
            Some(_) if self.clock.now() > not_after => {
                Err((CallFault::NotSent, "the request did not leave in time".to_owned()))
            }
            Some(session) => self.attempt(session, &call, timeout, connection).await,
        };
        match outcome {
            Ok(reply) => self.tell(News::Input(Input::Called { id, result: Ok(reply) })).await,
            Err((fault, error)) => self.tell(News::CallFailed { id, fault, error }).await,
        }
    }

    /// Wants a takeover rehearsed soon: something changed.
    pub fn rehearse_soon(&self) {
        self.rehearse.notify_one();
    }

    /// The Elastic IP, once EC2 has told it.
    #[must_use]
    pub fn public_ip(&self) -> Option<Ipv4Addr> {
        self.public_ip.get().copied()
    }

    async fn attempt(
        &self,
        session: &Session,
        call: &Call,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Reply, (CallFault, String)> {
        let sorted = |error: CallError| (fault_of(&error), error.to_string());
        match call {
            Call::ReadAddress => {
                let address = session
                    .ec2
                    .address(&self.config.allocation_id, timeout, connection)
                    .await
                    .map_err(sorted)?;
                if self.public_ip.set(address.public_ip).is_ok() {
                    self.tell(News::PublicIp(address.public_ip)).await;
                }
                Ok(Reply::Address(address.association.map(association)))
            }
            Call::ReadInstance(instance) => {
                let health = session
                    .ec2
                    .instance(&instance.0, timeout, connection)
                    .await
                    .map_err(sorted)?;
                Ok(Reply::Instance(instance_state(health)))
            }
            Call::Associate { allow_reassociation } => {
                let no_place = || {
                    (
                        CallFault::NotSent,
                        format!("no interface here has {}", self.config.private_ip),
                    )
                };
                let target = session.target.as_ref().ok_or_else(no_place)?;
                let id = session
                    .ec2
                    .associate(target, *allow_reassociation, timeout, connection)
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

    /// Asks IMDS each second whether the address is here, as soon as the address is known.
    async fn watch(&self, imds: &Imds) {
        let Some(mac) = self.session.get().and_then(|session| session.mac.clone()) else {
            return;
        };
        let mut ticks = tokio::time::interval(IMDS_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(public_ip) = self.public_ip() else { continue };
            let asked_at = self.clock.now();
            match imds.associations(&mac).await {
                Ok(here) => {
                    let mine = here.iter().any(|address| {
                        address.public_ip == public_ip
                            && address
                                .private_ips
                                .iter()
                                .any(|ip| IpAddr::V4(*ip) == self.config.private_ip)
                    });
                    self.tell(News::Input(Input::Imds { mine, asked_at })).await;
                    self.tell(News::Imds(Ok(()))).await;
                }
                Err(error) => self.tell(News::Imds(Err(error.to_string()))).await,
            }
        }
    }

    /// Keeps credentials in hand for ever, so that no takeover has to wait for them.
    async fn keep_credentials(&self) {
        let Some(Session { ec2, .. }) = self.session.get() else {
            return;
        };
        loop {
            tokio::time::sleep(CREDENTIALS_INTERVAL).await;
            if let Err(error) = ec2.refresh_credentials(self.config.call_timeout).await {
                warn!(error, "credentials not refreshed");
            }
        }
    }

    /// Rehearses a takeover for ever: often while it fails, rarely while it would work.
    async fn keep_rehearsing(&self) {
        loop {
            let outcome = self.rehearse().await;
            let pause = if outcome.is_ok() {
                REHEARSAL_INTERVAL
            } else {
                REHEARSAL_RETRY
            };
            self.tell(News::Rehearsed(outcome)).await;
            tokio::select! {
                () = tokio::time::sleep(jittered(pause)) => {}
                () = self.rehearse.notified() => {}
            }
        }
    }

    async fn rehearse(&self) -> Result<(), CallError> {
        let Some(Session {
            ec2,
            target: Some(target),
            ..
        }) = self.session.get()
        else {
            return Ok(());
        };
        let address = ec2.warm(&self.config.allocation_id, self.config.call_timeout).await?;
        if self.public_ip.set(address.public_ip).is_ok() {
            self.tell(News::PublicIp(address.public_ip)).await;
        }
        ec2.dry_run_associate(target, true, self.config.call_timeout, Connection::Pooled)
            .await
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

/// Between three quarters and five quarters of `pause`, so that a fleet does not call in step.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    let share = getrandom::fill(&mut byte).map_or(128, |()| u32::from(byte[0]));
    pause * 3 / 4 + pause / 2 * share / 255
}
