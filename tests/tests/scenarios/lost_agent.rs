//! The holder's agent dies, its service lives: nothing must move.

use std::time::Duration;

use e2e::{Setup, on_stages, stays};
use pair_wire::control::State;

on_stages! {
    emulator: a_holder_whose_agent_restarts_adopts_what_it_has, a_holder_that_only_lost_its_agent_keeps_the_address;
    moto: a_holder_whose_agent_restarts_adopts_what_it_has, a_holder_that_only_lost_its_agent_keeps_the_address;
    haproxy: a_holder_that_only_lost_its_agent_keeps_the_address;
}

fn a_holder_whose_agent_restarts_adopts_what_it_has(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let visitors = pair.visitors();
    for restart in [Restart::Killed, Restart::Asked] {
        match restart {
            Restart::Killed => pair.kill_agent("a"),
            Restart::Asked => pair.stop_agent("a"),
        }
        pair.start_agent("a");
        pair.await_healthy();
        assert_eq!(pair.holder().as_deref(), Some("a"));
    }
    assert_eq!(pair.claimers(), ["a"], "the call of the start, and none after it");
    assert_eq!(visitors.end().failed, Vec::<String>::new());
}

fn a_holder_that_only_lost_its_agent_keeps_the_address(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.kill_agent("a");
    pair.await_problem("b", "silent-but-serving");
    assert_eq!(
        pair.pairctl("b", &["status"]).code,
        Some(1),
        "it serves, but somebody should look"
    );
    stays("the address is at a", SIX_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    // Not all the while: a node that the machine has paused hears anew for a holdtime.
    pair.await_problem("b", "silent-but-serving");
    assert_eq!(pair.answering().as_deref(), Some("a"));
    pair.start_agent("a");
    pair.await_healthy();
    assert_eq!(pair.status("b").state, State::Healthy);
    assert_eq!(pair.claimers(), ["a"]);
}

enum Restart {
    Killed,
    Asked,
}

const SIX_HOLDTIMES: Duration = Duration::from_secs(6);
