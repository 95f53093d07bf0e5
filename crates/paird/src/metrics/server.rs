//! The HTTP server of the metrics: bounded in connections, time and size, and it answers nothing but `GET`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::exposition;
use super::picture::{Board, Picture, Word};
use super::waiting::Waiting;

/// Connections that are served at the same time. For one more the oldest is closed: idle ones must not keep a scrape waiting.
const CLIENTS: usize = 32;

/// How long a connection may take from its beginning to its end; a scrape takes milliseconds.
const CLIENT_PATIENCE: Duration = Duration::from_secs(5);

/// The longest head of a request, the least that the HTTP library allows.
const HEAD_LIMIT: usize = 8 * 1024;

/// What those who ask are shown.
#[derive(Clone, Debug)]
pub enum Shown {
    /// The pair, by a node that is a member.
    Pair(Board),
    /// What a node waits for that is none yet.
    Waiting(Waiting),
}

/// What a picture of that age says.
type OfPair = fn(&Picture, Duration) -> Word;

/// What a node says that waits.
type OfWaiting = fn(&Waiting) -> Word;

/// Listens there.
///
/// # Errors
/// If the address is taken, or not one of this host.
pub fn open(address: SocketAddr) -> io::Result<StdListener> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves clients for ever, on the runtime that it is spawned on.
pub async fn serve(listener: StdListener, shown: Shown) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return warn!(%error, "metrics are not served"),
    };
    let mut clients: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                clients.retain(|client| !client.is_finished());
                if clients.len() >= CLIENTS
                    && let Some(oldest) = clients.pop_front()
                {
                    oldest.abort();
                }
                clients.push_back(tokio::spawn(serve_one(client, shown.clone())).abort_handle());
            }
            Err(error) => {
                // Out of descriptors, most likely: others may end meanwhile.
                warn!(%error, "the metrics port does not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_one(client: TcpStream, shown: Shown) {
    let service = service_fn(|request: hyper::Request<_>| {
        let answer = answer(request.method(), request.uri().path(), &shown);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(client), service);
    match timeout(CLIENT_PATIENCE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a client of the metrics failed"),
        Err(_) => debug!("a client of the metrics took too long"),
    }
}

fn answer(method: &Method, path: &str, shown: &Shown) -> Response<Full<Bytes>> {
    let (of_pair, of_waiting): (OfPair, OfWaiting) = match path {
        "/metrics" => return only_get(method, || metrics(shown)),
        "/healthz" => (Picture::is_alive, Waiting::is_alive),
        "/readyz" => (Picture::is_ready, Waiting::is_no_member),
        "/active" => (Picture::is_active, Waiting::is_no_member),
        _ => {
            let known = "there are /metrics, /healthz, /readyz and /active";
            return plain(StatusCode::NOT_FOUND, known);
        }
    };
    only_get(method, || {
        let word = match shown {
            Shown::Pair(board) => board.look().map(|(picture, age)| of_pair(&picture, age)),
            Shown::Waiting(waiting) => Some(of_waiting(waiting)),
        };
        match word {
            None => plain(StatusCode::SERVICE_UNAVAILABLE, NOT_YET),
            Some(Word { is_yes: true, why }) => plain(StatusCode::OK, &why),
            Some(Word { is_yes: false, why }) => plain(StatusCode::SERVICE_UNAVAILABLE, &why),
        }
    })
}

fn only_get(method: &Method, get: impl FnOnce() -> Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    if method == Method::GET {
        return get();
    }
    let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered");
    refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    refused
}

/// Serves the numbers even when they are old: `loop_turn_age_seconds` says so.
fn metrics(shown: &Shown) -> Response<Full<Bytes>> {
    let page = match shown {
        Shown::Pair(board) => board.look().map(|(picture, age)| exposition::page(picture, age)),
        Shown::Waiting(waiting) => Some(waiting.page()),
    };
    match page {
        None => plain(StatusCode::SERVICE_UNAVAILABLE, NOT_YET),
        Some(Ok(page)) => response(StatusCode::OK, exposition::CONTENT_TYPE, page),
        Some(Err(error)) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// An answer of one line.
fn plain(status: StatusCode, line: &str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What is said before the first picture.
const NOT_YET: &str = "the event loop has not turned yet";
