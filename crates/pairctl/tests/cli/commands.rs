//! The other commands: orders, keys, the configuration check, and what is typed wrongly.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command as Process};

use pair_wire::{
    control::{
        Answer, Command, DIAGNOSIS_VERSION, Diagnosis, Examination, Examined, Examiner, Outcome, Problem, Request,
        Response, Severity,
    },
    key::KeyRing,
};
use pairctl::Exit;
use tempfile::TempDir;

use crate::daemon::{Daemon, Ran, run};
use crate::documents::mutual_backup;

#[test]
fn an_order_about_one_address_of_several_names_it() {
    let cases: [(Command, &[&str]); 3] = [
        (Command::Resume, &["resume", "--address", "second"]),
        (
            Command::Hold {
                for_ms: 1_800_000,
                reason: None,
            },
            &["hold", "--for", "30m", "--address", "second"],
        ),
        (
            Command::Failover {
                to: None,
                force: false,
                drill: false,
            },
            &["failover", "--address", "second"],
        ),
    ];
    for (command, typed) in cases {
        let order = Request::new(command).about(Some("second"));
        let ran = Daemon::answering(order, &Response::done("done")).run(typed);
        assert_eq!((ran.code, ran.out.as_str()), (0, "done\n"), "{typed:?}");
    }
}

#[test]
fn a_drill_of_one_of_several_addresses_has_to_name_it() {
    let response = Response::status(mutual_backup());
    let ran = Daemon::answering(Request::new(Command::Status), &response).run(&["drill", "--yes"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.err
            .contains("name it with --address: the addresses are 203.0.113.10, 203.0.113.11"),
        "{}",
        ran.err
    );
}

#[test]
fn a_failover_tells_what_was_done() {
    let order = Request::new(Command::Failover {
        to: None,
        force: false,
        drill: false,
    });
    let ran = Daemon::answering(order, &Response::done("moved 203.0.113.10: a → b")).run(&["failover"]);
    assert_eq!(
        ran,
        Ran {
            code: 0,
            out: "moved 203.0.113.10: a → b\n".to_owned(),
            err: String::new()
        }
    );
}

#[test]
fn a_refused_failover_says_why() {
    let order = Request::new(Command::Failover {
        to: Some("b".to_owned()),
        force: false,
        drill: false,
    });
    let refusal = Response::refused("node b is not ready", Some("`pairctl status` on b says why".to_owned()));
    let ran = Daemon::answering(order, &refusal).run(&["failover", "--to", "b"]);
    let err = "pairctl: refused: node b is not ready\nhint: `pairctl status` on b says why\n".to_owned();
    assert_eq!(
        ran,
        Ran {
            code: 4,
            out: String::new(),
            err
        }
    );
}

#[test]
fn a_reload_tells_what_is_in_force_or_every_mistake() {
    let reload = Request::new(Command::Reload);
    let done = Response::done("in force: takeover.refit \"2m\" (was \"1m\")");
    let ran = Daemon::answering(reload.clone(), &done).run(&["reload"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "in force: takeover.refit \"2m\" (was \"1m\")\n")
    );
    let refusal = Response::refused("the files are wrong, and nothing has changed\n  paird.toml:3: …", None);
    let ran = Daemon::answering(reload, &refusal).run(&["reload"]);
    let err = "pairctl: refused: the files are wrong, and nothing has changed\n  paird.toml:3: …\n";
    assert_eq!((ran.code, ran.err.as_str()), (4, err));
}

#[test]
fn an_order_without_an_answer_may_have_been_carried_out() {
    let ran = Daemon::hanging().run(&["failover", "--timeout", "50ms"]);
    let err = "pairctl: the daemon did not answer within 50ms\n\
        hint: the order may be carried out all the same: see `pairctl status`, and `journalctl -u paird`\n";
    assert_eq!(
        ran,
        Ran {
            code: 3,
            out: String::new(),
            err: err.to_owned()
        }
    );
}

#[test]
fn a_generated_key_is_a_line_of_a_key_file_and_never_the_same() {
    let (one, other) = (run(&["key", "generate", "--id", "7"]), run(&["key", "generate"]));
    assert_eq!(
        (one.code, one.err.as_str(), one.out.len()),
        (0, "", "7 ".len() + 64 + 1)
    );
    let ring = KeyRing::parse(&format!("{}{}", one.out, other.out)).unwrap();
    assert_eq!(ring.keys().map(pair_wire::key::Key::id).collect::<Vec<_>>(), [7, 1]);
    assert_ne!(one.out[2..], other.out[2..]);
}

#[test]
fn version_names_what_is_spoken() {
    let out = format!(
        "pairctl {}, control protocol 1, heartbeats 1\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(
        run(&["version"]),
        Ran {
            code: 0,
            out,
            err: String::new()
        }
    );
}

#[test]
fn what_is_typed_wrongly_is_usage() {
    let cases: [(&[&str], &str); 9] = [
        (&[], "Usage: pairctl"),
        (&["stat"], "'status'"),
        (&["status", "--jsno"], "'--json'"),
        (&["key", "generate", "--id", "256"], "256 is not in 0..=255"),
        (&["status", "--timeout", "soon"], "expected number at 0"),
        (&["status", "--timeout", "0s"], "it must be between 10ms and 10min"),
        (&["status", "--watch", "0"], "it must be between 0.1 and 3600"),
        (&["status", "--watch", "--json"], "cannot be used with"),
        (&["wait", "--ready", "--active"], "cannot be used with"),
    ];
    for (args, says) in cases {
        let ran = run(args);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{args:?}");
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
}

#[test]
fn help_is_no_error() {
    let ran = run(&["--help"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for command in ["status", "wait", "failover", "check", "doctor", "key", "version"] {
        assert!(ran.out.contains(&format!("\n  {command} ")), "{}", ran.out);
    }
}

#[test]
fn check_runs_the_daemon_beside_it_and_passes_its_output_on() {
    let installed = install(Some("/bin/echo"));
    let output = pairctl(installed.path())
        .args(["check", "--config", "/some/file"])
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"check --config /some/file\n"[..])
    );
    let output = pairctl(installed.path()).arg("check").output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"check\n"[..])
    );
}

#[test]
fn check_passes_the_exit_code_on() {
    let installed = install(Some("/bin/false"));
    assert_eq!(
        pairctl(installed.path()).arg("check").output().unwrap().status.code(),
        Some(1)
    );
}

#[test]
fn check_finds_the_daemon_along_the_path() {
    let (alone, elsewhere) = (install(None), install(Some("/bin/echo")));
    let output = pairctl(alone.path())
        .arg("check")
        .env("PATH", elsewhere.path())
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"check\n"[..])
    );
}

#[test]
fn check_without_a_daemon_fails() {
    let alone = install(None);
    let output = pairctl(alone.path())
        .arg("check")
        .env("PATH", alone.path())
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(5), &b""[..]));
    let err = "pairctl: cannot run paird: No such file or directory (os error 2)\n\
        hint: paird is looked for beside pairctl, then along PATH\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), err);
}

#[test]
fn doctor_has_the_daemon_examine_its_node_and_its_exit_code_is_the_worst_finding() {
    for (severity, code) in [(None, 0), (Some(Severity::Degraded), 1), (Some(Severity::Critical), 2)] {
        let response = Response::new(Outcome::Ok(Answer::Diagnosis(Box::new(diagnosis(severity)))));
        let ran = Daemon::answering(Request::new(Command::Doctor), &response).run(&["doctor"]);
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{ran:?}");
        assert!(
            ran.out
                .starts_with("pair lb-1, node a, examined by its running agent\n"),
            "{ran:?}"
        );
        let printed = Daemon::answering(Request::new(Command::Doctor), &response).run(&["doctor", "--json"]);
        let read: Diagnosis = serde_json::from_str(&printed.out).unwrap();
        assert_eq!((printed.code, read), (code, diagnosis(severity)));
    }
}

#[test]
fn doctor_without_a_daemon_runs_paird_and_passes_output_and_exit_code_on() {
    let installed = install(Some("/bin/echo"));
    let nobody = installed.path().join("nobody.sock");
    let doctor = |args: &[&str]| {
        let output = pairctl(installed.path())
            .arg("--socket")
            .arg(&nobody)
            .arg("doctor")
            .args(args)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, out, err) = doctor(&["--json"]);
    assert_eq!((code, out.as_str()), (Some(0), "doctor --json\n"));
    assert!(
        err.starts_with("pairctl: there is no control socket at ") && err.ends_with("; examining without it\n"),
        "{err}"
    );
    assert_eq!(
        doctor(&["--config", "/some/file", "--node", "a"]),
        (
            Some(0),
            "doctor --config /some/file --node a\n".to_owned(),
            String::new()
        )
    );
    let failing = install(Some("/bin/false"));
    let output = pairctl(failing.path())
        .args(["doctor", "--node", "a"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_daemon_that_refuses_or_is_stuck_is_not_gone_round() {
    let refusal = Response::refused("this is for root", None);
    let refused = Daemon::answering(Request::new(Command::Doctor), &refusal).run(&["doctor"]);
    assert_eq!((refused.code, refused.out.as_str()), (4, ""));
    let stuck = Daemon::hanging().run(&["doctor", "--timeout", "50ms"]);
    assert_eq!((stuck.code, stuck.out.as_str()), (3, ""));
}

fn diagnosis(severity: Option<Severity>) -> Diagnosis {
    let finding = severity.map(|severity| Problem {
        id: "clock-off".to_owned(),
        severity,
        text: "an hour behind".to_owned(),
        hint: None,
        address: None,
    });
    let result = match finding {
        Some(finding) => Examined::Found {
            findings: vec![finding],
        },
        None => Examined::Sound {
            seen: "0 s from EC2's".to_owned(),
        },
    };
    Diagnosis {
        version: DIAGNOSIS_VERSION,
        pair: Some("lb-1".to_owned()),
        node: Some("a".to_owned()),
        examiner: Examiner::Agent,
        examinations: vec![Examination {
            subject: "clock".to_owned(),
            result,
        }],
    }
}

#[test]
fn exit_codes_are_distinct_and_documented() {
    let mut codes: Vec<u8> = Exit::ALL.into_iter().map(Exit::code).collect();
    codes.dedup();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 64]);
    let operating = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/OPERATING.md");
    let operating = fs::read_to_string(operating).unwrap();
    for exit in Exit::ALL {
        let row = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(operating.contains(&row), "docs/OPERATING.md lacks: {row}");
    }
}

/// A directory with `pairctl`, and a `paird` that is this program.
fn install(paird: Option<&str>) -> TempDir {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // A hard link, for the program looks beside itself, not beside what a symbolic link points to.
    fs::hard_link(env!("CARGO_BIN_EXE_pairctl"), directory.path().join("pairctl")).unwrap();
    if let Some(paird) = paird {
        symlink(paird, directory.path().join("paird")).unwrap();
    }
    directory
}

fn pairctl(directory: &Path) -> Process {
    Process::new(directory.join("pairctl"))
}
