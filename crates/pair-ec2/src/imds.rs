//! The instance metadata service: who this instance is, and which public addresses reach it.
//!
//! IMDSv2 through the SDK's client, which keeps the session token. The service is local and needs no
//! credentials, but it limits each instance's rate: a read every second or two is fine, more is not.

use std::net::Ipv4Addr;
use std::time::Duration;

use aws_config::imds::client::Client;
use aws_config::imds::client::error::ImdsError as SdkImdsError;
use aws_config::provider_config::ProviderConfig;
use serde::Deserialize;

use crate::http::{self, chain};
use crate::settings::{ConnectError, Endpoint, Settings};

/// The service is one hop away: what has not connected by then will not.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long one answer may take.
const READ_TIMEOUT: Duration = Duration::from_secs(1);
/// How long one path may take, token and second attempt included.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);
/// Two, so that a session token that the service has forgotten is replaced.
const ATTEMPTS: u32 = 2;

/// How the service throttles.
const TOO_MANY_REQUESTS: u16 = 429;

const DOCUMENT: &str = "/latest/dynamic/instance-identity/document";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const MACS: &str = "/latest/meta-data/network/interfaces/macs/";

/// Reads this instance's metadata.
#[derive(Debug, Clone)]
pub struct Imds {
    client: Client,
    endpoint: Endpoint,
}

/// Tells who this instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `i-…`.
    pub instance_id: String,
    /// Such as `eu-central-1`.
    pub region: String,
    /// Such as `eu-central-1a`.
    pub availability_zone: String,
    /// The account's twelve digits.
    pub account: String,
    /// The network interfaces, by device number.
    pub interfaces: Vec<Interface>,
}

/// Tells of one network interface of this instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Lower-case with colons, as IMDS writes it: the key of [`Imds::associations`].
    pub mac: String,
    /// `eni-…`.
    pub network_interface_id: String,
    /// Its private IPv4 addresses, the primary one first; empty on an interface that has IPv6 only.
    pub private_ips: Vec<Ipv4Addr>,
    /// 0 for the primary interface.
    pub device_number: u32,
}

/// Names a public address that reaches an interface, and the private ones it is mapped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicAddress {
    /// An Elastic IP or an auto-assigned one; IMDS does not tell them apart.
    pub public_ip: Ipv4Addr,
    /// Where it lands.
    pub private_ips: Vec<Ipv4Addr>,
}

/// Says why a metadata read failed. Reads change nothing; a failed one proves nothing about any address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImdsError {
    /// No session token: nothing listens, the service is off, or a container is a hop too far away.
    /// Repeating helps only against an outage.
    #[error("no session token from IMDS at {endpoint}: {cause}")]
    Token {
        /// Where it was asked for.
        endpoint: String,
        /// What happened.
        cause: String,
    },
    /// The service answered with a status that is no answer to the question. Repeating helps if it is a 5xx.
    #[error("IMDS answered {path} with HTTP {status}")]
    Refused {
        /// The path read.
        path: String,
        /// The HTTP status.
        status: u16,
    },
    /// No usable answer in time. Repeating may help.
    #[error("IMDS did not answer {path}: {cause}")]
    Unanswered {
        /// The path read.
        path: String,
        /// What happened.
        cause: String,
    },
    /// The answer is not what the path is documented to hold. A bug, here or there.
    #[error("IMDS answered {path} with {found:?} in place of {expected}")]
    Malformed {
        /// The path read.
        path: String,
        /// What was there.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
}

impl ImdsError {
    /// Whether the same question can be answered a moment later: the service is slow, throttles, or is not up yet. What it answers on
    /// purpose stays.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Token { .. } | Self::Unanswered { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == TOO_MANY_REQUESTS,
            Self::Malformed { .. } => false,
        }
    }
}

impl Imds {
    /// Builds a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError::Url`] when the address of the service is no URL.
    pub fn connect(settings: &Settings) -> Result<Self, ConnectError> {
        let endpoint = settings.imds_endpoint();
        endpoint.check("IMDS")?;
        let client = Client::builder()
            .configure(&ProviderConfig::without_region().with_http_client(http::client()))
            .endpoint(&endpoint.url)
            .map_err(|_| ConnectError::Url {
                service: "IMDS",
                url: endpoint.url.clone(),
                cause: "it is malformed",
            })?
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .operation_attempt_timeout(READ_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .max_attempts(ATTEMPTS)
            .build();
        Ok(Self { client, endpoint })
    }

    /// Reads who this instance is and what interfaces it has.
    ///
    /// # Errors
    /// Any [`ImdsError`]; a missing path is [`ImdsError::Refused`] with 404.
    pub async fn identity(&self) -> Result<Identity, ImdsError> {
        let document = Document::parse(&self.demand(DOCUMENT).await?)?;
        let mut interfaces = Vec::new();
        for mac in lines(&self.demand(MACS).await?) {
            interfaces.push(self.interface(hardware_address(MACS, mac)?).await?);
        }
        interfaces.sort_by_key(|interface| interface.device_number);
        Ok(Identity {
            instance_id: document.instance_id,
            region: document.region,
            availability_zone: document.availability_zone,
            account: document.account_id,
            interfaces,
        })
    }

    /// Reads the name of the instance's role; `None` says that it has none, and so no credentials.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn role(&self) -> Result<Option<String>, ImdsError> {
        let roles = self.ask(ROLES).await?.unwrap_or_default();
        Ok(lines(&roles).next().map(str::to_owned))
    }

    /// Reads which public addresses reach the interface with this MAC address. A hint that costs no API
    /// call: it may lag behind EC2, which alone knows the holder.
    ///
    /// Empty is a statement ("none"), made only when IMDS says so (404). Any other failure is an error: not
    /// knowing must never be read as not holding.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn associations(&self, mac: &str) -> Result<Vec<PublicAddress>, ImdsError> {
        let list = format!("{MACS}{mac}/ipv4-associations/");
        let mut addresses = Vec::new();
        for public in lines(&self.ask(&list).await?.unwrap_or_default()) {
            // Read before it is asked for: what is no address may be no path either, and the SDK panics at those.
            let public_ip = ipv4(&list, public)?;
            let path = format!("{list}{public_ip}");
            // Gone between the two reads: then it is no longer one of them.
            if let Some(private) = self.ask(&path).await? {
                addresses.push(PublicAddress {
                    public_ip,
                    private_ips: ipv4s(&path, &private)?,
                });
            }
        }
        Ok(addresses)
    }

    /// Reads where one public address lands on the interface with this MAC address, by one request; `None` if it does not.
    ///
    /// As in [`Self::associations`], only a 404 says that it does not.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn association(&self, mac: &str, public_ip: Ipv4Addr) -> Result<Option<Vec<Ipv4Addr>>, ImdsError> {
        let path = format!("{MACS}{mac}/ipv4-associations/{public_ip}");
        let private = self.ask(&path).await?;
        private.map(|private| ipv4s(&path, &private)).transpose()
    }

    /// Where the service is, for the log.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    async fn interface(&self, mac: &str) -> Result<Interface, ImdsError> {
        let number = format!("{MACS}{mac}/device-number");
        let device_number = self.demand(&number).await?;
        let private = format!("{MACS}{mac}/local-ipv4s");
        Ok(Interface {
            mac: mac.to_owned(),
            network_interface_id: self.demand(&format!("{MACS}{mac}/interface-id")).await?,
            private_ips: ipv4s(&private, &self.ask(&private).await?.unwrap_or_default())?,
            device_number: device_number
                .parse()
                .map_err(|_| malformed(&number, &device_number, "a number"))?,
        })
    }

    async fn demand(&self, path: &str) -> Result<String, ImdsError> {
        self.ask(path).await?.ok_or_else(|| ImdsError::Refused {
            path: path.to_owned(),
            status: 404,
        })
    }

    /// Reads a path; `None` is the service's own 404.
    pub(crate) async fn ask(&self, path: &str) -> Result<Option<String>, ImdsError> {
        let error = match self.client.get(path).await {
            Ok(text) => return Ok(Some(text.as_ref().trim().to_owned())),
            Err(error) => error,
        };
        let path = path.to_owned();
        match &error {
            SdkImdsError::ErrorResponse(context) => match context.response().status().as_u16() {
                404 => Ok(None),
                status => Err(ImdsError::Refused { path, status }),
            },
            SdkImdsError::FailedToLoadToken(_) => Err(ImdsError::Token {
                endpoint: self.endpoint.url.clone(),
                cause: chain(&error),
            }),
            // `IoError`, `Unexpected`, and what the SDK adds to this open enum.
            _ => Err(ImdsError::Unanswered {
                path,
                cause: chain(&error),
            }),
        }
    }
}

/// The part of the instance identity document that is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    instance_id: String,
    region: String,
    availability_zone: String,
    account_id: String,
}

impl Document {
    fn parse(text: &str) -> Result<Self, ImdsError> {
        serde_json::from_str(text).map_err(|_| malformed(DOCUMENT, text, "an instance identity document"))
    }
}

/// A list in IMDS is one entry a line; entries that have children end in a slash.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.trim().trim_end_matches('/'))
        .filter(|line| !line.is_empty())
}

fn ipv4s(path: &str, text: &str) -> Result<Vec<Ipv4Addr>, ImdsError> {
    lines(text).map(|line| ipv4(path, line)).collect()
}

fn ipv4(path: &str, text: &str) -> Result<Ipv4Addr, ImdsError> {
    text.parse().map_err(|_| malformed(path, text, "an IPv4 address"))
}

/// Takes a hardware address for one. What it is made of can stand in a path.
fn hardware_address<'text>(path: &str, text: &'text str) -> Result<&'text str, ImdsError> {
    let is_one = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    if is_one {
        Ok(text)
    } else {
        Err(malformed(path, text, "a hardware address"))
    }
}

pub(crate) fn malformed(path: &str, found: &str, expected: &'static str) -> ImdsError {
    /// Enough to recognize what answered in IMDS's place.
    const SHOWN: usize = 80;
    ImdsError::Malformed {
        path: path.to_owned(),
        found: found.chars().take(SHOWN).collect(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_with_and_without_slashes_and_blank_lines() {
        let macs: Vec<_> = lines("0e:49:61:0f:c3:11/\n0e:49:61:0f:c3:12/\n\n").collect();
        assert_eq!(macs, ["0e:49:61:0f:c3:11", "0e:49:61:0f:c3:12"]);
    }

    #[test]
    fn only_a_hardware_address_is_asked_for() {
        assert_eq!(hardware_address("/", "0e:49:61:0f:c3:11"), Ok("0e:49:61:0f:c3:11"));
        for text in ["<html>", "origin", "0e:49 61", "0e:49\n61"] {
            assert!(hardware_address("/", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_document_from_somewhere_else_is_named() {
        let error = Document::parse("<html>captive portal</html>").expect_err("not a document");
        assert_eq!(
            error.to_string(),
            "IMDS answered /latest/dynamic/instance-identity/document with \
             \"<html>captive portal</html>\" in place of an instance identity document"
        );
    }
}
