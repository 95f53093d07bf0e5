//! Whether this node's own service is fit: HAProxy asked on its runtime socket, any service by HTTP, by TCP or by a program.
//!
//! ```text
//! haproxy::watch ──sample──┐
//! http::watch ─────sample──┼──► Board::judge ──► Verdict, to the caller
//! tcp::watch ──────sample──┤
//! command::watch ──sample──┘
//! ```
//!
//! The watchers measure and judge nothing; the board judges and measures nothing. Two rules beyond "all must be green": a
//! HAProxy that is connected but silent is left to the HTTP check where there is one, because ten leaked runtime sessions look
//! the same as a hang; and where HAProxy is asked, only its socket says that the process is gone. So that the HTTP check has
//! decided in time it is woken as soon as HAProxy is slow to answer.

mod board;
mod command;
mod haproxy;
mod http;
mod rhythm;
mod session;
mod tcp;

#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod tests;

use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::config::Config;
use crate::probe::Outcome;

pub use rhythm::Rhythm;

use board::Board;
use rhythm::Pace;

/// Samples that may wait to be judged; the judge waits for nothing, so the watchers never fill it.
const INBOX: usize = 8;

/// How much later than its timeout a question may end before it says more about this process than about the service; a
/// guess, far above a scheduler's delay and far below any pause that matters.
const LATE: Duration = Duration::from_millis(100);

/// What is checked and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// HAProxy's runtime socket, if HAProxy is asked.
    pub haproxy_socket: Option<PathBuf>,
    /// The service asked by HTTP, if any.
    pub http: Option<HttpTarget>,
    /// The port that has to accept connections, if any.
    pub tcp: Option<TcpTarget>,
    /// The program that is asked, if any.
    pub command: Option<CommandTarget>,
    /// The most time between two questions, to each but the program; HTTP is asked less often while HAProxy answers, too.
    pub interval: Duration,
    /// How much earlier a question goes along with a turn of the event loop.
    pub early: Duration,
    /// How long HAProxy may be connected and silent before that alone is unfitness, where no HTTP check decides.
    pub silence_max: Duration,
}

/// A service asked by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTarget {
    /// Where it listens.
    pub address: SocketAddr,
    /// Path of the request.
    pub path: String,
    /// Time within which the answer must have come.
    pub timeout: Duration,
}

/// A port that has to accept connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpTarget {
    /// Where it listens.
    pub address: SocketAddr,
    /// Time within which a connection must have been accepted.
    pub timeout: Duration,
}

/// A program that tells by its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandTarget {
    /// Its path.
    pub program: PathBuf,
    /// Time within which it must have ended.
    pub timeout: Duration,
    /// Time between two runs.
    pub interval: Duration,
}

/// What the checks say about the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is fit.
    pub state: State,
    /// Whether HAProxy, when it last answered, had as many connections as its global `maxconn` allows; it then accepts new
    /// ones and answers nothing, which a probe must not take for death.
    pub saturated: bool,
    /// What each check saw, for people.
    pub detail: String,
}

/// Fitness as measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Every check is green.
    Healthy,
    /// A check is red.
    Unhealthy {
        /// Which and why.
        reason: String,
        /// Whether the service's process is known to be dead, so that waiting for it to recover is pointless.
        process_gone: bool,
    },
    /// Not measured: nothing answered yet, or the question could not be asked.
    Unknown,
}

impl Settings {
    /// The checks `config` asks for on the node whose own private address is `own`; a silent HAProxy has one holdtime.
    #[must_use]
    pub fn new(config: &Config, own: IpAddr) -> Self {
        Self {
            haproxy_socket: config.check.haproxy_socket.clone(),
            http: config.check.http.as_ref().map(|http| HttpTarget {
                address: SocketAddr::new(own, http.port),
                path: http.path.clone(),
                timeout: http.timeout,
            }),
            tcp: config.check.tcp.as_ref().map(|tcp| TcpTarget {
                address: SocketAddr::new(own, tcp.port),
                timeout: tcp.timeout,
            }),
            command: config.check.command.as_ref().map(|command| CommandTarget {
                program: command.program.clone(),
                timeout: command.timeout,
                interval: command.interval,
            }),
            interval: config.check.interval,
            // A turn comes in each interval of heartbeats; who wants to be asked seldom is not asked twice as often.
            early: config.heartbeat.interval.min(config.check.interval / 2),
            silence_max: config.heartbeat.holdtime,
        }
    }
}

/// Runs the checks until dropped and reports a verdict after every measurement. Questions go along with `rhythm`; a program is started
/// `elsewhere`, because that may wait for a disk. Without any check it reports [`State::Healthy`] each interval: after a pause the node
/// takes no earlier verdict for granted (F-16).
pub async fn run(settings: Settings, rhythm: Rhythm, elsewhere: Handle, mut report: impl FnMut(Verdict)) {
    let Settings {
        haproxy_socket,
        http,
        tcp,
        command,
        interval,
        early,
        silence_max,
    } = settings;
    let pace = Pace {
        interval,
        early,
        rhythm,
    };
    let mut board = Board {
        haproxy: haproxy_socket.as_ref().map(|_| None),
        http: http.as_ref().map(|_| None),
        tcp: tcp.as_ref().map(|_| None),
        command: command.as_ref().map(|_| None),
        saturated: false,
        silence_max,
    };
    if board.is_bare() {
        loop {
            report(board.judge(Instant::now()));
            pace.wait(Instant::now()).await;
        }
    }
    report(board.judge(Instant::now()));
    let (samples, mut inbox) = mpsc::channel(INBOX);
    // Who doubts that HAProxy is well wakes the HTTP check; where only HTTP can tell there is nobody.
    let doubt = Arc::new(Notify::new());
    let doubted = haproxy_socket.as_ref().map(|_| Arc::clone(&doubt));
    let watch_haproxy = async {
        let Some(socket) = haproxy_socket else {
            return pending().await;
        };
        haproxy::Watch::new(socket, pace.clone(), silence_max, doubt, samples.clone())
            .run()
            .await;
    };
    let watch_http = async {
        let Some(target) = http else { return pending().await };
        http::watch(target, pace.clone(), doubted, samples.clone()).await;
    };
    let watch_tcp = async {
        let Some(target) = tcp else { return pending().await };
        tcp::watch(target, pace.clone(), samples.clone()).await;
    };
    let mut programs = JoinSet::new();
    if let Some(target) = command {
        programs.spawn_on(command::watch(target, samples.clone()), &elsewhere);
    }
    let judge = async {
        while let Some(sample) = inbox.recv().await {
            board.note(sample);
            report(board.judge(Instant::now()));
        }
    };
    tokio::join!(watch_haproxy, watch_http, watch_tcp, judge);
}

/// One measurement.
#[derive(Clone, Debug)]
enum Sample {
    Haproxy(haproxy::Sample),
    Http(Outcome),
    Tcp(tcp::Sample),
    Command(command::Sample),
}
