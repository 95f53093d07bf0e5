//! HTTP/1.1 without ceremony: one request on one connection, or one handler for a connection's requests.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;

/// An answer of one of the lab's servers.
pub(crate) type Reply = Response<Full<Bytes>>;

/// A handler's wish to close the connection without an answer.
#[derive(Debug, Error)]
#[error("connection closed without an answer, as a fault asks")]
pub(crate) struct HungUp;

/// A request that got no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// No connection: nothing was sent.
    #[error("could not connect to {addr}")]
    Connect {
        /// Who was to be reached.
        addr: SocketAddr,
        /// Why it failed.
        source: io::Error,
    },
    /// The connection ended before a whole answer: the request may have been carried out.
    #[error("no answer from {addr}")]
    Exchange {
        /// Who was asked.
        addr: SocketAddr,
        /// Why it failed.
        source: hyper::Error,
    },
    /// The answer was cut off or larger than any this lab needs.
    #[error("unreadable answer from {addr}")]
    Body {
        /// Who was asked.
        addr: SocketAddr,
        /// Why it failed.
        source: Box<dyn core::error::Error + Send + Sync>,
    },
}

/// Sends a request on a connection of its own and reads the whole answer. There is no timeout: dropping the future
/// closes the connection.
///
/// # Errors
/// [`HttpError`] if no whole answer came; any status is an answer.
pub async fn send(addr: SocketAddr, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, HttpError> {
    let stream = TcpStream::connect(addr)
        .await
        .map_err(|source| HttpError::Connect { addr, source })?;
    let lost = |source| HttpError::Exchange { addr, source };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(lost)?;
    let mut exchange = pin!(async move {
        let (parts, body) = sender.send_request(request).await.map_err(lost)?.into_parts();
        let body = Limited::new(body, BODY_LIMIT)
            .collect()
            .await
            .map_err(|source| HttpError::Body { addr, source })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    });
    tokio::select! {
        answer = &mut exchange => answer,
        // The server has closed; what it said before is still to be read.
        _ = connection => exchange.await,
    }
}

/// Asks for a path, as [`send`] does.
///
/// # Errors
/// As for [`send`].
pub async fn get(addr: SocketAddr, path: &str) -> Result<Response<Bytes>, HttpError> {
    let request = Request::get(path)
        .header(HOST, addr.to_string())
        .body(Full::default())
        .expect("a path of this crate or of a test is a valid target");
    send(addr, request).await
}

/// Serves a connection until either side ends it.
pub(crate) async fn serve<State, Handle, Handled>(stream: TcpStream, state: Arc<State>, handle: Handle)
where
    Handle: Fn(Arc<State>, Request<Incoming>) -> Handled,
    Handled: Future<Output = Result<Reply, HungUp>>,
{
    // Small answers wait for nothing; a socket that refuses the option still works.
    stream.set_nodelay(true).ok();
    let service = service_fn(|request| handle(Arc::clone(&state), request));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error is a caller that left or a fault that hung up: whoever counts those has counted it.
    connection.await.ok();
}

/// Makes an answer.
pub(crate) fn reply(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Reply {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .body(Full::new(body.into()))
        .expect("the content types of this crate are valid header values")
}

/// A bound for bodies either way; moto's largest answer in a lab is a few kilobytes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;
