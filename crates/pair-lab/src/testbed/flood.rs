//! Slow clients: they connect, begin a request, and never finish it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pair_lab::blocking::Engine;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::network::ELASTIC_IP;
use super::place::Place;

/// A flood; dropped, its connections end.
#[derive(Debug)]
pub(crate) struct Flood {
    _engine: Engine,
}

impl Flood {
    /// Starts more slow clients than the public frontend has room for.
    pub(crate) fn start(place: &Place) -> Result<Self> {
        let engine = place.run(Engine::start).context("cannot start the flood")?;
        let clients = PUBLIC_LIMIT + PUBLIC_LIMIT / 10;
        engine.run(async {
            for number in 0..clients {
                tokio::spawn(dawdle(Duration::from_millis(number)));
            }
        });
        Ok(Self { _engine: engine })
    }
}

/// Is a slow client again and again.
async fn dawdle(delay: Duration) {
    sleep(delay).await;
    loop {
        // Any error is the service's or the kernel's answer to a flood: it comes back.
        let stream = timeout(CONNECT_PATIENCE, TcpStream::connect(SocketAddr::from((ELASTIC_IP, 80)))).await;
        if let Ok(Ok(mut stream)) = stream
            && stream.write_all(b"GET / HTTP/1.1\r\nHost: slow\r\n").await.is_ok()
        {
            // Until HAProxy has had enough.
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
        sleep(PAUSE).await;
    }
}

/// `maxconn` of the public frontend in `deploy/haproxy/haproxy.cfg`.
pub(crate) const PUBLIC_LIMIT: u64 = 3600;
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
