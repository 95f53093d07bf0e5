//! `paird init`: the first configuration of a node, from what its instance knows of itself and what the command line adds.
//!
//! ```text
//! IMDS: own address or zone ─┐
//! EC2: allocation of an IP  ─┼─► Draft ─► text ─► checked as `paird check` would ─► written, if nothing is there yet
//! command line: the rest    ─┘
//! ```
//!
//! Given the same pair from either side, both nodes write the same file, byte for byte: what only one of them knows goes to
//! the terminal. A text that `paird check` would refuse is never written, and a file that is there is never touched unasked.

mod destination;
mod draft;
mod text;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use pair_ec2::{Connection, Ec2, Endpoint, Identity, Imds, ImdsError, Settings};

use crate::cli::{self, Node};
use crate::config::{Config, Finding, Findings};
use crate::run;

use destination::Placed;
use draft::Draft;

/// How long EC2 may take to say whose allocation an address is. Nothing waits for it but whoever typed the command.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before IMDS is asked again.
const IMDS_RETRY: Duration = Duration::from_secs(1);

/// What became of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The configuration, which was asked to be printed only.
    Printed(String),
    /// It is in place.
    InPlace {
        /// What was done, and which node this is.
        told: String,
        /// What `paird check` still finds, such as a key that is not there yet.
        left: Findings,
    },
    /// It would not pass: nothing was written.
    Refused(Findings),
}

/// Makes the configuration and puts it where it belongs.
///
/// # Errors
/// If IMDS or EC2 do not say what is needed, or the file is there already or cannot be written. Nothing was changed.
pub fn run(args: &cli::Init) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let (draft, identity) = runtime.block_on(draft(args))?;
    let text = draft.to_string();
    let file = args.config.display().to_string();
    if let Err(findings) = Config::parse(&file, &text) {
        // Its lines are those of a text that nobody has.
        let without_line = |finding: &Finding| Finding {
            line: None,
            ..finding.clone()
        };
        return Ok(Outcome::Refused(Findings::new(
            findings.iter().map(without_line).collect(),
        )));
    }
    if args.print {
        return Ok(Outcome::Printed(text));
    }
    let done = match destination::place(&args.config, &text, args.force)? {
        Placed::Written => "written",
        Placed::Unchanged => "already as it should be",
    };
    let node = Node {
        config: args.config.clone(),
        node: None,
    };
    Ok(Outcome::InPlace {
        told: format!("{file}: {done}; this node is {}", draft.this_node(&identity)),
        left: run::load(&node).err().unwrap_or_default(),
    })
}

/// Asks the instance, and EC2 if it must be.
async fn draft(args: &cli::Init) -> anyhow::Result<(Draft, Identity)> {
    let settings = settings(args);
    let imds = Imds::connect(&settings)?;
    let identity = identity(&imds, args.imds_patience)
        .await
        .context("this instance's metadata service does not say who it is; it is where a configuration begins")?;
    let allocation_id = match &args.address {
        None => None,
        Some(address) => Some(match address.parse::<Ipv4Addr>() {
            Ok(public_ip) => allocation_of(public_ip, &settings, &imds, &identity.region).await?,
            Err(_) => address.clone(),
        }),
    };
    let draft = Draft::new(args, &identity, allocation_id)?;
    Ok((draft, identity))
}

/// Asks the instance who it is, again and again for so long: the command is part of a boot, when one answer may well be late.
async fn identity(imds: &Imds, patience: Duration) -> Result<Identity, ImdsError> {
    let since = Instant::now();
    loop {
        match imds.identity().await {
            Err(error) if error.may_pass() && since.elapsed() + IMDS_RETRY <= patience => {
                tokio::time::sleep(IMDS_RETRY).await;
            }
            outcome => return outcome,
        }
    }
}

async fn allocation_of(public_ip: Ipv4Addr, settings: &Settings, imds: &Imds, region: &str) -> anyhow::Result<String> {
    let ec2 = Ec2::connect(settings, imds, region).await?;
    let found = ec2
        .allocation_of(public_ip, CALL_TIMEOUT, Connection::Fresh)
        .await
        .with_context(|| format!("EC2 does not say which allocation {public_ip} is; --address takes its id, too"))?;
    match found {
        Some(allocation_id) => Ok(allocation_id),
        None => bail!("{public_ip} is no Elastic IP of this account in {region}"),
    }
}

/// Where IMDS and EC2 are: as the new configuration will say, else as the environment does.
fn settings(args: &cli::Init) -> Settings {
    let mut settings = Settings::from_env();
    let written = |url: &Option<String>| {
        url.clone().map(|url| Endpoint {
            url,
            redirected_by: None,
        })
    };
    settings.imds = written(&args.imds_endpoint).or(settings.imds.take());
    settings.ec2 = written(&args.ec2_endpoint).or(settings.ec2.take());
    settings
}
