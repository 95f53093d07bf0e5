//! An agent that is stopped for a while knows nothing of that while, and claims nothing out of it.

use std::time::Duration;

use e2e::{Setup, on_stages, stays};

on_stages! {
    emulator:
        a_standby_that_was_paused_claims_nothing,
        a_holder_whose_agent_is_paused_keeps_the_address,
        a_standby_that_slept_through_the_death_counts_the_silence_anew;
}

fn a_standby_that_was_paused_claims_nothing(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.pause_agent("b");
    let paused = pair.pairctl("b", &["--timeout", "500ms", "status"]);
    assert_eq!((paused.code, paused.stdout.as_str()), (Some(3), ""), "{paused:?}");
    stays("nothing moves while b sleeps", THREE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    pair.resume_agent("b");
    pair.await_healthy();
    stays("nothing moves after b woke up", THREE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    assert_eq!(pair.claimers(), ["a"]);
}

fn a_holder_whose_agent_is_paused_keeps_the_address(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.pause_agent("a");
    pair.await_problem("b", "silent-but-serving");
    let paused = pair.pairctl("a", &["--timeout", "500ms", "status"]);
    assert_eq!((paused.code, paused.stdout.as_str()), (Some(3), ""), "{paused:?}");
    stays("nothing moves while a sleeps", THREE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    pair.resume_agent("a");
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
}

fn a_standby_that_slept_through_the_death_counts_the_silence_anew(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.pause_agent("b");
    pair.kill_host("a");
    stays("nobody is there to take the address", THREE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    let woken_ms = pair.lab().clock_ms();
    pair.resume_agent("b");
    pair.await_takeover("b");
    let claim = &pair.associates()[1];
    // Of the holdtime at most an interval had passed before the pause, and the pause counts for at most one more.
    assert!(
        claim.ms >= woken_ms + 500,
        "claimed {} ms after the pause",
        claim.ms - woken_ms
    );
    assert_eq!(pair.claimers(), ["a", "b"]);
}

const THREE_HOLDTIMES: Duration = Duration::from_secs(3);
