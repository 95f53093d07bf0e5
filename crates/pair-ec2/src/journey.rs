//! How far a request got.
//!
//! Whether a failed call may have changed anything turns on one fact: did its bytes get as far as a
//! connection? The SDK's errors do not say, least of all when the deadline ends the call from outside. So
//! each call carries a `Journey`, which keeps hold of the slot in which the HTTP client notes the
//! connection it writes to:
//!
//! ```text
//! credentials, signing ──▶ DNS, TCP, TLS ──▶ connection noted ──▶ written ──▶ answered
//! └────────────── surely not sent ──────────┘└──────── may have been sent ─────────┘
//! ```

use std::sync::{Arc, OnceLock};

use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;

/// Follows one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journey {
    connection: Arc<OnceLock<CaptureSmithyConnection>>,
}

impl Journey {
    /// Whether the request may have reached the other side. `false` is certain; `true` is not.
    pub(crate) fn may_have_been_sent(&self) -> bool {
        self.connection.get().is_some_and(|slot| slot.get().is_some())
    }
}

impl Intercept for Journey {
    fn name(&self) -> &'static str {
        "Journey"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Put there by the SDK's connection-poisoning interceptor, which every generated client has. Without
        // it nothing could be called "not sent", so its absence stops the request before it leaves.
        let slot = cfg
            .load::<CaptureSmithyConnection>()
            .ok_or("the SDK offers no slot for the connection")?;
        // Retries are off: a second attempt, if there ever were one, keeps the first attempt's slot.
        let _already_travelling = self.connection.set(slot.clone());
        Ok(())
    }
}
