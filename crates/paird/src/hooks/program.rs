//! One run of one hook: what it is given, how long it may take, and what became of it.

use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use pair_wire::control::{AddressStatus, Status};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process;
use tokio::time::timeout;
use tracing::info;

use super::Occasion;
use crate::child::{self, Child};

/// What became of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ended with 0.
    Done,
    /// It was not run, because the state that it would have been told had changed.
    Skipped,
    /// It was not run, for this reason.
    Refused(&'static str),
    /// It could not be started, or ended otherwise.
    Failed(String),
    /// It ran for too long and was ended.
    TimedOut,
}

impl Outcome {
    /// What metrics call it.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Skipped => "skipped",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timeout",
        }
    }

    /// Whether somebody should look.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        match self {
            Self::Done | Self::Skipped => false,
            Self::Refused(_) | Self::Failed(_) | Self::TimedOut => true,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Skipped => f.write_str("skipped"),
            Self::Refused(why) => f.write_str(why),
            Self::Failed(why) => f.write_str(why),
            Self::TimedOut => f.write_str("it took too long and was ended"),
        }
    }
}

/// Runs a program to its end, or until its time is over; what it prints goes to the log.
pub(super) async fn run(path: &Path, occasion: &Occasion, limit: Duration) -> Outcome {
    let mut command = child::command(path);
    command
        .envs(environment(occasion))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match Child::start(&mut command) {
        Ok(child) => child,
        Err(error) => return Outcome::Failed(format!("it cannot be started: {error}")),
    };
    let hook = super::name_of(path);
    let attended = timeout(limit, attend(&mut child.process, &hook, document(occasion))).await;
    match attended {
        Ok(outcome) => outcome,
        Err(_) => {
            child.end().await;
            Outcome::TimedOut
        }
    }
}

/// Gives the program its document, takes what it prints, and waits for its end.
async fn attend(child: &mut process::Child, hook: &str, document: String) -> Outcome {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // Not every hook reads it.
            let _ = stdin.write_all(document.as_bytes()).await;
        }
    };
    let ended = async {
        let status = child.wait().await;
        // Whatever it has left running may hold its output open for as long as it likes.
        tokio::time::sleep(AFTERWORD).await;
        status
    };
    let printed = async { tokio::join!(log(stdout, hook, "stdout"), log(stderr, hook, "stderr"), feed) };
    tokio::pin!(ended, printed);
    let mut is_read = false;
    let status = loop {
        tokio::select! {
            biased;
            _ = &mut printed, if !is_read => is_read = true,
            status = &mut ended => break status,
        }
    };
    match status {
        Ok(status) if status.success() => Outcome::Done,
        Ok(status) => Outcome::Failed(child::end_of(status)),
        Err(error) => Outcome::Failed(format!("nobody can tell how it ended: {error}")),
    }
}

/// Logs what a program prints, line by line, up to [`OUTPUT_LIMIT`]; the rest is read and forgotten.
async fn log(stream: Option<impl AsyncRead + Unpin>, hook: &str, stream_name: &str) {
    let Some(mut stream) = stream else { return };
    let mut rest = OUTPUT_LIMIT;
    let mut line = Vec::new();
    let mut chunk = [0; 4096];
    let tell = |line: &[u8]| info!(hook, stream = stream_name, line = %String::from_utf8_lossy(line), "hook says");
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        let taken = length.min(rest);
        rest -= taken;
        line.extend_from_slice(&chunk[..taken]);
        while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            tell(&line[..end]);
            line.drain(..=end);
        }
    }
    if !line.is_empty() {
        tell(&line);
    }
    if rest == 0 {
        info!(
            hook,
            stream = stream_name,
            limit = OUTPUT_LIMIT,
            "what it printed beyond this is not logged"
        );
    }
}

/// The facts, for a shell.
fn environment(occasion: &Occasion) -> Vec<(&'static str, String)> {
    let status: &Status = &occasion.status;
    let address = address(occasion);
    let holder = address.and_then(|address| address.holder.clone()).map(String::from);
    let known = |text: Option<String>| text.unwrap_or_default();
    vec![
        ("PAIRD_EVENT", occasion.subject.name().to_owned()),
        ("PAIRD_STATE", occasion.state.to_owned()),
        ("PAIRD_PREVIOUS", known(occasion.previous.map(str::to_owned))),
        ("PAIRD_AT", occasion.at.clone()),
        ("PAIRD_PAIR", status.pair.clone()),
        ("PAIRD_NODE", status.node.name.clone()),
        ("PAIRD_PEER", status.peer.node.name.clone()),
        ("PAIRD_HOLDER", known(holder)),
        (
            "PAIRD_ALLOCATION_ID",
            known(address.map(|address| address.allocation_id.clone())),
        ),
        (
            "PAIRD_PUBLIC_IP",
            known(address.and_then(|address| address.public_ip.clone())),
        ),
        (
            "PAIRD_ADDRESS_NAME",
            known(address.and_then(|address| address.name.clone())),
        ),
    ]
}

/// The address that an occasion is about: of several none, if it is about the node or the pair.
fn address(occasion: &Occasion) -> Option<&AddressStatus> {
    match (occasion.address, &occasion.status.addresses[..]) {
        (Some(place), addresses) => addresses.get(place),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// The facts, for everybody else: with the status document of that moment.
fn document(occasion: &Occasion) -> String {
    let document = json!({
        "version": DOCUMENT_VERSION,
        "event": occasion.subject.name(),
        "state": occasion.state,
        "previous": occasion.previous,
        "at": occasion.at,
        "address": address(occasion).map(|address| &address.allocation_id),
        "status": *occasion.status,
    });
    format!("{document}\n")
}

/// The version of what a hook reads.
const DOCUMENT_VERSION: u32 = 1;

/// How much of what a hook prints is logged, in bytes of each stream: a few screens.
const OUTPUT_LIMIT: usize = 16 * 1024;

/// How long what a hook has printed may still be on its way when it has ended.
const AFTERWORD: Duration = Duration::from_millis(50);

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;
    use std::thread;
    use std::time::Instant;

    use rustix::process::{Pid, Signal};

    use super::*;
    use crate::hooks::Subject;

    /// The status of a pair that is well, as its standby sees it.
    pub(in crate::hooks) fn status() -> Status {
        let node = |name: &str, role: &str| {
            json!({
                "name": name, "instance_id": null, "private_ip": null, "zone": null, "role": role,
                "service": "haproxy ok", "ready": true, "leaving": false,
            })
        };
        let mut peer = node("b", "active");
        let contact = json!({
            "link": "up", "heard_ago_ms": 80, "rtt_ms": 0.6, "loss_percent": 0.0, "probe": null, "agent_version": null,
        });
        peer.as_object_mut()
            .unwrap()
            .extend(contact.as_object().unwrap().clone());
        let document = json!({
            "version": 1, "pair": "lb-1", "state": "healthy", "problems": [],
            "node": node("a", "passive"), "peer": peer,
            "addresses": [{
                "public_ip": "203.0.113.10", "allocation_id": "eipalloc-1", "association_id": null, "holder": "b",
                "holder_source": "ec2", "holder_age_ms": 5, "target_private_ip": null, "ec2_checked_ago_ms": 5,
            }],
            "ready": { "ready": true, "reasons": [] },
            "decision": { "verdict": "wait", "rule": "F-19", "evidence": [] },
            "hold_left_ms": null, "last_takeover": null, "drops": {},
            "agent": {
                "version": "0", "pid": 1, "uptime_ms": 5000, "as_of_ms": 1, "written_at_loop_age_ms": 0,
                "loop_stale_after_ms": 2000,
            },
        });
        serde_json::from_value(document).unwrap()
    }

    fn occasion() -> Occasion {
        Occasion {
            subject: Subject::Role,
            address: None,
            state: "passive",
            previous: Some("active"),
            at: "2026-01-01T00:00:00.000Z".to_owned(),
            status: Arc::new(status()),
        }
    }

    /// Runs a script and returns what became of it, and what it has written to its file.
    fn play(script: &str, limit: Duration) -> (Outcome, String) {
        let folder = tempfile::tempdir().unwrap();
        let (path, file) = (folder.path().join("10-hook"), folder.path().join("written"));
        let script = script.replace("FILE", &file.display().to_string());
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let outcome = runtime.block_on(run(&path, &occasion(), limit));
        (outcome, fs::read_to_string(file).unwrap_or_default())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn it_is_given_the_facts_as_environment_and_as_a_document() {
        let (outcome, written) = play(
            "echo $PAIRD_EVENT $PAIRD_PREVIOUS $PAIRD_STATE $PAIRD_PAIR $PAIRD_NODE $PAIRD_PEER $PAIRD_HOLDER > FILE; cat >> FILE",
            LONG,
        );
        assert_eq!(outcome, Outcome::Done);
        let (first, document) = written.split_once('\n').unwrap();
        assert_eq!(first, "role active passive lb-1 a b b");
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        assert_eq!(document["state"], "passive");
        assert_eq!(document["status"]["addresses"][0]["public_ip"], "203.0.113.10");
    }

    #[test]
    fn an_exit_status_and_a_signal_are_failures() {
        let failed = |why: &str| Outcome::Failed(why.to_owned());
        assert_eq!(play("exit 3", LONG).0, failed("it ended with exit status 3"));
        assert_eq!(play("kill -9 $$", LONG).0, failed("it was ended by signal 9"));
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_has_started() {
        let limit = Duration::from_millis(300);
        let (outcome, written) = play("trap '' TERM; sleep 600 & echo $! > FILE; wait; sleep 600", limit);
        assert_eq!(outcome, Outcome::TimedOut);
        let child = written.trim();
        assert!(!child.is_empty(), "it was ended before it has started anything");
        // The kernel ends it when it next looks at it; a zombie waits for whoever has adopted it.
        let deadline = Instant::now() + LONG;
        let is_over = |state: &str| state.is_empty() || state.contains(") Z ") || state.contains(") X ");
        loop {
            let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            if is_over(&state) {
                break;
            }
            assert!(Instant::now() < deadline, "{state}");
            thread::yield_now();
        }
    }

    #[test]
    fn what_it_leaves_running_is_not_waited_for() {
        let (outcome, written) = play("sleep 600 & echo $! > FILE", LONG);
        assert_eq!(outcome, Outcome::Done);
        let left = Pid::from_raw(written.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).unwrap();
    }

    #[test]
    fn a_hook_that_neither_reads_nor_stops_printing_is_no_trouble() {
        let (outcome, _) = play("head -c 1000000 /dev/zero; exit 0", LONG);
        assert_eq!(outcome, Outcome::Done);
    }
}
