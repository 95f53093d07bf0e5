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
//!
//! On its way back it notes what time it was where the answer came from: signatures are good for minutes only.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};

/// Follows one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journey {
    connection: Arc<OnceLock<CaptureSmithyConnection>>,
    clock_ahead_s: Arc<OnceLock<i64>>,
}

impl Journey {
    /// Whether the request may have reached the other side. `false` is certain; `true` is not.
    pub(crate) fn may_have_been_sent(&self) -> bool {
        self.connection.get().is_some_and(|slot| slot.get().is_some())
    }

    /// How many seconds this host's clock was ahead of the one that answered; `None` if nobody told his time.
    pub(crate) fn clock_ahead_s(&self) -> Option<i64> {
        self.clock_ahead_s.get().copied()
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

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        if let Some(ahead_s) = date.and_then(|date| ahead_of(date, SystemTime::now())) {
            let _already_told = self.clock_ahead_s.set(ahead_s);
        }
        Ok(())
    }
}

/// How many seconds `now` is ahead of the date of an HTTP header (RFC 9110, section 5.6.7).
fn ahead_of(date: &str, now: SystemTime) -> Option<i64> {
    let theirs = DateTime::from_str(date, DateTimeFormat::HttpDate).ok()?.secs();
    let ours = i64::try_from(now.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    ours.checked_sub(theirs)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_date_of_an_answer_tells_how_far_the_clock_is_off() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(ahead_of("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(0));
        assert_eq!(ahead_of("Sun, 06 Nov 1994 09:49:37 GMT", now), Some(-3600));
        assert_eq!(ahead_of("Sun, 06 Nov 1994 08:49:30 GMT", now), Some(7));
        assert_eq!(ahead_of("now", now), None);
    }
}
