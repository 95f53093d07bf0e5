//! Asks EC2 who bears the tag, for as long as the agent runs: when the peer is silent, when somebody knocks, and once an hour.
//!
//! It runs on the thread of all that may be slow. What it finds it tells the event loop, which decides whom to follow.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pair_ec2::{Connection, Ec2, Tag};
use tokio::sync::{Notify, mpsc, watch};
use tracing::{debug, info, warn};

use super::doorbell::Doorbell;
use super::kept::{self, Kept, Question};
use super::pace::Pace;
use super::roster::{self, Outside, Roster};
use super::{Finding, tag};
use crate::clock::unix_ms;
use crate::news::News;

/// How long the second socket is left alone after a fault.
const SOCKET_RETRY: Duration = Duration::from_secs(5);

/// How the event loop stands to its peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// The peer is not heard, or does not hear this node.
    pub is_silent: bool,
    /// This node is taking an address: no other call shall be beside it.
    pub is_claiming: bool,
}

/// What a seeker needs to know.
pub(super) struct Seeker {
    /// The tag.
    pub(super) tag: Tag,
    /// The zone of this node and of its peer.
    pub(super) zones: [String; 2],
    /// This instance.
    pub(super) instance_id: String,
    /// Whom to ask.
    pub(super) ec2: Ec2,
    /// How long one question may take.
    pub(super) call_timeout: Duration,
    /// The tag and the allocation of each address that was found.
    pub(super) addresses: Vec<(Tag, String)>,
    /// Where what was found is kept.
    pub(super) folder: PathBuf,
    /// Who knocks; without it, only a silence makes this node ask.
    pub(super) doorbell: Option<Doorbell>,
    /// How the event loop stands to its peer.
    pub(super) need: watch::Receiver<Need>,
    /// Wants it asked soon.
    pub(super) soon: Arc<Notify>,
    /// Where the answers go.
    pub(super) tell: mpsc::Sender<News>,
}

impl Seeker {
    /// Asks for ever. `last` is what was found at the start, `None` if that was kept from before.
    pub(super) async fn run(mut self, last: Option<Roster>) {
        let mut pace = match &last {
            Some(_) => Pace::asked_before(Instant::now()),
            None => Pace::new(),
        };
        let (mut is_wanted, mut last) = (last.is_none(), last);
        loop {
            let now = Instant::now();
            let Need { is_silent, is_claiming } = *self.need.borrow_and_update();
            pace.hear(now, is_silent);
            tokio::select! {
                () = tokio::time::sleep(pace.wait(now, is_wanted)), if !is_claiming => {
                    is_wanted = self.ask(&mut pace, &mut last).await.is_err();
                }
                changed = self.need.changed() => if changed.is_err() { return },
                () = self.soon.notified() => is_wanted = true,
                from = knock(self.doorbell.as_mut()) => if pace.knock(Instant::now()) {
                    info!(%from, "somebody of the pair is at an address that is not the peer's");
                    is_wanted = true;
                },
            }
        }
    }

    /// Asks once, and tells what came of it.
    async fn ask(&self, pace: &mut Pace, last: &mut Option<Roster>) -> Result<(), ()> {
        let found = self
            .ec2
            .tagged_instances(&self.tag, self.call_timeout, Connection::Pooled)
            .await;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                warn!(%error, tag = tag(&self.tag), "EC2 does not say who bears the tag");
                pace.asked(Instant::now(), false);
                self.tell(Err(error.to_string())).await;
                return Err(());
            }
        };
        let [own, peer] = &self.zones;
        match roster::sort(&found, &self.instance_id, [own, peer]) {
            Ok(roster) => {
                pace.asked(Instant::now(), last.as_ref() != Some(&roster));
                debug!(?roster, "who bears the tag");
                let at_unix_ms = unix_ms();
                let finding = Finding { roster, at_unix_ms };
                *last = Some(finding.roster.clone());
                self.keep(&finding).await;
                self.tell(Ok(finding)).await;
            }
            Err(outside) => {
                pace.asked(Instant::now(), false);
                self.tell(Err(about(&outside))).await;
            }
        }
        Ok(())
    }

    async fn keep(&self, finding: &Finding) {
        let (tags, allocations): (Vec<Tag>, Vec<String>) = self.addresses.iter().cloned().unzip();
        let kept = Kept {
            finding: Some(finding.clone()),
            allocations,
        };
        let (folder, members, instance_id) = (self.folder.clone(), self.tag.clone(), self.instance_id.clone());
        // A disk that hangs must not keep EC2 calls waiting.
        let written = tokio::task::spawn_blocking(move || {
            let question = Question {
                instance_id: &instance_id,
                members: Some(&members),
                addresses: tags.iter().collect(),
            };
            kept::write(&folder, &question, &kept)
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "what was found is not kept"),
            Err(error) => warn!(%error, "what was found is not kept"),
        }
    }

    async fn tell(&self, found: Result<Finding, String>) {
        // The loop ends before this thread does; what it does not hear any more does not matter.
        let _ = self.tell.send(News::Found(found)).await;
    }
}

/// Waits until somebody with the pair's key knocks; for ever, if nobody listens.
async fn knock(doorbell: Option<&mut Doorbell>) -> SocketAddr {
    let Some(doorbell) = doorbell else {
        return std::future::pending().await;
    };
    loop {
        match doorbell.rung().await {
            Ok(from) => return from,
            Err(error) => debug!(%error, "the second socket"),
        }
        tokio::time::sleep(SOCKET_RETRY).await;
    }
}

fn about(outside: &Outside) -> String {
    match outside {
        Outside::Spare { member, zone } => {
            format!(
                "{member} in {zone} bears the tag and has run for longer than this instance: after a restart this one would wait for it"
            )
        }
        Outside::Untagged => "this instance does not bear the tag any more".to_owned(),
        Outside::Ending => "EC2 says that this instance is about to end".to_owned(),
    }
}
