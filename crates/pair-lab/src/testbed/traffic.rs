//! The client's traffic: a new connection every 10 ms, and some that stay open for as long as they can.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use pair_lab::blocking::Engine;
use pair_lab::{Client, ClientConfig, Clock, Record, Verdict};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::gateway::Turn;
use super::network::{ELASTIC_IP, SECOND_ELASTIC_IP};
use super::place::Place;

/// A client in a place of its own.
#[derive(Debug)]
pub(crate) struct Traffic {
    place: Place,
    // First, so that its tasks end while their engine still runs.
    client: Client,
    /// The one that asks the second Elastic IP, while the pair has two.
    second: Option<Client>,
    broken: Arc<AtomicU64>,
    is_resting: Arc<AtomicBool>,
    clock: Clock,
    engine: Engine,
}

/// How many requests failed, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed {
    /// While the gateway led the Elastic IP elsewhere.
    pub(crate) cut: usize,
    /// At any other time.
    pub(crate) elsewhere: usize,
}

impl Traffic {
    /// Starts asking the Elastic IP.
    pub(crate) fn start(place: Place, clock: Clock) -> Result<Self> {
        let engine = place.run(Engine::start).context("cannot start the client")?;
        let target = SocketAddr::from((ELASTIC_IP, 80));
        let broken = Arc::new(AtomicU64::new(0));
        let is_resting = Arc::<AtomicBool>::default();
        let client = engine.run(async {
            for _ in 0..LONG_CONNECTIONS {
                tokio::spawn(stay_connected(target, Arc::clone(&broken), Arc::clone(&is_resting)));
            }
            Client::start(clock, ClientConfig::new(target))
        });
        Ok(Self {
            place,
            client,
            second: None,
            broken,
            is_resting,
            clock,
            engine,
        })
    }

    /// Asks the second Elastic IP, too, or no longer.
    pub(crate) fn ask_second(&mut self, is_asked: bool) {
        let target = SocketAddr::from((SECOND_ELASTIC_IP, 80));
        let clock = self.clock;
        self.second = is_asked.then(|| {
            self.engine
                .run(async move { Client::start(clock, ClientConfig::new(target)) })
        });
    }

    /// What became of the short connections to the second Elastic IP, if it is asked.
    pub(crate) fn second(&self) -> Option<&Client> {
        self.second.as_ref()
    }

    /// Asks nothing while it rests: an idle node serves nobody.
    pub(crate) fn rest(&self, is_resting: bool) {
        self.client.rest(is_resting);
        self.is_resting.store(is_resting, Ordering::Relaxed);
    }

    /// Where the client is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// What became of the short connections.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// How many requests that began in this time were not answered as they should be.
    pub(crate) fn failed(&self, from_ms: u64, to_ms: u64) -> usize {
        failed(&self.client, from_ms, to_ms)
    }

    /// Those, apart by whether the gateway led the Elastic IP elsewhere while they were under way.
    pub(crate) fn failed_by(&self, from_ms: u64, to_ms: u64, turns: &[Turn]) -> Failed {
        let is_cut = |record: &Record| turns.iter().any(|turn| turn.cuts(record));
        let (cut, elsewhere): (Vec<_>, Vec<_>) = failures(&self.client, from_ms, to_ms).into_iter().partition(is_cut);
        Failed {
            cut: cut.len(),
            elsewhere: elsewhere.len(),
        }
    }

    /// How many long connections have broken since the start.
    pub(crate) fn broken(&self) -> u64 {
        self.broken.load(Ordering::Relaxed)
    }
}

/// How many requests of a client that began in this time were not answered as they should be.
pub(crate) fn failed(client: &Client, from_ms: u64, to_ms: u64) -> usize {
    failures(client, from_ms, to_ms).len()
}

fn failures(client: &Client, from_ms: u64, to_ms: u64) -> Vec<Record> {
    let mut records = client.records();
    records.retain(|record| match record.verdict {
        Verdict::Good(_) => false,
        Verdict::Status(_) | Verdict::Failed | Verdict::TimedOut => (from_ms..to_ms).contains(&record.started_ms),
    });
    records
}

/// Keeps one connection, with a request now and then, and counts each end that it did not choose.
async fn stay_connected(target: SocketAddr, broken: Arc<AtomicU64>, is_resting: Arc<AtomicBool>) {
    loop {
        if !is_resting.load(Ordering::Relaxed) && converse(target, &is_resting).await == End::Broken {
            broken.fetch_add(1, Ordering::Relaxed);
        }
        sleep(LONG_PAUSE).await;
    }
}

/// How a long connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// There was none, or the service closed it between two requests, as it may: a browser asks again and nobody notices.
    Orderly,
    /// A request on it was not answered.
    Broken,
}

/// Asks over one connection until it ends, or until the client rests.
async fn converse(target: SocketAddr, is_resting: &AtomicBool) -> End {
    let Ok(Ok(stream)) = timeout(LONG_PATIENCE, TcpStream::connect(target)).await else {
        return End::Orderly;
    };
    let Ok((mut sender, connection)) = handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await else {
        return End::Orderly;
    };
    let talk = async move {
        while sender.ready().await.is_ok() && !is_resting.load(Ordering::Relaxed) {
            let request = Request::get("/long")
                .header(HOST, target.to_string())
                .body(Empty::new());
            let request = request.expect("the parts are valid");
            let exchange = async { sender.send_request(request).await?.into_body().collect().await };
            match timeout(LONG_PATIENCE, exchange).await {
                Ok(Ok(_)) => {}
                // Closed before the request was sent.
                Ok(Err(error)) if error.is_canceled() => return End::Orderly,
                Ok(Err(_)) | Err(_) => return End::Broken,
            }
            sleep(LONG_PAUSE).await;
        }
        End::Orderly
    };
    tokio::pin!(talk);
    tokio::select! {
        end = &mut talk => end,
        // It is over; a request that was under way is told so.
        _ = connection => talk.await,
    }
}

/// How many connections are kept.
const LONG_CONNECTIONS: usize = 10;
/// Between two requests on such a connection, and before a new one: less than any timeout of the service.
const LONG_PAUSE: Duration = Duration::from_millis(250);
/// How long an answer may take before the connection counts as broken.
const LONG_PATIENCE: Duration = Duration::from_secs(3);
