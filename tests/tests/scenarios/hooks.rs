//! Programs of the operator: what they are told, and that nothing waits for them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use e2e::{Setup, eventually, on_stages};
use tempfile::TempDir;

on_stages! {
    emulator:
        hooks_are_told_of_a_takeover_on_the_node_that_took_over,
        hooks_that_hang_delay_no_takeover,
        a_hook_that_fails_is_a_problem_until_the_hooks_succeed;
}

fn hooks_are_told_of_a_takeover_on_the_node_that_took_over(setup: Setup) {
    let hooks = Hooks::new();
    hooks.put("10-note", &hooks.note());
    let mut pair = setup.with(&hooks.table("10s")).pair();
    pair.start_healthy();
    eventually("both nodes have told their roles", || {
        hooks.have_noted("a role active").then_some(())?;
        hooks.have_noted("b role passive").then_some(())
    });

    pair.kill_host("a");
    pair.await_takeover("b");
    eventually("the survivor tells that it is active", || {
        hooks.have_noted("b role active").then_some(())
    });
    eventually("and that its peer is silent", || {
        hooks.have_noted("b peer silent").then_some(())
    });
}

fn hooks_that_hang_delay_no_takeover(setup: Setup) {
    let hooks = Hooks::new();
    for number in 10..30 {
        let begun = hooks.folder.path().join("begun");
        let script = format!("echo begun >> {}\nsleep 600", begun.display());
        hooks.put(&format!("{number}-hang"), &script);
    }
    let mut pair = setup.with(&hooks.table("5m")).pair();
    pair.start_healthy();
    eventually("the first hook of both nodes hangs", || {
        let begun = fs::read_to_string(hooks.folder.path().join("begun")).ok()?;
        (begun.lines().count() == 2).then_some(())
    });

    pair.kill_host("a");
    let status = pair.await_takeover("b");
    let takeover = status.last_takeover.expect("it has just taken over");
    assert_eq!((takeover.rule.as_str(), takeover.attempts), ("F-6a", 1));
    let begun = fs::read_to_string(hooks.folder.path().join("begun")).unwrap();
    assert_eq!(
        begun.lines().count(),
        2,
        "no hook has ended meanwhile, and they run one at a time"
    );
}

fn a_hook_that_fails_is_a_problem_until_the_hooks_succeed(setup: Setup) {
    let hooks = Hooks::new();
    hooks.put("10-fail", "echo no such table >&2\nexit 3");
    let mut pair = setup.with(&hooks.table("10s")).pair();
    pair.start();
    let status = pair.await_problem("b", "hook-failing");
    let problem = status.problems.iter().find(|problem| problem.id == "hook-failing");
    let text = &problem.expect("it was just there").text;
    assert!(text.contains("10-fail: it ended with exit status 3"), "{text}");
    eventually("the log tells what it printed", || {
        pair.agent_log("b").contains("no such table").then_some(())
    });

    hooks.put("10-fail", &hooks.note());
    pair.kill_host("a");
    pair.await_status("b", "no hook fails any more", |status| {
        status.problems.iter().all(|problem| problem.id != "hook-failing")
    });
}

/// The hooks of both nodes, which share a file system here.
struct Hooks {
    folder: TempDir,
}

impl Hooks {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("there is room for temporary files"),
        }
    }

    /// The table of the configuration.
    fn table(&self, timeout: &str) -> String {
        let directory = self.directory();
        fs::create_dir_all(&directory).expect("the folder is this test's own");
        format!(
            "[hooks]\ndirectory = \"{}\"\ntimeout = \"{timeout}\"",
            directory.display()
        )
    }

    fn put(&self, name: &str, script: &str) {
        let directory = self.directory();
        fs::create_dir_all(&directory).expect("the folder is this test's own");
        // Whole, and never while it is being written.
        let written = directory.join(format!(".{name}"));
        fs::write(&written, format!("#!/bin/sh\n{script}\n")).expect("the folder is this test's own");
        fs::set_permissions(&written, fs::Permissions::from_mode(0o755)).expect("the file is this test's own");
        fs::rename(&written, directory.join(name)).expect("the folder is this test's own");
    }

    /// A script that notes what it is told.
    fn note(&self) -> String {
        let notes = self.notes();
        format!("echo $PAIRD_NODE $PAIRD_EVENT $PAIRD_STATE >> {}", notes.display())
    }

    fn have_noted(&self, line: &str) -> bool {
        let noted = fs::read_to_string(self.notes()).unwrap_or_default();
        noted.lines().any(|noted| noted == line)
    }

    fn notes(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    fn directory(&self) -> PathBuf {
        Path::new(self.folder.path()).join("hooks.d")
    }
}
