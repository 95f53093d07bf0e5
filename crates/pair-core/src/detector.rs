//! The failure detector: what the peer's datagrams, and their absence, prove.
//!
//! ```text
//!                 believed, echoes me                    silent for 2¼ intervals
//!  NeverHeard ─────────────────────────► Up ◄──────────┐ ──────────► Suspect ──► PresumedDead
//!                                        │ ▲           │               │  silent for   │
//!                          echo withdrawn▼ │echo       └───── life ────┴── holdtime ───┘
//!                                       OneWay
//! ```
//!
//! The ordinary story: each node numbers its datagrams within a random incarnation and echoes the newest number that it heard
//! from the other. An incarnation is believed once it echoes ours, and from then on each datagram of it with a higher number is
//! *life*, whether it still echoes us or not. *Silence* is running time since life (F-4).
//!
//! The odd cases. A recorded stream of an earlier incarnation echoes numbers that we sent before we believed the present one:
//! it is never believed (F-2, F-18). A peer that restarts has a new incarnation: while the old one lives its echo is ours to
//! give, and only once the old one is suspect do we echo the new one, so a replay cannot talk us out of hearing a living peer.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Config, Echo, Incarnation, Instant, Prefix, Sequence, quality::Quality, running::RunTime};

/// What is known of the way to the peer and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Link {
    /// No incarnation of the peer was ever believed.
    NeverHeard,
    /// Heard, and it hears this node (F-2).
    Up,
    /// Heard, but it does not hear this node.
    OneWay,
    /// Two heartbeats missed (F-3).
    Suspect,
    /// Silent for the holdtime (F-4).
    PresumedDead,
}

/// What a heartbeat meant to the detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Hearing {
    /// Life of the incarnation that was believed before.
    Life,
    /// Life of an incarnation that is believed from this datagram on.
    NewIncarnation,
    /// Not life: an incarnation that has not echoed this node, or a number that is not new.
    NoLife,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Detector {
    holdtime: Duration,
    suspect_after: Duration,
    started: RunTime,
    own: Incarnation,
    last_sent: Sequence,
    /// The newest own number that a live datagram has echoed.
    last_echoed: Sequence,
    /// An incarnation is believed only by the echo of a number above this one.
    believe_above: Sequence,
    believed: Option<Believed>,
    heard: Option<Heard>,
    /// Silence starts anew here if that is later than the last life (F-11).
    anew: Option<RunTime>,
    unreachable: bool,
    quality: Quality,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Believed {
    incarnation: Incarnation,
    newest: Sequence,
    life: RunTime,
    life_at: Instant,
    echoes_me: bool,
}

/// The newest datagram that is echoed to the peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Heard {
    incarnation: Incarnation,
    sequence: Sequence,
    at: Instant,
    run: RunTime,
}

impl Detector {
    pub(crate) fn new(config: &Config, own: Incarnation, run: RunTime) -> Self {
        Self {
            holdtime: config.holdtime,
            suspect_after: config.suspect_after(config.interval),
            started: run,
            own,
            last_sent: Sequence(0),
            last_echoed: Sequence(0),
            believe_above: Sequence(0),
            believed: None,
            heard: None,
            anew: None,
            unreachable: false,
            quality: Quality::default(),
        }
    }

    /// This node's own incarnation.
    pub(crate) const fn own(&self) -> Incarnation {
        self.own
    }

    /// The number of the newest datagram sent.
    pub(crate) const fn last_sent(&self) -> Sequence {
        self.last_sent
    }

    /// The newest own number that the peer has heard, as it says.
    pub(crate) const fn last_echoed(&self) -> Sequence {
        self.last_echoed
    }

    /// Numbers the next datagram and says what it echoes.
    pub(crate) fn stamp(&mut self, now: Instant, run: RunTime) -> (Incarnation, Sequence, Option<Echo>) {
        self.last_sent = self.last_sent.next();
        self.quality.sent(self.last_sent, now);
        let echo = self.heard.as_ref().filter(|heard| run.since(heard.run) < self.holdtime);
        let echo = echo.map(|heard| Echo {
            incarnation: heard.incarnation,
            sequence: heard.sequence,
            age_us: u32::try_from(now.since(heard.at).as_micros()).unwrap_or(u32::MAX),
        });
        (self.own, self.last_sent, echo)
    }

    /// Takes in the prefix of an authentic datagram that arrived at `now`.
    pub(crate) fn hear(&mut self, now: Instant, run: RunTime, prefix: &Prefix) -> Hearing {
        let echo = prefix
            .echo
            .filter(|echo| echo.incarnation == self.own && echo.sequence <= self.last_sent);
        let hearing = match &self.believed {
            Some(known) if known.incarnation == prefix.incarnation => {
                self.quality.received(prefix.sequence);
                if prefix.sequence > known.newest {
                    Hearing::Life
                } else {
                    Hearing::NoLife
                }
            }
            Some(_) | None => match echo {
                Some(echo) if echo.sequence > self.believe_above => Hearing::NewIncarnation,
                Some(_) | None => Hearing::NoLife,
            },
        };
        match hearing {
            Hearing::NoLife => {
                let other_lives = self
                    .believed
                    .as_ref()
                    .is_some_and(|known| known.incarnation == prefix.incarnation || !self.is_silent(run));
                let is_newer = self
                    .heard
                    .as_ref()
                    .is_none_or(|heard| heard.incarnation != prefix.incarnation || prefix.sequence > heard.sequence);
                if !other_lives && is_newer {
                    self.echo_back(now, run, prefix);
                }
                return hearing;
            }
            Hearing::NewIncarnation => {
                self.believe_above = self.last_sent;
                self.quality.restart(prefix.sequence);
            }
            Hearing::Life => {}
        }
        if let Some(echo) = echo {
            self.quality.echoed(now, &echo);
            self.last_echoed = self.last_echoed.max(echo.sequence);
        }
        self.believed = Some(Believed {
            incarnation: prefix.incarnation,
            newest: prefix.sequence,
            life: run,
            life_at: now,
            echoes_me: echo.is_some(),
        });
        self.anew = None;
        self.unreachable = false;
        self.echo_back(now, run, prefix);
        hearing
    }

    /// Follows the interval at which the peer says it sends, bounded (F-17).
    pub(crate) fn follow_interval(&mut self, config: &Config, peer_interval: Duration) {
        self.suspect_after = config.suspect_after(config.bounded_interval(peer_interval));
    }

    /// Follows other settings; `peer_interval` is what the peer last said, if it did.
    pub(crate) fn configure(&mut self, config: &Config, peer_interval: Option<Duration>) {
        self.holdtime = config.holdtime;
        self.follow_interval(config, peer_interval.unwrap_or(config.interval));
    }

    /// Starts the silence anew, because this node may have been the one cut off (F-11).
    pub(crate) const fn start_silence_anew(&mut self, run: RunTime) {
        self.anew = Some(run);
    }

    /// Notes that the peer's host says nobody listens: suspicion need not wait for two heartbeats.
    pub(crate) const fn note_unreachable(&mut self) {
        self.unreachable = true;
    }

    /// What the datagrams heard until `run` say of the link.
    pub(crate) fn link(&self, run: RunTime) -> Link {
        let Some(believed) = &self.believed else {
            return Link::NeverHeard;
        };
        let silence = self.silence(run);
        if silence >= self.holdtime {
            Link::PresumedDead
        } else if self.is_silent(run) {
            Link::Suspect
        } else if believed.echoes_me {
            Link::Up
        } else {
            Link::OneWay
        }
    }

    /// Running time since the last life, or since this node started or began to count anew.
    pub(crate) fn silence(&self, run: RunTime) -> Duration {
        run.since(self.silent_since())
    }

    /// Whether no life came for the holdtime, be it that the peer was never heard.
    pub(crate) fn is_holdtime_over(&self, run: RunTime) -> bool {
        self.silence(run) >= self.holdtime
    }

    /// Whether life is overdue: the peer is suspect, presumed dead, or was not heard for as long.
    pub(crate) fn is_silent(&self, run: RunTime) -> bool {
        self.unreachable || self.anew.is_some() || self.silence(run) >= self.suspect_after
    }

    /// The running time of the last life, if there was any.
    pub(crate) fn life(&self) -> Option<RunTime> {
        self.believed.as_ref().map(|believed| believed.life)
    }

    /// When the last life came.
    pub(crate) fn life_at(&self) -> Option<Instant> {
        self.believed.as_ref().map(|believed| believed.life_at)
    }

    /// The running time at which suspicion begins if no life comes.
    pub(crate) fn suspect_at(&self) -> RunTime {
        self.silent_since() + self.suspect_after
    }

    /// The running time at which the holdtime ends if no life comes.
    pub(crate) fn holdtime_at(&self) -> RunTime {
        self.silent_since() + self.holdtime
    }

    /// Round-trip time and loss.
    pub(crate) const fn quality(&self) -> &Quality {
        &self.quality
    }

    fn echo_back(&mut self, now: Instant, run: RunTime, prefix: &Prefix) {
        self.heard = Some(Heard {
            incarnation: prefix.incarnation,
            sequence: prefix.sequence,
            at: now,
            run,
        });
    }

    fn silent_since(&self) -> RunTime {
        let life = self.life().unwrap_or(self.started);
        self.anew.map_or(life, |anew| anew.max(life))
    }
}

#[cfg(test)]
mod tests;
