//! A reload: both files are read again and checked whole. What can change while the daemon runs does so, the rest is named.
//!
//! ```text
//!  SIGHUP, pairctl reload ──► read on the other thread ──► wrong ──► every mistake is told, nothing changes
//!                                                     └──► right ──► core, keys, checks, probe, EC2, metrics, log level
//! ```
//!
//! No more than one reading is under way: who asks meanwhile gets the next one, which sees what the file says then.

use std::mem;

use pair_core::{Input, Instant};
use pair_wire::control::Response;
use pair_wire::datagram::Sender;
use pair_wire::key::{Key, KeyRing};
use tokio::sync::oneshot;
use tokio::task::JoinError;
use tracing::{info, warn};

use super::Agent;
use super::seat::Seat;
use super::shared::Shared;
use crate::config::{Change, Config, Finding, Findings, Reloaded};
use crate::news::News;
use crate::{run, vitals};

/// How many mistakes a refusal lists; the log has all of them.
const LISTED: usize = 20;

/// Who waits for a reload.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    is_reading: bool,
    /// Those whom the reading under way is for.
    waiting: Vec<oneshot::Sender<Response>>,
    /// Those who asked since it began; a signal asks without waiting.
    next: Option<Vec<oneshot::Sender<Response>>>,
}

impl Agent {
    /// Reads configuration and keys again, and tells whoever waits what came of it.
    pub(super) fn reload(&mut self, answer: Option<oneshot::Sender<Response>>) {
        if self.reloads.is_reading {
            self.reloads.next.get_or_insert_default().extend(answer);
        } else {
            self.reloads.waiting.extend(answer);
            self.read_files();
        }
    }

    /// Takes up what the files say.
    pub(super) fn follow_files(&mut self, read: Result<(Config, KeyRing), Findings>) {
        let response = match read {
            Ok((file, ring)) => {
                let outcome = self.take_up(file, ring);
                self.note_reload(&outcome);
                Response::done(outcome)
            }
            Err(findings) => {
                for finding in findings.iter() {
                    warn!(%finding, "not reloaded");
                }
                self.note_reload(&format!("not reloaded, mistakes in the files: {}", findings.len()));
                refusal(&findings)
            }
        };
        self.reloads.is_reading = false;
        for answer in mem::take(&mut self.reloads.waiting) {
            let _ = answer.send(response.clone());
        }
        if let Some(next) = self.reloads.next.take() {
            self.reloads.waiting = next;
            self.read_files();
        }
    }

    fn read_files(&mut self) {
        self.reloads.is_reading = true;
        let (source, tell) = (self.source.clone(), self.shared.tell.clone());
        self.shared.elsewhere.spawn(async move {
            // A file system that hangs must not keep EC2 calls waiting either.
            let file = source.config.display().to_string();
            let read = tokio::task::spawn_blocking(move || run::load(&source)).await;
            let read = read.unwrap_or_else(|error| Err(Findings::new(vec![unread(file, &error)])));
            let _ = tell.send(News::Reread(Box::new(read))).await;
        });
    }

    /// Puts in force what can be, and says what has changed.
    fn take_up(&mut self, file: Config, ring: KeyRing) -> String {
        let Self { seats, shared, .. } = self;
        let Reloaded {
            config,
            in_force,
            at_restart,
        } = shared.config.reload(file);
        let keys = (ring != shared.ring).then(|| ids(&ring));
        if keys.is_some() {
            for seat in &mut *seats {
                seat.accept_keys(&config, &ring);
            }
            if let Some(prompt) = &shared.prompt {
                prompt.ring.send_replace(ring.clone());
            }
            if let Some(booth) = &mut shared.booth {
                booth.accept_keys(&ring);
            }
            shared.ring = ring;
        }
        if config.metrics_listen != shared.config.metrics_listen {
            shared.known.metrics_error = None;
        }
        shared.watchers.follow(&shared.config, &config);
        shared.cloud.follow(run::manner(&config));
        self.loudness.set(config.log.level);
        shared.known.service = vitals::service_name(&config);
        shared.digest = config.digest();
        shared.config = config;
        let now = shared.clock.now();
        for seat in seats {
            seat.follow_config(now, shared);
        }
        for change in &in_force {
            info!(%change, "in force");
        }
        for change in &at_restart {
            warn!(%change, "takes effect at restart");
        }
        told(&in_force, keys.as_deref(), &at_restart)
    }

    fn note_reload(&mut self, outcome: &str) {
        info!(outcome, "configuration and keys were read again");
        let now = self.shared.clock.now();
        // It is about the node: told once, whatever the number of addresses.
        if let Some(seat) = self.seats.first_mut() {
            seat.flight.reload(now, outcome, &mut self.shared.logbook);
        }
    }
}

impl Seat {
    /// Signs and believes by these keys from here on.
    fn accept_keys(&mut self, config: &Config, ring: &KeyRing) {
        self.receiver.accept_keys(ring);
        self.sender = Sender::new(&config.heartbeat_name(config.address(self.index)), ring);
    }

    /// Goes on by the configuration in force.
    fn follow_config(&mut self, now: Instant, shared: &mut Shared) {
        self.core = run::core_config(&shared.config, shared.config.address(self.index), shared.me);
        self.flight.follow_config(&shared.config);
        self.handle(now, Input::Configured(self.core.clone()), shared);
    }
}

/// What a reload has changed, in one sentence.
fn told(in_force: &[Change], keys: Option<&str>, at_restart: &[Change]) -> String {
    let listed = |changes: &[Change]| changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let parts = [
        (!in_force.is_empty()).then(|| format!("in force: {}", listed(in_force))),
        keys.map(|keys| format!("in force: {keys}")),
        (!at_restart.is_empty()).then(|| format!("takes effect at restart: {}", listed(at_restart))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "nothing has changed".to_owned()
    } else {
        parts.join("; ")
    }
}

/// The keys of a ring by their ids, never more.
fn ids(ring: &KeyRing) -> String {
    let mut ids = ring.keys().map(Key::id);
    let (first, second) = (ids.next(), ids.next());
    match (first, second) {
        (Some(first), Some(second)) => format!("key {first} signs, key {second} is accepted"),
        (Some(first), None) => format!("key {first} signs, and is the only one accepted"),
        (None, _) => "no key".to_owned(),
    }
}

/// The finding that the files were not read to their end: nobody may wait for ever for what came of it.
fn unread(file: String, error: &JoinError) -> Finding {
    Finding {
        file,
        line: None,
        key: String::new(),
        problem: format!("reading it has failed: {error}"),
        advice: "reload again".to_owned(),
    }
}

fn refusal(findings: &Findings) -> Response {
    let mut reason = "the files are wrong, and nothing has changed".to_owned();
    for finding in findings.iter().take(LISTED) {
        reason.push_str(&format!("\n  {finding}"));
    }
    if let Some(more) = findings.len().checked_sub(LISTED).filter(|more| *more > 0) {
        reason.push_str(&format!("\n  and {more} more"));
    }
    let hint = "correct the files, then reload again; `paird check` tells whether they are right";
    Response::refused(reason, Some(hint.to_owned()))
}

#[cfg(test)]
mod tests {
    use pair_wire::control::{Outcome, encode_line};
    use pair_wire::key::SECRET_LEN;

    use super::*;

    fn change(path: &'static str) -> Change {
        Change {
            path,
            before: "1".to_owned(),
            after: String::new(),
        }
    }

    #[test]
    fn what_is_in_force_and_what_waits_for_a_restart_are_told_apart() {
        assert_eq!(told(&[], None, &[]), "nothing has changed");
        assert_eq!(
            told(
                &[change("takeover.refit")],
                Some("key 2 signs"),
                &[change("pair"), change("ec2.region")]
            ),
            "in force: takeover.refit unset (was 1); in force: key 2 signs; takes effect at restart: pair unset (was 1), \
             ec2.region unset (was 1)"
        );
    }

    #[test]
    fn keys_are_told_by_their_ids() {
        let key = |id| Key::new(id, [0xa5; SECRET_LEN]);
        assert_eq!(
            ids(&KeyRing::single(key(7))),
            "key 7 signs, and is the only one accepted"
        );
        let both = KeyRing::pair(key(8), key(7)).unwrap();
        assert_eq!(ids(&both), "key 8 signs, key 7 is accepted");
    }

    #[test]
    fn a_refusal_fits_into_a_response_however_wrong_a_file_is() {
        let text = (0..5_000).map(|n| format!("k{n} = 1\n")).collect::<String>();
        let findings = Config::parse("paird.toml", &text).unwrap_err();
        let refused = refusal(&findings);
        assert!(encode_line(&refused).is_ok());
        let Outcome::Refused { reason, .. } = refused.outcome else {
            panic!("it is a refusal");
        };
        assert_eq!(reason.lines().count(), 1 + LISTED + 1);
        assert!(reason.contains(" more"), "{reason}");
    }
}
