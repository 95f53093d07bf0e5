//! The server behind HAProxy: it says from which node it was asked.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use pair_lab::NODE_HEADER;
use pair_lab::blocking::Engine;
use tokio::net::TcpListener;

use super::network::{NODE_A, NODE_B, NODE_C, ORIGIN};
use super::place::Place;

/// Starts the server in its place; it runs for as long as the engine.
pub(crate) fn start(place: &Place) -> Result<Engine> {
    place.run(|| {
        let engine = Engine::start().context("cannot start the origin server")?;
        let listen = SocketAddr::from((ORIGIN.address, PORT));
        let listener = engine
            .run(TcpListener::bind(listen))
            .with_context(|| format!("cannot listen at {listen}"))?;
        engine.run(async {
            tokio::spawn(serve(listener));
        });
        Ok(engine)
    })
}

async fn serve(listener: TcpListener) {
    while let Ok((stream, from)) = listener.accept().await {
        // HAProxy asks from its node's own address, so that tells which one it is.
        let node = [NODE_A, NODE_B, NODE_C]
            .into_iter()
            .find(|node| from.ip() == IpAddr::V4(node.address));
        let name = node.map_or("nobody", |node| node.name);
        let answer = service_fn(move |_: Request<Incoming>| async move {
            let answer = Response::builder().header(NODE_HEADER, name);
            let answer = answer.body(Full::new(Bytes::from_static(b"origin\n")));
            Ok::<_, Infallible>(answer.expect("the parts are valid"))
        });
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            // Whoever hung up has counted it.
            connection.await.ok();
        });
    }
}

/// The port of the server in `deploy/haproxy/haproxy.cfg`.
pub(crate) const PORT: u16 = 8080;
