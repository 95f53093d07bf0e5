//! The metadata service of one node: IMDSv2 only, with what paird and the AWS SDK read.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::action::Action;
use crate::http::{self, HungUp, Reply};
use crate::register::Address;
use crate::shared::Shared;
use crate::world::Machine;

/// One node's metadata service.
#[derive(Debug)]
pub(crate) struct Imds {
    shared: Arc<Shared>,
    machine: Machine,
    tokens: Mutex<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    expiry: BTreeMap<String, Instant>,
    issued: u64,
}

impl Imds {
    /// Makes the service of this machine.
    pub(crate) fn new(shared: Arc<Shared>, machine: Machine) -> Self {
        Self {
            shared,
            machine,
            tokens: Mutex::default(),
        }
    }

    /// Answers one request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Reply, HungUp> {
        self.shared.count_imds_request(&self.machine.name, request.uri().path());
        let plan = self.shared.faults.plan(&self.machine.name, Some(Action::Imds));
        if plan.is_refused {
            return Err(HungUp);
        }
        if plan.is_black_hole {
            return core::future::pending().await;
        }
        if let Some(latency) = plan.latency {
            tokio::time::sleep(latency).await;
        }
        if plan.is_server_error {
            return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let path: Vec<&str> = request
            .uri()
            .path()
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        if path == ["latest", "api", "token"] {
            return Ok(self.token(&request));
        }
        if !self.is_authorized(request.headers()) {
            return Ok(empty(StatusCode::UNAUTHORIZED));
        }
        if *request.method() != Method::GET {
            return Ok(empty(StatusCode::METHOD_NOT_ALLOWED));
        }
        if plan.is_denied && path.contains(&"iam") {
            return Ok(empty(StatusCode::NOT_FOUND));
        }
        let Some(held) = self.held(&path, plan.stale).await else {
            return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR));
        };
        Ok(match self.read(&path, &held) {
            Some(text) => http::reply(StatusCode::OK, "text/plain", text),
            None => empty(StatusCode::NOT_FOUND),
        })
    }

    /// Issues a session token, for a `PUT` that says how long it shall live.
    fn token(&self, request: &Request<Incoming>) -> Reply {
        if *request.method() != Method::PUT {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let ttl_s = request
            .headers()
            .get(TTL)
            .and_then(|ttl| ttl.to_str().ok())
            .and_then(|ttl| ttl.parse::<u64>().ok());
        let Some(ttl_s) = ttl_s.filter(|ttl_s| (1..=TTL_LIMIT_S).contains(ttl_s)) else {
            return empty(StatusCode::BAD_REQUEST);
        };
        let now = Instant::now();
        let mut tokens = self.lock();
        tokens.expiry.retain(|_, expiry| *expiry > now);
        if tokens.expiry.len() == TOKEN_LIMIT {
            tokens.expiry.pop_first();
        }
        tokens.issued += 1;
        let token = format!("lab-token-{}-{:08}", self.machine.name, tokens.issued);
        tokens.expiry.insert(token.clone(), now + Duration::from_secs(ttl_s));
        let mut reply = http::reply(StatusCode::OK, "text/plain", token);
        reply.headers_mut().insert(TTL, ttl_s.into());
        reply
    }

    fn is_authorized(&self, headers: &HeaderMap) -> bool {
        let token = headers
            .get(TOKEN)
            .and_then(|token| token.to_str().ok())
            .unwrap_or_default();
        self.lock()
            .expiry
            .get(token)
            .is_some_and(|expiry| *expiry > Instant::now())
    }

    /// Finds the addresses on this node's interface, if the path is about those: public and private. `None` if the
    /// EC2 behind the lab does not say.
    async fn held(&self, path: &[&str], stale: Option<Duration>) -> Option<Vec<(Ipv4Addr, Ipv4Addr)>> {
        if !path
            .iter()
            .any(|segment| ["ipv4-associations", "public-ipv4s", "public-ipv4"].contains(segment))
        {
            return Some(Vec::new());
        }
        let addresses = match (stale, &self.shared.upstream) {
            (Some(age), _) => self
                .shared
                .register()
                .addresses_ago(self.shared.clock.ms(), age)
                .to_vec(),
            (None, Some(upstream)) => upstream.addresses().await.ok()?,
            (None, None) => self.shared.register().addresses().to_vec(),
        };
        let on_this = |address: Address| {
            let held = address.association?;
            (held.network_interface_id == self.machine.network_interface_id)
                .then_some((address.public_ip, held.private_ip))
        };
        Some(addresses.into_iter().filter_map(on_this).collect())
    }

    /// Reads one category; `None` is not there.
    fn read(&self, path: &[&str], held: &[(Ipv4Addr, Ipv4Addr)]) -> Option<String> {
        let machine = &self.machine;
        match path {
            ["latest", "dynamic", "instance-identity", "document"] => Some(self.identity_document()),
            ["latest", "meta-data", category @ ..] => match category {
                ["instance-id"] => Some(machine.instance_id.clone()),
                ["instance-life-cycle"] => {
                    let life = self.shared.instances.life(&machine.instance_id);
                    Some(life.market.word().to_owned())
                }
                ["local-ipv4"] => Some(machine.private_ip().to_string()),
                ["public-ipv4"] => held
                    .iter()
                    .find(|(_, private)| *private == machine.private_ip())
                    .map(|(ip, _)| ip.to_string()),
                ["mac"] => Some(machine.mac.clone()),
                ["placement", "availability-zone"] => Some(machine.availability_zone.clone()),
                ["placement", "region"] => Some(self.shared.world.region.clone()),
                ["iam", "security-credentials"] => Some(ROLE.to_owned()),
                ["iam", "security-credentials", role] if *role == ROLE => Some(self.credentials()),
                ["network", "interfaces", "macs"] => Some(format!("{}/", machine.mac)),
                ["network", "interfaces", "macs", mac, key @ ..] if *mac == machine.mac => self.interface(key, held),
                other => self.shared.announcements.read(&machine.name, other),
            },
            _ => None,
        }
    }

    fn interface(&self, key: &[&str], held: &[(Ipv4Addr, Ipv4Addr)]) -> Option<String> {
        let machine = &self.machine;
        match key {
            [] => Some("device-number\ninterface-id\nlocal-ipv4s\nmac\nowner-id\nsubnet-id".to_owned()),
            ["device-number"] => Some("0".to_owned()),
            ["interface-id"] => Some(machine.network_interface_id.clone()),
            ["local-ipv4s"] => lines(machine.private_ips.iter().copied()),
            ["mac"] => Some(machine.mac.clone()),
            ["owner-id"] => Some(self.shared.world.account_id.clone()),
            ["subnet-id"] => Some(machine.subnet_id.clone()),
            ["public-ipv4s" | "ipv4-associations"] => lines(held.iter().map(|(public, _)| *public)),
            ["ipv4-associations", public_ip] => lines(
                held.iter()
                    .filter(|(public, _)| public.to_string() == *public_ip)
                    .map(|(_, private)| *private),
            ),
            _ => None,
        }
    }

    fn identity_document(&self) -> String {
        let (machine, world) = (&self.machine, &self.shared.world);
        serde_json::json!({
            "accountId": world.account_id,
            "architecture": "x86_64",
            "availabilityZone": machine.availability_zone,
            "instanceId": machine.instance_id,
            "instanceType": "t3.micro",
            "privateIp": machine.private_ip().to_string(),
            "region": world.region,
            "version": "2017-09-30",
        })
        .to_string()
    }

    fn credentials(&self) -> String {
        let now = Timestamp::now();
        let expiration = now
            .checked_add(SignedDuration::from_hours(CREDENTIAL_HOURS))
            .unwrap_or(Timestamp::MAX);
        serde_json::json!({
            "Code": "Success",
            "LastUpdated": format!("{now:.0}"),
            "Type": "AWS-HMAC",
            "AccessKeyId": self.machine.access_key_id,
            "SecretAccessKey": "lab-secret-that-signs-nothing-of-value",
            "Token": "lab-session-token",
            "Expiration": format!("{expiration:.0}"),
        })
        .to_string()
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().expect("no code panics while it holds the tokens")
    }
}

/// Writes one address a line; an empty category is not there at all.
fn lines(ips: impl Iterator<Item = Ipv4Addr>) -> Option<String> {
    let lines: Vec<String> = ips.map(|ip| ip.to_string()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn empty(status: StatusCode) -> Reply {
    http::reply(status, "text/plain", "")
}

const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
/// Six hours: the longest life AWS gives a token.
const TTL_LIMIT_S: u64 = 21_600;
/// A client that asks for a token with each request still finds its latest one.
const TOKEN_LIMIT: usize = 1024;
/// As EC2's role credentials live.
const CREDENTIAL_HOURS: i64 = 6;
const ROLE: &str = "paird-lab";
