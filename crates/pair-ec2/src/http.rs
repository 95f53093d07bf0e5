//! The HTTP client under both services.

use std::time::Duration;

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// How long an unused connection is kept. A NAT gateway forgets a flow after 350 s of silence (Amazon VPC
/// User Guide, "Troubleshoot NAT gateways") and what is sent on it afterwards is lost, so the pool forgets
/// it first.
const POOL_IDLE: Duration = Duration::from_secs(300);

/// Makes a client with an empty connection pool. It verifies TLS against the host's certificate store and
/// goes straight to the endpoint: `HTTP_PROXY` and its relatives are not read, because a proxy that dies
/// with the node it runs on must not be able to stop a takeover.
pub(crate) fn client() -> SharedHttpClient {
    Builder::new()
        .pool_idle_timeout(POOL_IDLE)
        .tls_provider(Provider::rustls(CryptoMode::Ring))
        .build_https()
}

/// Tells an error and everything that caused it on one line, without repeating a cause that its parent
/// already quotes.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if !text.contains(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        next = cause.source();
    }
    text
}
