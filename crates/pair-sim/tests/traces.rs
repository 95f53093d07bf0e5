//! Histories that once went wrong, or that a rule was made for: each is played again, and must end well.

use std::{fs, path::Path};

use pair_sim::Schedule;

#[test]
fn every_trace_that_was_kept_ends_well() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut played = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        let why = text.lines().next().unwrap();
        assert!(why.starts_with("# "), "{}: say first why it is kept", file.display());
        let schedule: Schedule = text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(broken) = schedule.play(true) {
            panic!("{}: {why}\n{broken}", file.display());
        }
        played += 1;
    }
    assert!(played > 0, "{} is empty", folder.display());
}
