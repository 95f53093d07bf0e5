//! The checks against the real `haproxy`, where it is installed.

use std::cell::Cell;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;

use super::*;

const DEADLINE: Duration = Duration::from_secs(30);

/// HAProxy in master-worker mode, as its packages run it.
struct Haproxy {
    master: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Haproxy {
    /// Starts one with a runtime socket and a frontend that answers 200; `None`, with a line that says so, where the program
    /// is not installed and may be missing.
    fn start(test: &str, maxconn: u16) -> Option<Self> {
        if Command::new("haproxy")
            .arg("-v")
            .stdout(Stdio::null())
            .status()
            .is_err()
        {
            assert!(
                std::env::var_os("PAIRD_NO_SKIP").as_deref() != Some(OsStr::new("1")),
                "haproxy is not installed"
            );
            println!("SKIPPED: {test}: haproxy is not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("folder");
        let port = free_port();
        let config = format!(
            "global\n  stats socket {} mode 600 level user\n  maxconn {maxconn}\n\
             defaults\n  mode http\n  timeout client 60s\n  timeout connect 1s\n  timeout server 1s\n\
             frontend service\n  bind 127.0.0.1:{port}\n  http-request return status 200\n",
            socket(&folder).display()
        );
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, config).expect("written");
        let master = Command::new("haproxy")
            .args(["-W", "-db", "-f"])
            .arg(file)
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        Some(Self { master, folder, port })
    }

    fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    fn http(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    fn master(&self) -> Pid {
        Pid::from_child(&self.master)
    }

    /// The master's children, by the kernel's word.
    fn workers(&self) -> Vec<Pid> {
        let pid = self.master.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        children
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            .collect()
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        for worker in self.workers() {
            let _ = kill_process(worker, Signal::KILL);
        }
        let _ = self.master.kill();
        let _ = self.master.wait();
    }
}

fn socket(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("haproxy.sock")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("address").port()
}

fn watch(socket: &Path, http: Option<SocketAddr>) -> (mpsc::UnboundedReceiver<Verdict>, JoinSet<()>) {
    let settings = Settings {
        haproxy_socket: Some(socket.to_owned()),
        http: http.map(|address| HttpTarget {
            address,
            path: "/".to_owned(),
            timeout: Duration::from_secs(2),
        }),
        tcp: None,
        command: None,
        interval: Duration::from_millis(50),
        early: Duration::ZERO,
        silence_max: Duration::from_secs(3),
    };
    let (sender, verdicts) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(run(settings, Rhythm::default(), Handle::current(), move |verdict| {
        let _ = sender.send(verdict);
    }));
    (verdicts, tasks)
}

/// Waits for a verdict as wanted and returns those before it.
async fn until(verdicts: &mut mpsc::UnboundedReceiver<Verdict>, wanted: impl Fn(&Verdict) -> bool) -> Vec<Verdict> {
    let mut passed = Vec::new();
    let found = tokio::time::timeout(DEADLINE, async {
        loop {
            let verdict = verdicts.recv().await.expect("the checks run");
            if wanted(&verdict) {
                return;
            }
            passed.push(verdict);
        }
    });
    assert!(found.await.is_ok(), "last {:?}", passed.last());
    passed
}

fn is_healthy(verdict: &Verdict) -> bool {
    verdict.state == State::Healthy
}

fn is_gone(verdict: &Verdict) -> bool {
    matches!(verdict.state, State::Unhealthy { process_gone: true, .. })
}

#[tokio::test]
async fn a_real_haproxy_that_is_killed_is_gone() {
    let Some(haproxy) = Haproxy::start("a_real_haproxy_that_is_killed_is_gone", 100) else {
        return;
    };
    let (mut verdicts, _tasks) = watch(&haproxy.socket(), Some(haproxy.http()));
    until(&mut verdicts, is_healthy).await;
    for worker in haproxy.workers() {
        kill_process(worker, Signal::KILL).expect("killed");
    }
    until(&mut verdicts, is_gone).await;
}

#[tokio::test]
async fn a_real_reload_stays_healthy_and_ends_the_old_worker() {
    let Some(haproxy) = Haproxy::start("a_real_reload_stays_healthy_and_ends_the_old_worker", 100) else {
        return;
    };
    let (mut verdicts, _tasks) = watch(&haproxy.socket(), Some(haproxy.http()));
    until(&mut verdicts, is_healthy).await;
    for _ in 0..3 {
        let before = haproxy.workers();
        // Nobody but us is connected, so the old worker ends as soon as we let it go. A master that has just forked its
        // worker is deaf for a moment: as long as nothing has changed, it is asked again about once a second.
        let asked = Cell::new(0);
        let passed = until(&mut verdicts, |_| {
            let workers = haproxy.workers();
            if workers == before && asked.replace(asked.get() + 1) % 40 == 0 {
                kill_process(haproxy.master(), Signal::USR2).expect("reloaded");
            }
            !workers.is_empty() && workers.iter().all(|worker| !before.contains(worker))
        });
        let unfit: Vec<_> = passed
            .await
            .into_iter()
            .filter(|verdict| !is_healthy(verdict))
            .collect();
        assert!(unfit.is_empty(), "{unfit:?}");
        until(&mut verdicts, is_healthy).await;
    }
}

#[tokio::test]
async fn a_real_haproxy_that_is_stopped_is_unfit_and_not_gone() {
    let Some(haproxy) = Haproxy::start("a_real_haproxy_that_is_stopped_is_unfit_and_not_gone", 100) else {
        return;
    };
    let (mut verdicts, _tasks) = watch(&haproxy.socket(), None);
    until(&mut verdicts, is_healthy).await;
    let workers = haproxy.workers();
    for worker in &workers {
        kill_process(*worker, Signal::STOP).expect("stopped");
    }
    until(&mut verdicts, |verdict| {
        matches!(
            verdict.state,
            State::Unhealthy {
                process_gone: false,
                ..
            }
        )
    })
    .await;
    for worker in &workers {
        kill_process(*worker, Signal::CONT).expect("continued");
    }
    until(&mut verdicts, is_healthy).await;
}

#[tokio::test]
async fn a_real_haproxy_at_its_maxconn_says_so_on_its_socket() {
    let Some(haproxy) = Haproxy::start("a_real_haproxy_at_its_maxconn_says_so_on_its_socket", 3) else {
        return;
    };
    let (mut verdicts, _tasks) = watch(&haproxy.socket(), None);
    until(&mut verdicts, is_healthy).await;
    let _clients: Vec<_> = (0..3)
        .map(|_| TcpStream::connect(haproxy.http()).expect("connected"))
        .collect();
    until(&mut verdicts, |verdict| verdict.saturated && is_healthy(verdict)).await;
}
