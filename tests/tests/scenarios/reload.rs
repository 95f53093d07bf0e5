//! `pairctl reload` and SIGHUP: settings change under load, nothing moves, nobody is turned away, and a wrong file changes nothing.

use e2e::{Pair, Setup, eventually, on_stages};

on_stages! {
    emulator:
        settings_change_on_one_node_after_the_other_and_nothing_moves,
        a_wrong_file_changes_nothing_and_every_mistake_is_told,
        what_needs_a_restart_is_named_and_the_rest_is_in_force,
        checks_and_metrics_follow_the_file;
}

/// Ends the visits, all of which must have been served, with the address at `a` since it was put there.
fn assert_that_nothing_moved(pair: &Pair, visitors: e2e::Visitors) {
    assert_eq!(visitors.end().failed, Vec::<String>::new());
    assert_eq!(pair.claimers(), ["a"]);
    for node in ["a", "b"] {
        let log = pair.agent_log(node);
        assert!(!log.contains("presumed-dead"), "{node} gave its peer up: {log}");
    }
}

fn settings_change_on_one_node_after_the_other_and_nothing_moves(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let visitors = pair.visitors();
    for (part, by) in [
        ("[probe]", "[heartbeat]\nprofile = \"fast\"\n[probe]"),
        ("profile = \"fast\"", "profile = \"calm\""),
    ] {
        for node in ["b", "a"] {
            pair.edit_config(node, part, by);
            let reloaded = pair.pairctl(node, &["reload"]);
            assert_eq!((reloaded.code, reloaded.stderr.as_str()), (Some(0), ""), "{reloaded:?}");
            assert!(
                reloaded.stdout.starts_with("in force: heartbeat.profile "),
                "{reloaded:?}"
            );
            assert!(reloaded.stdout.contains("heartbeat.holdtime "), "{reloaded:?}");
            assert!(!reloaded.stdout.contains("at restart"), "{reloaded:?}");
            // In between the nodes are told apart, and that is all.
            let differences: &[&str] = if node == "b" { &["config-differs"] } else { &[] };
            pair.await_differences(differences);
        }
    }
    let again = pair.pairctl("a", &["reload"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "nothing has changed\n"));
    assert_that_nothing_moved(&pair, visitors);
    let why = pair.pairctl("a", &["why"]).stdout;
    assert!(why.contains(": reload\n"), "{why}");
    assert!(
        why.contains("  reload  in force: heartbeat.profile \"calm\" (was \"fast\")"),
        "{why}"
    );
}

fn a_wrong_file_changes_nothing_and_every_mistake_is_told(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.edit_config(
        "a",
        "[probe]",
        "[heartbeat]\nintervall = \"1s\"\nholdtime = \"2s\"\nport = 0\n[probe]",
    );
    let refused = pair.pairctl("a", &["reload"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{refused:?}");
    assert!(refused.stderr.contains("nothing has changed"), "{refused:?}");
    for mistake in ["heartbeat.intervall: unknown key", "heartbeat.port: 0 is out of bounds"] {
        assert!(refused.stderr.contains(mistake), "{refused:?}");
        assert!(pair.agent_log("a").contains(mistake), "the log says it, too");
    }
    pair.edit_config("a", "intervall = \"1s\"\n", "");
    pair.edit_config("a", "port = 0\n", "");
    let visitors = pair.visitors();
    pair.hang_up("a");
    // Of the wrong file nothing was in force: its holdtime is changed by the right one.
    eventually("the signal is obeyed", || {
        pair.agent_log("a")
            .contains("heartbeat.holdtime \"2s\" (was \"1s\")")
            .then_some(())
    });
    pair.await_differences(&["config-differs"]);
    assert_that_nothing_moved(&pair, visitors);
}

fn what_needs_a_restart_is_named_and_the_rest_is_in_force(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.edit_config("a", "pair = \"e2e\"", "pair = \"other\"");
    pair.edit_config(
        "a",
        "[probe]",
        "[takeover]\nrefit = \"2m\"\n[heartbeat]\nport = 7777\n[probe]",
    );
    let visitors = pair.visitors();
    for expected in [
        "in force: takeover.refit \"2m\" (was \"1m\"); takes effect at restart: ",
        "takes effect at restart: ",
    ] {
        let reloaded = pair.pairctl("a", &["reload"]);
        assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
        assert!(reloaded.stdout.starts_with(expected), "{reloaded:?}");
        assert!(reloaded.stdout.contains("pair \"other\" (was \"e2e\")"), "{reloaded:?}");
        assert!(
            reloaded.stdout.contains("heartbeat.port 7777 (was 7694)"),
            "{reloaded:?}"
        );
    }
    pair.await_differences(&["config-differs"]);
    assert_that_nothing_moved(&pair, visitors);
}

fn checks_and_metrics_follow_the_file(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    // On the standby a check that fails moves nothing, and shows that it is the file's.
    pair.edit_config(
        "b",
        "[check]\nhttp = { port = 8080 }",
        "[check]\nhttp = { port = 8081 }",
    );
    pair.edit_config("b", ":9694\"", ":9695\"");
    assert_eq!(pair.pairctl("b", &["reload"]).code, Some(0));
    pair.await_problem("b", "service-unfit");
    eventually("the old port is closed", || {
        pair.ask_metrics("b", "/healthz").is_none().then_some(())
    });
    pair.edit_config(
        "b",
        "[check]\nhttp = { port = 8081 }",
        "[check]\nhttp = { port = 8080 }",
    );
    pair.edit_config("b", ":9695\"", ":9694\"");
    assert_eq!(pair.pairctl("b", &["reload"]).code, Some(0));
    pair.await_healthy();
    eventually("the old port is open again", || {
        pair.ask_metrics("b", "/readyz").filter(|(code, _)| *code == 200)
    });
    assert_eq!(pair.claimers(), ["a"]);
}
