//! What becomes of each field of a node in a row.
//!
//! Of a field that is not listed everything is kept: a number as it is, a time with its ticks up to the horizon and its rank.
//! That is always right, and only makes more states than necessary.

use std::time::Duration;

use pair_core::config::{
    FACT_FRESH, NOBODY_PATIENCE, PROBE_IN_GOOD_TIMES, READ_WHILE_SILENT, REPLY_TRUST, SETTLE, WITNESS_IN_GOOD_TIMES,
    WITNESS_MEMORY,
};

use crate::model::settings;

/// What becomes of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// No rule looks at it.
    Forget,
    /// A number of which all from this one on are the same.
    UpTo(u64),
    /// A length of time of which all from this one on are the same.
    Lasting(Duration),
    /// When something is due: in the past it is due, whenever that was.
    Due,
    /// When something was: from this long ago on it is just long ago.
    Ago(Duration),
    /// The same, and it is compared with other times.
    AgoInOrder(Duration),
    /// Everything is kept.
    Keep,
}

/// What becomes of the field `field` of the struct `of`.
#[expect(clippy::match_same_arms, reason = "one arm for each part of a node and reason")]
pub(super) fn fate(of: &str, field: &str) -> Fate {
    use Fate::{Ago, AgoInOrder, Due, Forget, Lasting, UpTo};
    let longest_silence = || settings::LOST_CONTACT.max(settings::HOLDTIME);
    match (of, field) {
        // The same at all times; chance; numbers that are only ever given out.
        ("Node", "config" | "pace" | "chance" | "next_call") => Forget,
        // A node decides at its wake-ups, and each one looks at everything anew.
        ("Node", "next_beat") => Due,
        ("Node", "answered_query_at") => Ago(settings::INTERVAL),
        // Compared with readings that are asked for later, always.
        ("Node", "unsure_since") => Ago(Duration::ZERO),
        ("Node", "vacant_since") => Ago(NOBODY_PATIENCE),
        ("Node", "released") => AgoInOrder(settings::HOLDTIME),
        ("RunningClock", "advanced_at") => Ago(settings::HOLDTIME),
        ("RunningClock", "elapsed" | "step" | "next_step") => Forget,
        ("Stopping", "until" | "next_notice") => Due,

        ("Silence", "began_at") => Ago(Duration::ZERO),
        ("Silence", "next_query") => Due,
        // Two calls are an isolation.
        ("Silence", "unanswered") => UpTo(2),
        ("Silence", "answered_at") => AgoInOrder(Duration::ZERO),
        ("Silence", "slip") => Ago(SETTLE),

        ("Detector", "started" | "anew") => Ago(longest_silence()),
        // Told and shown, and never decided upon.
        ("Detector", "quality") | ("Believed", "life_at") | ("Heard", "at") => Forget,
        ("Believed", "life") => AgoInOrder(longest_silence()),
        ("Heard", "run") => Ago(settings::HOLDTIME),

        // Of what a peer has said once these are taken in when it is heard.
        ("Report", "moves" | "hold" | "query" | "version") => Forget,
        ("Word", "age") => Lasting(FACT_FRESH + settings::INTERVAL),
        ("Peer", "heard_at") => AgoInOrder(FACT_FRESH),
        ("Peer", "unfit_since") => Ago(settings::UNFIT_DELAY),

        ("Fact", "asked_at") | ("Ownership", "replied_at" | "imds_confirmed") => AgoInOrder(REPLY_TRUST),
        ("Ownership", "ec2_read") => Ago(FACT_FRESH + settings::INTERVAL),
        ("Ownership", "changed") => AgoInOrder(Duration::ZERO),

        ("Probing", "next_at") => Due,
        ("Probing", "suspected" | "served_in_silence" | "wrong" | "kernel_only") => Ago(settings::LOST_CONTACT),
        ("Probing", "served") => AgoInOrder(settings::LOST_CONTACT),
        // Three in vain end a grace, two testify.
        ("Probing", "in_vain") => UpTo(3),
        ("Probing", "last") => Ago(PROBE_IN_GOOD_TIMES + settings::INTERVAL),

        ("Witnesses", "settings" | "patience") => Forget,
        ("Witnesses", "next_at") => Due,
        ("Witnesses", "suspected") => Ago(settings::LOST_CONTACT.max(settings::ISOLATION_GRACE)),
        ("Witness", "answered") => Ago(WITNESS_MEMORY),
        ("Witness", "answered_in_silence") => Ago(settings::ISOLATION_GRACE),
        ("Witness", "proved") => AgoInOrder(settings::LOST_CONTACT),
        ("Witness", "proved_in_silence") => Ago(settings::LOST_CONTACT),
        // Two in vain testify.
        ("Witness", "in_vain") => UpTo(2),
        ("Witness", "last") => Ago(WITNESS_IN_GOOD_TIMES + settings::INTERVAL),

        ("Claim", "told_until") | ("Pursuit", "not_before") | ("Verifying", "next_at") => Due,
        // Compared with readings that are asked for later, always.
        ("Claim", "unresolved") => Ago(Duration::ZERO),
        ("Claim", "last_fault") | ("Verifying", "replied_at") => Forget,
        ("Pursuit", "decided_at" | "detect" | "sent_at") => Forget,
        // Asked for when a call is throttled, which is none of the model's faults.
        ("Pursuit", "began") => Forget,
        // Pauses double eight times at most.
        ("Pursuit", "attempts" | "unsent") | ("Reads", "failures") => UpTo(9),
        ("InFlight", "sent_at") | ("Read", "asked_at") => AgoInOrder(settings::INTERVAL),
        ("InFlight", "sent_run") | ("Read", "asked_run") => Ago(settings::CALL_TIMEOUT + settings::INTERVAL),
        ("Verifying", "reads") => UpTo(2),
        // Of the last takeover only its rule is asked for.
        ("Takeover", "from" | "association" | "decided_at" | "detect" | "api" | "verify" | "attempts") => Forget,

        ("Reads", "asked") => Ago(READ_WHILE_SILENT),
        ("Reads", "next_at" | "instance_next_at" | "not_before") => Due,

        ("Pending", "until") | ("Holds", "newest") | ("Budget", "moves") | ("Grace", "given") => Due,

        _ => Fate::Keep,
    }
}
