//! What AWS tells an instance of its own end, by its metadata: four paths, each of which is absent or empty while there is nothing to
//! tell.
//!
//! Absent is a statement, made only by a 404 of the service; any other failure is an error, for a notice must not vanish because
//! nobody answers. One read of all four is four requests, of which a few seconds may lie between two: AWS recommends five for spot
//! instances, and gives them two minutes. Two of the four are about spot instances only: see [`Market`](crate::Market).

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde::Deserialize;

use crate::imds::{Imds, ImdsError, malformed};

const SPOT: &str = "/latest/meta-data/spot/instance-action";
const REBALANCE: &str = "/latest/meta-data/events/recommendations/rebalance";
const MAINTENANCE: &str = "/latest/meta-data/events/maintenance/scheduled";
const AUTOSCALING: &str = "/latest/meta-data/autoscaling/target-lifecycle-state";

/// The interruption of a spot instance. It is never taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotInterruption {
    /// What becomes of the instance: `terminate`, `stop` or `hibernate`, which begins at once.
    pub action: String,
    /// When, by the wall clock; `None` if that cannot be read.
    pub at: Option<SystemTime>,
}

/// One event of maintenance that is scheduled for the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledEvent {
    /// `instance-event-…`; empty if it has none.
    pub id: String,
    /// What is done, such as `system-reboot`.
    pub code: String,
    /// From when on it may begin; `None` if that cannot be read.
    pub not_before: Option<SystemTime>,
    /// Whether it is over, or was called off.
    pub is_over: bool,
}

impl ScheduledEvent {
    /// Whether the instance does not serve meanwhile: it is rebooted, stopped or replaced. What else there is, such as
    /// `system-maintenance`, may cost it its network for a moment.
    #[must_use]
    pub fn takes_host(&self) -> bool {
        [
            "instance-reboot",
            "instance-retirement",
            "instance-stop",
            "system-reboot",
        ]
        .contains(&self.code.as_str())
    }
}

impl Imds {
    /// Reads whether this spot instance is interrupted; `None` if not, or if it is no spot instance.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn spot_interruption(&self) -> Result<Option<SpotInterruption>, ImdsError> {
        let text = self.ask(SPOT).await?;
        text.map(|text| read_interruption(&text)).transpose()
    }

    /// Reads since when AWS recommends to replace this spot instance, because it is more likely to be interrupted than others; `None` if
    /// it does not.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn rebalance_recommendation(&self) -> Result<Option<SystemTime>, ImdsError> {
        let text = self.ask(REBALANCE).await?;
        text.map(|text| read_recommendation(&text)).transpose()
    }

    /// Reads the maintenance that is scheduled for this instance, what is over included.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn scheduled_events(&self) -> Result<Vec<ScheduledEvent>, ImdsError> {
        let text = self.ask(MAINTENANCE).await?;
        text.map_or_else(|| Ok(Vec::new()), |text| read_events(&text))
    }

    /// Reads the state into which its autoscaling group brings this instance, such as `InService` or `Terminated`; `None` outside of one.
    ///
    /// # Errors
    /// Any [`ImdsError`].
    pub async fn autoscaling_target(&self) -> Result<Option<String>, ImdsError> {
        self.ask(AUTOSCALING).await
    }
}

#[derive(Deserialize)]
struct Interruption {
    action: String,
    #[serde(default)]
    time: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recommendation {
    notice_time: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(default)]
    event_id: String,
    code: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    not_before: String,
    #[serde(default)]
    state: String,
}

fn read_interruption(text: &str) -> Result<SpotInterruption, ImdsError> {
    let read: Interruption =
        serde_json::from_str(text).map_err(|_| malformed(SPOT, text, "the interruption of a spot instance"))?;
    Ok(SpotInterruption {
        action: read.action,
        at: rfc3339(&read.time),
    })
}

fn read_recommendation(text: &str) -> Result<SystemTime, ImdsError> {
    let wrong = || malformed(REBALANCE, text, "a rebalance recommendation");
    let read: Recommendation = serde_json::from_str(text).map_err(|_| wrong())?;
    rfc3339(&read.notice_time).ok_or_else(wrong)
}

fn read_events(text: &str) -> Result<Vec<ScheduledEvent>, ImdsError> {
    let read: Vec<Event> =
        serde_json::from_str(text).map_err(|_| malformed(MAINTENANCE, text, "a list of scheduled events"))?;
    Ok(read.into_iter().map(scheduled).collect())
}

fn scheduled(event: Event) -> ScheduledEvent {
    // Some tools show the state; others put it in front of the description.
    let marks = ["[Completed]", "[Canceled]"];
    let is_marked = marks.iter().any(|mark| event.description.starts_with(mark));
    ScheduledEvent {
        id: event.event_id,
        code: event.code,
        not_before: day_first(&event.not_before),
        is_over: is_marked || ["completed", "canceled"].contains(&event.state.as_str()),
    }
}

fn rfc3339(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

/// Reads a time such as `21 Jan 2019 09:00:43 GMT`.
fn day_first(text: &str) -> Option<SystemTime> {
    let without_zone = text.strip_suffix(" GMT")?;
    let parsed = strtime::parse("%d %b %Y %H:%M:%S", without_zone).ok()?;
    let seconds = parsed.to_datetime().ok()?.duration_since(EPOCH).as_secs();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

/// Where Unix time begins, in the calendar.
const EPOCH: jiff::civil::DateTime = jiff::civil::datetime(1970, 1, 1, 0, 0, 0, 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_s: u64) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(unix_s))
    }

    #[test]
    fn an_interruption_is_read_as_the_guide_shows_it() {
        let read = read_interruption(r#"{"action": "stop", "time": "2017-09-18T08:22:00Z"}"#).unwrap();
        assert_eq!((read.action.as_str(), read.at), ("stop", at(1_505_722_920)));
        let read = read_interruption(r#"{"action": "hibernate", "time": "soon"}"#).unwrap();
        assert_eq!(read.at, None, "that it ends is told all the same");
        assert!(read_interruption("<html>").is_err());
    }

    #[test]
    fn a_recommendation_is_read_as_the_guide_shows_it() {
        let read = read_recommendation(r#"{"noticeTime": "2020-10-27T08:22:00Z"}"#);
        assert_eq!(read.ok(), at(1_603_786_920));
    }

    #[test]
    fn scheduled_events_are_read_as_the_guide_shows_them() {
        let text = r#"[ {
            "NotBefore" : "21 Jan 2019 09:00:43 GMT", "Code" : "system-reboot", "Description" : "scheduled reboot",
            "EventId" : "instance-event-0d59937288b749b32", "NotAfter" : "21 Jan 2019 09:17:23 GMT", "State" : "active"
        }, {
            "NotBefore" : "3 Feb 2019 10:00:00 GMT", "Code" : "system-maintenance", "Description" : "[Canceled] x"
        } ]"#;
        let read = read_events(text).unwrap();
        assert_eq!(
            read[0],
            ScheduledEvent {
                id: "instance-event-0d59937288b749b32".to_owned(),
                code: "system-reboot".to_owned(),
                not_before: at(1_548_061_243),
                is_over: false,
            }
        );
        assert!(read[0].takes_host());
        assert_eq!(
            (read[1].not_before, read[1].is_over, read[1].takes_host()),
            (at(1_549_188_000), true, false)
        );
        assert_eq!(read_events("[]").unwrap(), []);
    }

    #[test]
    fn an_event_that_is_done_says_so_by_its_state() {
        for (state, is_over) in [("active", false), ("completed", true), ("canceled", true), ("", false)] {
            let text = format!(r#"[{{"Code": "instance-stop", "State": "{state}"}}]"#);
            assert_eq!(read_events(&text).unwrap()[0].is_over, is_over, "{state}");
        }
    }
}
