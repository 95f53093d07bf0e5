//! What the figures were measured on, since none means anything without.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use jiff::Timestamp;
use serde::Serialize;

use super::super::keepalived;
use super::super::programs::{self, Programs};

/// The machine and the programs.
#[derive(Debug, Serialize)]
pub(super) struct Surroundings {
    date: String,
    cores: usize,
    /// The load average of the minute before: more than some tenths says that somebody else was busy.
    load_before: String,
    kernel: String,
    /// Which of our own programs were measured.
    build: &'static str,
    programs: Vec<String>,
}

impl Surroundings {
    /// Looks around.
    pub(super) fn look(programs: &Programs) -> Self {
        let first_word = |path: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.split_whitespace().next().unwrap_or("unknown").to_owned()
        };
        let versions = [
            first_line(&programs.own("paird"), "--version"),
            first_line(&programs.haproxy, "-v"),
            programs::find("keepalived").and_then(|program| first_line(&program, "--version")),
            keepalived::aws().and_then(|program| first_line(&program, "--version")),
        ];
        Self {
            date: Timestamp::now().strftime("%Y-%m-%d").to_string(),
            cores: thread::available_parallelism().map_or(0, usize::from),
            load_before: first_word("/proc/loadavg"),
            kernel: first_word("/proc/sys/kernel/osrelease"),
            build: programs.build(),
            programs: versions.into_iter().flatten().collect(),
        }
    }

    /// Says it in a paragraph.
    pub(super) fn words(&self) -> String {
        let Self {
            date,
            cores,
            load_before,
            kernel,
            build,
            programs,
        } = self;
        format!(
            "{date}, {cores} cores, load average {load_before} before, Linux {kernel}, {build}; {}. Times: median (min–max).",
            programs.join("; ")
        )
    }
}

/// The first line of what a program says about itself, up to what is of no interest.
fn first_line(program: &Path, option: &str) -> Option<String> {
    let output = Command::new(program).arg(option).output().ok()?;
    // keepalived tells its version on stderr.
    let text = [output.stdout, output.stderr]
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .concat();
    let line = text.lines().next()?;
    let words: Vec<&str> = line.split_whitespace().take(3).collect();
    Some(words.join(" "))
}
