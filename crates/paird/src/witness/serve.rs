//! `paird witness`: a witness and nothing else, for a third host that has no pair.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use pair_core::Instant;
use pair_wire::datagram::DropCause;
use pair_wire::key::KeyRing;
use pair_wire::witness::{Kind, MAX_LEN};
use sd_notify::NotifyState;
use tracing::{debug, info, warn};

use super::porter::{Porter, Refusal};
use crate::clock::Clock;
use crate::config::{Findings, KeyFile, Log, LogFormat, LogLevel};
use crate::journal;
use crate::run;

/// How often it is told that something is dropped: a wrong key shows, and a flood does not fill the log.
const COMPLAINTS: Duration = Duration::from_secs(60);

/// Reads the key file.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(key_file: &Path) -> Result<KeyRing, Findings> {
    KeyFile::load(key_file).map(|file| run::ring_of(&file))
}

/// Serves until it is ended.
///
/// # Errors
/// If it cannot listen, or the socket fails: the service manager restarts it.
pub fn run(listen: SocketAddr, ring: &KeyRing) -> anyhow::Result<()> {
    journal::set_up(Log {
        format: LogFormat::Auto,
        level: LogLevel::Info,
    })
    .context("cannot set up the log")?;
    let socket = UdpSocket::bind(listen).with_context(|| format!("cannot listen on {listen}, UDP"))?;
    info!(%listen, version = run::VERSION, "witness");
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        debug!(%error, "service manager not told");
    }
    let clock = Clock::start();
    let mut witness = Lone {
        porter: Porter::new(ring),
        complained_at: None,
    };
    let mut buffer = [0; MAX_LEN + 1];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => witness.receive(clock.now(), &socket, from, &buffer[..length]),
            // An ICMP error to something that was sent: reading it has cleared it.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                debug!(%error, "nobody listens there");
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("the socket failed"),
        }
    }
}

/// The witness, and when it last complained.
struct Lone {
    porter: Porter,
    complained_at: Option<Instant>,
}

impl Lone {
    fn receive(&mut self, now: Instant, socket: &UdpSocket, from: SocketAddr, datagram: &[u8]) {
        if let Err(cause) = self.serve(now, socket, from, datagram) {
            self.complain(now, from, cause);
        }
    }

    fn serve(&mut self, now: Instant, socket: &UdpSocket, from: SocketAddr, datagram: &[u8]) -> Result<(), DropCause> {
        match Kind::of(datagram)? {
            Kind::Request => match self.porter.take(now, from, datagram) {
                Ok(round) => {
                    send(socket, &round.errand.question, round.errand.to);
                    send(socket, &round.passed_on, from);
                }
                Err(Refusal::Busy) => debug!(%from, "asks too often"),
                Err(Refusal::Dropped(cause)) => return Err(cause),
            },
            Kind::Answer => {
                let to = self.porter.deliver(now, from, datagram)?;
                send(socket, datagram, to);
            }
            // It is nobody's peer, and asks nobody.
            Kind::Question | Kind::PassedOn => return Err(DropCause::Malformed),
        }
        Ok(())
    }

    fn complain(&mut self, now: Instant, from: SocketAddr, cause: DropCause) {
        if self.complained_at.is_none_or(|at| now.since(at) >= COMPLAINTS) {
            self.complained_at = Some(now);
            warn!(%from, cause = cause.name(), "a datagram was dropped; others may have been within this minute");
        }
    }
}

/// Sends, or drops what the socket does not take: who asked asks again.
fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) {
    if let Err(error) = socket.send_to(datagram, to) {
        debug!(%error, %to, "not sent");
    }
}
