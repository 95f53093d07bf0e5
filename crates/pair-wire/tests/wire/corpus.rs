//! The corpus of the fuzz targets, replayed: each file of `fuzz/corpus/TARGET/` through the checks of that target.

use std::fs;
use std::path::Path;

use crate::checks;

#[test]
fn datagrams() {
    replay("datagram", checks::datagram);
}

#[test]
fn bodies_behind_an_authentic_tag() {
    replay("body", checks::body);
}

#[test]
fn control_requests() {
    replay("control_request", checks::control_request);
}

#[test]
fn control_responses() {
    replay("control_response", checks::control_response);
}

#[test]
fn key_files() {
    replay("key_file", checks::key_file);
}

#[test]
fn what_witnesses_carry() {
    replay("witness", checks::witness);
}

/// A target whose files nobody replays would be forgotten.
#[test]
fn every_target_with_a_corpus_is_replayed_here() {
    let mut targets: Vec<_> = fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    targets.sort();
    assert_eq!(
        targets,
        [
            "body",
            "control_request",
            "control_response",
            "datagram",
            "key_file",
            "witness"
        ]
    );
}

fn replay(target: &str, check: fn(&[u8])) {
    let mut files: Vec<_> = fs::read_dir(corpus().join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    for file in files {
        println!("{}", file.display());
        check(&fs::read(&file).unwrap());
    }
}

fn corpus() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"))
}
