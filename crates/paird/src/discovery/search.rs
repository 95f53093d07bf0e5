//! The start: who is this node, who is its peer, and which address do they share.
//!
//! A node that is no member, or of which that is not known, waits here. It claims nothing, sends nothing and holds nothing up: it
//! feeds the service manager's watchdog, and tells whoever asks on the control socket, or for its metrics, what it waits for.

use std::time::{Duration, Instant};

use anyhow::Context;
use pair_core::Member;
use pair_ec2::{Connection, Ec2, Identity, Imds, Settings};
use pair_wire::control::Response;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::kept::{self, Kept, Question};
use super::pace::Pace;
use super::roster::{self, Outside};
use super::{Finding, tag};
use crate::clock::unix_ms;
use crate::config::Config;
use crate::control::Pending;
use crate::metrics::Sign;

/// How long an IMDS that did not answer is left alone.
const IMDS_RETRY: Duration = Duration::from_secs(1);

/// How often the service manager is told that this process lives: its limit is some seconds at least.
const PULSE: Duration = Duration::from_secs(1);

/// What a run begins with.
pub struct Begun {
    /// The configuration, with what was found in the place of what it leaves open.
    pub config: Config,
    /// Which of the two nodes this is; `None` if they are configured.
    pub me: Option<Member>,
    /// Who is who, if the nodes are found.
    pub finding: Option<Finding>,
    /// Whether that was kept from an earlier run, and not asked.
    pub is_kept: bool,
    /// A client of EC2 for the questions that follow.
    pub ec2: Ec2,
    /// Who this instance is.
    pub instance_id: String,
}

/// What the search lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanting {
    /// Why it goes on.
    pub reason: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// Searches until everything is found; `None` if this process is to end.
///
/// # Errors
/// If signals, IMDS or EC2 cannot be asked at all.
pub async fn search(
    config: &Config,
    flag: Option<&str>,
    settings: &Settings,
    requests: &mut mpsc::Receiver<Pending>,
    sign: &Sign,
) -> anyhow::Result<Option<Begun>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (say, mut said) = mpsc::channel(1);
    let mut wanting = Wanting {
        reason: "IMDS has not said who this instance is".to_owned(),
        hint: "it is asked again each second; see the log for its errors",
    };
    let mut pulse = tokio::time::interval(PULSE);
    let search = find(config, flag, settings, say);
    tokio::pin!(search);
    loop {
        tokio::select! {
            found = &mut search => return found.map(Some),
            Some(news) = said.recv() => {
                if news != wanting {
                    warn!(reason = news.reason, "waiting");
                    tell(&[NotifyState::Ready, NotifyState::Status(&news.reason)]);
                    sign.say(&news.reason);
                    wanting = news;
                }
            }
            Some(request) = requests.recv() => {
                let reason = format!("this node waits: {}", wanting.reason);
                // Whoever has asked may have gone.
                let _ = request.answer.send(Response::refused(reason, Some(wanting.hint.to_owned())));
            }
            _ = pulse.tick() => {
                sign.say(&wanting.reason);
                tell(&[NotifyState::Watchdog]);
            }
            _ = terminate.recv() => return Ok(None),
            _ = interrupt.recv() => return Ok(None),
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "service manager not told");
    }
}

/// Looks once, for whoever does not wait.
///
/// # Errors
/// What is lacking.
pub async fn look(config: &Config, flag: Option<&str>, settings: &Settings) -> Result<Begun, Wanting> {
    let lacking = |error: String| Wanting {
        reason: error,
        hint: "see the examinations of IMDS and EC2",
    };
    let imds = Imds::connect(settings).map_err(|error| lacking(error.to_string()))?;
    let identity = imds.identity().await.map_err(|error| lacking(error.to_string()))?;
    let ec2 = Ec2::connect(settings, &imds, &identity.region).await;
    let ec2 = ec2.map_err(|error| lacking(error.to_string()))?;
    let me = which(config, flag, &identity).map_err(|error| lacking(error.to_string()))?;
    let question = question(config, &identity);
    match ask(config, me, &question, &ec2).await {
        Ok(kept) => Ok(begin(config.clone(), me, kept, false, ec2, identity.instance_id)),
        Err((wanting, _)) => Err(wanting),
    }
}

async fn find(
    config: &Config,
    flag: Option<&str>,
    settings: &Settings,
    say: mpsc::Sender<Wanting>,
) -> anyhow::Result<Begun> {
    let imds = Imds::connect(settings).context("IMDS cannot be asked")?;
    let identity = loop {
        match imds.identity().await {
            Ok(identity) => break identity,
            Err(error) => {
                say_so(
                    &say,
                    format!("IMDS does not answer: {error}"),
                    "it is asked again each second",
                )
                .await;
            }
        }
        tokio::time::sleep(IMDS_RETRY).await;
    };
    let ec2 = Ec2::connect(settings, &imds, &identity.region).await;
    let ec2 = ec2.context("EC2 cannot be asked")?;
    let me = match which(config, flag, &identity) {
        Ok(me) => me,
        Err(error) => {
            // No instance changes its zone: a start again and again would tell the same.
            say_so(&say, error.to_string(), "correct node.zone, then restart paird").await;
            return std::future::pending().await;
        }
    };
    let question = question(config, &identity);
    let folder = &config.state_directory;
    let mut pace = Pace::new();
    let (kept, is_kept) = loop {
        match ask(config, me, &question, &ec2).await {
            Ok(found) => {
                if let Err(error) = kept::write(folder, &question, &found) {
                    warn!(%error, "what was found is not kept");
                }
                break (found, false);
            }
            Err((wanting, is_answer)) => {
                // An answer that says "not a member" is newer than anything that was kept.
                if let Some(kept) = kept::read(folder, &question).filter(|_| !is_answer) {
                    let age = |kept: &Finding| unix_ms().saturating_sub(kept.at_unix_ms) / 1_000;
                    let age_s = kept.finding.as_ref().map(age);
                    warn!(error = wanting.reason, age_s, "beginning with what was found last");
                    break (kept, true);
                }
                say_so(&say, wanting.reason, wanting.hint).await;
            }
        }
        let now = Instant::now();
        pace.asked(now, false);
        tokio::time::sleep(pace.wait(now, true)).await;
    };
    Ok(begin(config.clone(), me, kept, is_kept, ec2, identity.instance_id))
}

fn question<'a>(config: &'a Config, identity: &'a Identity) -> Question<'a> {
    Question {
        instance_id: &identity.instance_id,
        members: config.discovery.as_ref(),
        addresses: config
            .addresses
            .iter()
            .filter_map(|address| address.tag.as_ref())
            .collect(),
    }
}

async fn say_so(say: &mpsc::Sender<Wanting>, reason: String, hint: &'static str) {
    // The listener ends with the search.
    let _ = say.send(Wanting { reason, hint }).await;
}

fn begin(mut config: Config, me: Option<Member>, kept: Kept, is_kept: bool, ec2: Ec2, instance_id: String) -> Begun {
    let found = config.addresses.iter_mut().filter(|address| address.tag.is_some());
    for (address, allocation_id) in found.zip(kept.allocations) {
        info!(allocation_id, "Elastic IP found by its tag");
        address.allocation_id = allocation_id;
    }
    if let (Some(me), Some(Finding { roster, .. })) = (me, &kept.finding) {
        let peer = roster.peer.as_ref();
        info!(
            own = %roster.own.address(),
            peer = peer.map(|peer| peer.instance_id.as_str()),
            at = peer.map(|peer| tracing::field::display(peer.address())),
            "members found by their tag"
        );
        config = config.with_places(me, &roster.own, peer);
    }
    Begun {
        config,
        me,
        finding: kept.finding,
        is_kept,
        ec2,
        instance_id,
    }
}

/// Which of the two nodes this is: the named one, or the one of its zone.
fn which(config: &Config, flag: Option<&str>, identity: &Identity) -> anyhow::Result<Option<Member>> {
    if config.discovery.is_none() {
        return Ok(None);
    }
    let zone = &identity.availability_zone;
    let index = match flag {
        Some(name) => config.node_index(name),
        None => config.nodes.iter().position(|node| node.zone.as_ref() == Some(zone)),
    };
    let index = index.with_context(|| format!("no [[node]] has the zone {zone}, in which this instance is"))?;
    Ok(Some(Member::BOTH[index]))
}

/// Asks EC2 once. The error says whether EC2 has answered.
async fn ask(config: &Config, me: Option<Member>, question: &Question<'_>, ec2: &Ec2) -> Result<Kept, (Wanting, bool)> {
    let timeout = config.ec2.call_timeout;
    let unanswered = |error: pair_ec2::CallError| {
        let wanting = Wanting {
            reason: format!("EC2 does not say what bears the tag: {error}"),
            hint: "the role must allow ec2:DescribeInstances and ec2:DescribeAddresses, and there must be a route to EC2",
        };
        (wanting, false)
    };
    let mut allocations = Vec::new();
    for wanted in &question.addresses {
        let found = ec2.tagged_addresses(wanted, timeout, Connection::Pooled).await;
        let found = found.map_err(unanswered)?;
        match &found[..] {
            [address] => allocations.push(address.allocation_id.clone()),
            [] => return Err((no_address(format!("no Elastic IP bears the tag {}", tag(wanted))), true)),
            several => {
                let ids: Vec<&str> = several.iter().map(|address| address.allocation_id.as_str()).collect();
                let text = format!("several Elastic IPs bear the tag {}: {}", tag(wanted), ids.join(", "));
                return Err((no_address(text), true));
            }
        }
    }
    let finding = match (me, question.members) {
        (Some(me), Some(wanted)) => {
            let found = ec2.tagged_instances(wanted, timeout, Connection::Pooled).await;
            let found = found.map_err(unanswered)?;
            let zones = [me, me.peer()].map(|member| config.nodes[member.index()].zone.as_deref().unwrap_or_default());
            let roster = roster::sort(&found, question.instance_id, zones);
            let roster = roster.map_err(|outside| (no_member(&outside, &tag(wanted)), true))?;
            let at_unix_ms = unix_ms();
            Some(Finding { roster, at_unix_ms })
        }
        (None, _) | (_, None) => None,
    };
    Ok(Kept { finding, allocations })
}

fn no_address(reason: String) -> Wanting {
    let hint =
        "give the tag to the one Elastic IP that is meant, or write address.allocation_id; it is looked for again";
    Wanting { reason, hint }
}

fn no_member(outside: &Outside, tag: &str) -> Wanting {
    match outside {
        Outside::Spare { member, zone } => Wanting {
            reason: format!("{member} is the member in {zone}, and this instance is a spare"),
            hint: "it takes that one's place when that one has stopped; a pair has two members",
        },
        Outside::Untagged => Wanting {
            reason: format!("EC2 does not list this instance among those that bear the tag {tag}"),
            hint: "tag the instance, with discovery.tag as the configuration has it",
        },
        Outside::Ending => Wanting {
            reason: "EC2 says that this instance is about to end".to_owned(),
            hint: "nothing; an instance that is started again looks again",
        },
    }
}
