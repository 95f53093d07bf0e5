//! The EC2 API, one attempt at a time.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_config::BehaviorVersion;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::{AppName, Config, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::associate_address::builders::AssociateAddressFluentBuilder;
use aws_sdk_ec2::operation::disassociate_address::builders::DisassociateAddressFluentBuilder;
use aws_sdk_ec2::types::Filter;
use tracing::debug;

use crate::address::{Address, Target, present};
use crate::call_error::{CallError, Reply};
use crate::credentials::Keyring;
use crate::http;
use crate::imds::Imds;
use crate::instance::InstanceHealth;
use crate::journey::Journey;
use crate::settings::{ConnectError, Endpoint, Settings};

/// What stands behind the SDK's own name in the user agent, so that CloudTrail tells who called.
const APP_NAME: &str = "paird";

const ASSOCIATE: &str = "AssociateAddress";
const DRY_RUN: &str = "AssociateAddress (dry run)";
const RELEASE: &str = "DisassociateAddress";
const RELEASE_DRY_RUN: &str = "DisassociateAddress (dry run)";
pub(crate) const ADDRESSES: &str = "DescribeAddresses";
const INSTANCE_STATUS: &str = "DescribeInstanceStatus";

/// EC2's way to say that a dry run would have worked (EC2 API Reference, "Common query parameters").
const DRY_RUN_OPERATION: &str = "DryRunOperation";

/// Chooses the TCP connection of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// An idle one if there is one, else a new one that is kept afterwards.
    Pooled,
    /// A new one, whatever the pool holds, closed afterwards. For reading back after an attempt that got
    /// no answer: the connection it used, and any other from before, may lead nowhere. Costs a few
    /// milliseconds for the host's certificates on top of DNS, TCP and TLS.
    Fresh,
}

/// Calls EC2.
///
/// Every method is **one** attempt that ends by its own `timeout`, which counts everything: credentials,
/// DNS, TCP, TLS, the answer. The SDK's retries, its stalled-stream protection and its time-outs are off;
/// its only resend left is on a pooled connection that turned out to be closed before a byte was written.
/// The retry token bucket of the SDK is one for the whole process, so a failing poller could strip a
/// takeover of its retries: retries belong to the caller.
///
/// A call that hangs holds up no other: each has a connection to itself.
#[derive(Debug, Clone)]
pub struct Ec2 {
    client: Client,
    config: Config,
    keyring: Keyring,
    endpoint: Endpoint,
    clock_ahead_s: Arc<Mutex<Option<i64>>>,
}

impl Ec2 {
    /// Builds a client for `settings.region`, else for `region`; nothing is sent to EC2 or IMDS yet.
    ///
    /// Credentials come from `imds` alone: keys in the environment or in `~/.aws` are not looked at.
    ///
    /// # Errors
    /// [`ConnectError`], when the region or the URL that replaces its endpoint cannot be used.
    pub async fn connect(settings: &Settings, imds: &Imds, region: &str) -> Result<Self, ConnectError> {
        let region = settings.region.as_deref().unwrap_or(region);
        let endpoint = resolve(settings, region).await?;
        let keyring = Keyring::new(imds.client());
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .use_fips(settings.use_fips)
            .use_dual_stack(settings.use_dual_stack)
            .http_client(http::client())
            .credentials_provider(keyring.clone())
            // The keyring is the cache.
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .app_name(AppName::new(APP_NAME).expect("letters are a valid app name"));
        config.set_endpoint_url(settings.ec2.as_ref().map(|given| given.url.clone()));
        let config = config.build();
        Ok(Self {
            client: Client::from_conf(config.clone()),
            config,
            keyring,
            endpoint,
            clock_ahead_s: Arc::default(),
        })
    }

    /// Points the address at the target and returns the new association's id.
    ///
    /// With `allow_reassociation` the address is taken from whoever holds it, in one step without an
    /// ownerless moment; without, a held address is [`CallError::AlreadyAssociated`]. The parameter is
    /// always sent, because its default depends on the account. EC2 has no compare-and-set here and no
    /// client token: a late answer may belong to a move that another caller has already undone.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::may_have_applied`] says when the address must be read before repeating.
    pub async fn associate(
        &self,
        target: &Target,
        allow_reassociation: bool,
        timeout: Duration,
        connection: Connection,
    ) -> Result<String, CallError> {
        let output = self
            .attempt(ASSOCIATE, timeout, connection, async |client, journey| {
                associate_address(&client, target, allow_reassociation, false)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await?;
        present(output.association_id()).ok_or_else(|| unclear(ASSOCIATE, "no association id"))
    }

    /// Asks EC2 whether [`Ec2::associate`] would be allowed, with the same parameters and without effect.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Denied`] is the answer this call is made to find.
    pub async fn dry_run_associate(
        &self,
        target: &Target,
        allow_reassociation: bool,
        timeout: Duration,
        connection: Connection,
    ) -> Result<(), CallError> {
        let outcome = self
            .attempt(DRY_RUN, timeout, connection, async |client, journey| {
                associate_address(&client, target, allow_reassociation, true)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await;
        rehearsed(DRY_RUN, outcome.map(drop))
    }

    /// Releases exactly this association: an address that has another one by now keeps it.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Gone`] if there is no such association any more, which EC2 may as well answer
    /// with success. So success does not prove that nobody holds the address; what proves it is an association
    /// that succeeds without reassociation.
    pub async fn release(
        &self,
        association_id: &str,
        timeout: Duration,
        connection: Connection,
    ) -> Result<(), CallError> {
        let outcome = self
            .attempt(RELEASE, timeout, connection, async |client, journey| {
                disassociate_address(&client, association_id, false)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await;
        outcome.map(drop)
    }

    /// Asks EC2 whether [`Ec2::release`] would be allowed, without effect.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Denied`] is the answer this call is made to find.
    pub async fn dry_run_release(
        &self,
        association_id: &str,
        timeout: Duration,
        connection: Connection,
    ) -> Result<(), CallError> {
        let outcome = self
            .attempt(RELEASE_DRY_RUN, timeout, connection, async |client, journey| {
                disassociate_address(&client, association_id, true)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await;
        rehearsed(RELEASE_DRY_RUN, outcome.map(drop))
    }

    /// Reads who holds the address.
    ///
    /// # Errors
    /// [`CallError`]; an allocation that does not exist is [`CallError::Gone`]. An error never means that
    /// nobody holds it.
    pub async fn address(
        &self,
        allocation_id: &str,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Address, CallError> {
        let output = self
            .attempt(ADDRESSES, timeout, connection, async |client, journey| {
                client
                    .describe_addresses()
                    .allocation_ids(allocation_id)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await?;
        let found = output
            .addresses()
            .iter()
            .find(|address| address.allocation_id() == Some(allocation_id))
            .ok_or_else(|| not_listed(ADDRESSES, allocation_id))?;
        Address::from_sdk(found).map_err(|cause| unclear(ADDRESSES, cause))
    }

    /// Reads which allocation an Elastic IP is; `None` says that the account has no such address in this region.
    ///
    /// # Errors
    /// [`CallError`]. An error never means that there is none.
    pub async fn allocation_of(
        &self,
        public_ip: Ipv4Addr,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Option<String>, CallError> {
        // A filter that nothing passes is an empty answer, where an unknown `PublicIp` would be an error among others.
        let filter = Filter::builder()
            .name("public-ip")
            .values(public_ip.to_string())
            .build();
        let output = self
            .attempt(ADDRESSES, timeout, connection, async |client, journey| {
                client
                    .describe_addresses()
                    .filters(filter)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await?;
        let public_ip = public_ip.to_string();
        let found = output
            .addresses()
            .iter()
            .find(|address| address.public_ip() == Some(&public_ip));
        Ok(found.and_then(|address| present(address.allocation_id())))
    }

    /// Reads which other addresses are on the target's private IP: [`Ec2::associate`] would knock them off.
    ///
    /// # Errors
    /// [`CallError`]. An error never means that there are none.
    pub async fn neighbours(
        &self,
        target: &Target,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Vec<Address>, CallError> {
        let filter = Filter::builder()
            .name("network-interface-id")
            .values(&target.network_interface_id)
            .build();
        let output = self
            .attempt(ADDRESSES, timeout, connection, async |client, journey| {
                client
                    .describe_addresses()
                    .filters(filter)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await?;
        let mut found = Vec::new();
        for address in output.addresses() {
            let address = Address::from_sdk(address).map_err(|cause| unclear(ADDRESSES, cause))?;
            let is_there = address
                .association
                .as_ref()
                .is_some_and(|held| held.private_ip == Some(target.private_ip));
            if is_there && address.allocation_id != target.allocation_id {
                found.push(address);
            }
        }
        Ok(found)
    }

    /// Reads what EC2 thinks of an instance, running or not.
    ///
    /// # Errors
    /// [`CallError`]; an instance that EC2 does not list is [`CallError::Gone`].
    pub async fn instance(
        &self,
        instance_id: &str,
        timeout: Duration,
        connection: Connection,
    ) -> Result<InstanceHealth, CallError> {
        let output = self
            .attempt(INSTANCE_STATUS, timeout, connection, async |client, journey| {
                client
                    .describe_instance_status()
                    .instance_ids(instance_id)
                    .include_all_instances(true)
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await?;
        output
            .instance_statuses()
            .iter()
            .find(|status| status.instance_id() == Some(instance_id))
            .map(InstanceHealth::from_sdk)
            .ok_or_else(|| not_listed(INSTANCE_STATUS, instance_id))
    }

    /// Fetches credentials from IMDS whether or not they need it yet, so that no call has to wait for them. New ones are there
    /// at least five minutes before the old ones expire: a refresh each minute always holds valid ones.
    ///
    /// # Errors
    /// What IMDS said, or that it said nothing within `timeout`. Calls go on with what is held.
    pub async fn refresh_credentials(&self, timeout: Duration) -> Result<(), String> {
        match tokio::time::timeout(timeout, self.keyring.refresh()).await {
            Ok(outcome) => outcome,
            Err(_) => Err("IMDS does not answer".to_owned()),
        }
    }

    /// Makes the next call quick, and reads who holds the address on the way.
    ///
    /// Fetches credentials from IMDS whether or not they need it yet, then calls [`Ec2::address`] on a
    /// pooled connection, which exercises DNS and leaves a TLS connection in the pool. Credentials stay
    /// usable when this is done at least every five minutes; the connection lives up to five minutes, less
    /// if EC2 closes it. A read at the first suspicion has the same effect just in time for a takeover.
    ///
    /// # Errors
    /// Those of [`Ec2::address`]. That IMDS does not answer is none while old credentials are at hand.
    pub async fn warm(&self, allocation_id: &str, timeout: Duration) -> Result<Address, CallError> {
        let started = Instant::now();
        // Half of the time at most: a metadata service that hangs must not cost the read.
        if let Err(cause) = self.refresh_credentials(timeout / 2).await {
            debug!(cause, "credentials not refreshed");
        }
        let left = timeout.saturating_sub(started.elapsed());
        self.address(allocation_id, left, Connection::Pooled).await
    }

    /// Where calls go, for the log.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How many seconds this host's clock was ahead of EC2's at the last answer, whatever it said; negative if behind. `None`
    /// before the first answer that told. Right to a second or two.
    #[must_use]
    pub fn clock_ahead_s(&self) -> Option<i64> {
        *self
            .clock_ahead_s
            .lock()
            .expect("nothing panics while it holds this lock")
    }

    /// Makes one attempt and sorts how it ended.
    pub(crate) async fn attempt<T, E>(
        &self,
        call: &'static str,
        timeout: Duration,
        connection: Connection,
        send: impl AsyncFnOnce(Client, Journey) -> Result<T, SdkError<E>>,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let started = Instant::now();
        let journey = Journey::default();
        let travel = async {
            self.keyring
                .ready()
                .await
                .map_err(|cause| CallError::NoCredentials { call, cause })?;
            send(self.client_for(connection), journey.clone())
                .await
                .map_err(|error| CallError::from_sdk(call, &error, &journey))
        };
        let outcome = tokio::time::timeout(timeout, travel).await.unwrap_or_else(|_| {
            let cause = format!("deadline of {timeout:?} passed");
            Err(CallError::from_silence(call, cause, &journey))
        });
        if let Some(ahead_s) = journey.clock_ahead_s() {
            let mut last = self
                .clock_ahead_s
                .lock()
                .expect("nothing panics while it holds this lock");
            *last = Some(ahead_s);
        }
        debug!(
            call,
            ?connection,
            elapsed = ?started.elapsed(),
            error = outcome.as_ref().err().map(tracing::field::display),
            "EC2 attempt ended"
        );
        outcome
    }

    fn client_for(&self, connection: Connection) -> Client {
        match connection {
            Connection::Pooled => self.client.clone(),
            Connection::Fresh => {
                let config = self.config.to_builder().http_client(http::client());
                Client::from_conf(config.build())
            }
        }
    }
}

fn associate_address(
    client: &Client,
    target: &Target,
    allow_reassociation: bool,
    dry_run: bool,
) -> AssociateAddressFluentBuilder {
    client
        .associate_address()
        .allocation_id(&target.allocation_id)
        .network_interface_id(&target.network_interface_id)
        .private_ip_address(target.private_ip.to_string())
        .allow_reassociation(allow_reassociation)
        .dry_run(dry_run)
}

fn disassociate_address(client: &Client, association_id: &str, dry_run: bool) -> DisassociateAddressFluentBuilder {
    client
        .disassociate_address()
        .association_id(association_id)
        .dry_run(dry_run)
}

/// A dry run that would have worked ends with an error that says so.
fn rehearsed(call: &'static str, outcome: Result<(), CallError>) -> Result<(), CallError> {
    match outcome {
        Err(error) if error.code() == Some(DRY_RUN_OPERATION) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => Err(unclear(call, "answered like the real call")),
    }
}

pub(crate) fn unclear(call: &'static str, cause: impl Into<String>) -> CallError {
    CallError::Unclear {
        call,
        cause: cause.into(),
    }
}

/// An answer without the thing asked for is the same news as `*.NotFound`.
fn not_listed(call: &'static str, id: &str) -> CallError {
    CallError::Gone {
        call,
        reply: Reply {
            status: 200,
            code: String::new(),
            message: format!("{id} is not listed"),
        },
    }
}

/// Asks the SDK's own rules where requests will go.
async fn resolve(settings: &Settings, region: &str) -> Result<Endpoint, ConnectError> {
    let given = settings.ec2.as_ref();
    if let Some(endpoint) = given {
        endpoint.check("EC2")?;
    }
    let bad_region = |cause: String| ConnectError::Region {
        region: region.to_owned(),
        cause,
    };
    let params = Params::builder()
        .region(region)
        .use_fips(settings.use_fips)
        .use_dual_stack(settings.use_dual_stack)
        .set_endpoint(given.map(|endpoint| endpoint.url.clone()))
        .build()
        .map_err(|error| bad_region(error.to_string()))?;
    let resolved = DefaultResolver::new()
        .resolve_endpoint(&params)
        .await
        .map_err(|error| bad_region(error.to_string()))?;
    Ok(Endpoint {
        url: resolved.url().to_owned(),
        redirected_by: given.and_then(|endpoint| endpoint.redirected_by),
    })
}
