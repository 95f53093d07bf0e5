//! `pairctl drill`: there and back on a good day, and not on any other.

use e2e::{Setup, on_stages};

on_stages! {
    emulator:
        a_drill_moves_the_address_there_and_back_and_is_in_the_journal,
        a_drill_is_refused_unless_all_is_well_and_confirmed;
}

fn a_drill_moves_the_address_there_and_back_and_is_in_the_journal(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let visitors = pair.visitors();
    let drill = pair.pairctl("b", &["drill", "--yes"]);
    assert_eq!(drill.code, Some(0), "{drill:?}");
    let lines: Vec<&str> = drill.stdout.lines().collect();
    assert_eq!(lines.len(), 5, "{drill:?}");
    assert!(lines[0].starts_with("there: a to b in "), "{drill:?}");
    assert!(
        lines[1].starts_with("    api ") && lines[1].contains("verify "),
        "{drill:?}"
    );
    assert!(lines[2].starts_with("back: b to a in "), "{drill:?}");
    assert!(lines[3].contains("outage "), "{drill:?}");
    assert_eq!(lines[4], "the drill is over, and the address is at a again");
    assert_eq!(pair.claimers(), ["a", "b", "a"]);
    pair.await_healthy();
    visitors.end().assert_that_only_moves_broke_any(2);

    let events = pair.pairctl("b", &["events"]).stdout;
    for told in [
        ": failover to \"b\" in a drill",
        "failover to \"a\" in a drill: done in ",
    ] {
        assert!(events.contains(told), "{told} is not in {events}");
    }
}

fn a_drill_is_refused_unless_all_is_well_and_confirmed(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let unconfirmed = pair.pairctl_with_input("a", &["drill"], "no\n");
    assert_eq!(unconfirmed.code, Some(4), "{unconfirmed:?}");
    assert!(unconfirmed.stdout.contains("from a to b and back"), "{unconfirmed:?}");
    assert!(unconfirmed.stderr.contains("not confirmed"), "{unconfirmed:?}");
    assert_eq!(pair.pairctl("a", &["hold", "--for", "1h"]).code, Some(0));
    let held = pair.pairctl("a", &["drill", "--yes"]);
    assert_eq!(held.code, Some(4), "{held:?}");
    assert_eq!(pair.pairctl("a", &["resume"]).code, Some(0));
    pair.kill_service("b");
    pair.await_problem("a", "peer-unfit");
    let ill = pair.pairctl("a", &["drill", "--yes"]);
    assert_eq!(ill.code, Some(4), "{ill:?}");
    assert!(ill.stderr.contains("the pair is not healthy"), "{ill:?}");
    assert_eq!(pair.claimers(), ["a"]);
}
