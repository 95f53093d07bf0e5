//! The checks against a HAProxy written here, which does on demand what a real one does at its worst.

use std::future::Future;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use super::*;

/// How long a condition may take; a machine that needs more is broken.
const DEADLINE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(20);
const SILENCE_MAX: Duration = Duration::from_millis(200);
const HTTP_TIMEOUT: Duration = Duration::from_millis(500);
/// The node's own address.
const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 2, 10));

const BARE: Settings = Settings {
    haproxy_socket: None,
    http: None,
    tcp: None,
    command: None,
    interval: INTERVAL,
    early: Duration::ZERO,
    silence_max: SILENCE_MAX,
};

/// How the fake answers `show info`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Answers {
        connections: u64,
    },
    /// Much later than one that is well, and before its silence is too long.
    AnswersLate,
    Mute,
    AnswersAndCloses,
}

/// A runtime socket; dropping it is the death of the process.
struct Fake {
    manner: watch::Sender<Manner>,
    /// Connections accepted before the latest reload say that they are stopping.
    generation: watch::Sender<usize>,
    /// Ends every connection and keeps the listener.
    hang_up: watch::Sender<usize>,
    accepted: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Fake {
    fn start(path: &Path) -> Self {
        let listener = UnixListener::bind(path).expect("bind");
        let manner = watch::Sender::new(Manner::Answers { connections: 3 });
        let (generation, hang_up) = (watch::Sender::new(0), watch::Sender::new(0));
        let [accepted, asked, open] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        let (manners, generations) = (manner.subscribe(), generation.subscribe());
        let (hang_ups, opens) = (hang_up.subscribe(), Arc::clone(&open));
        let (accepts, asks) = (Arc::clone(&accepted), Arc::clone(&asked));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("accept");
                accepts.fetch_add(1, Ordering::SeqCst);
                opens.fetch_add(1, Ordering::SeqCst);
                let mut hang_ups = hang_ups.clone();
                hang_ups.mark_unchanged();
                let (manners, generations) = (manners.clone(), generations.clone());
                let (opens, asks) = (Arc::clone(&opens), Arc::clone(&asks));
                connections.spawn(async move {
                    tokio::select! {
                        _ = hang_ups.changed() => {}
                        () = converse(client, manners, generations, &asks) => {}
                    }
                    opens.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            manner,
            generation,
            hang_up,
            accepted,
            asked,
            open,
            _tasks: tasks,
        }
    }

    fn behave(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    fn reload(&self) {
        self.generation.send_modify(|generation| *generation += 1);
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn converse(
    client: UnixStream,
    manners: watch::Receiver<Manner>,
    generations: watch::Receiver<usize>,
    asked: &AtomicUsize,
) {
    let born_in = *generations.borrow();
    let (reader, mut writer) = client.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        asked.fetch_add(1, Ordering::SeqCst);
        let manner = *manners.borrow();
        let connections = match manner {
            Manner::Answers { connections } => connections,
            Manner::AnswersAndCloses => 3,
            Manner::AnswersLate => {
                sleep(SILENCE_MAX / 4).await;
                3
            }
            Manner::Mute => continue,
        };
        let stopping = u8::from(*generations.borrow() > born_in);
        let answer = match line.as_str() {
            "prompt" => "\n> ".to_owned(),
            "show info" => format!(
                "Name: HAProxy\nVersion: 9.9\nMaxconn: 10\nCurrConns: {connections}\nStopping: {stopping}\n\n> "
            ),
            other => panic!("unexpected command {other:?}"),
        };
        if writer.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if manner == Manner::AnswersAndCloses && line == "show info" {
            return;
        }
    }
}

/// The verdicts of running checks.
struct Checks {
    verdicts: mpsc::UnboundedReceiver<Verdict>,
    _task: JoinSet<()>,
}

impl Checks {
    fn start(socket: Option<&Path>, http: Option<SocketAddr>) -> Self {
        Self::of(Settings {
            haproxy_socket: socket.map(Path::to_owned),
            http: http.map(|address| HttpTarget {
                address,
                path: "/".to_owned(),
                timeout: HTTP_TIMEOUT,
            }),
            ..BARE
        })
    }

    fn of(settings: Settings) -> Self {
        Self::along(settings, Rhythm::default())
    }

    fn along(settings: Settings, rhythm: Rhythm) -> Self {
        let (sender, verdicts) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(run(settings, rhythm, Handle::current(), move |verdict| {
            let _ = sender.send(verdict);
        }));
        Self { verdicts, _task: task }
    }

    async fn next(&mut self) -> Verdict {
        within_deadline("a verdict", self.verdicts.recv())
            .await
            .expect("the checks run")
    }

    /// The first verdict that is as wanted, each one before it being as allowed.
    async fn until(&mut self, wanted: impl Fn(&Verdict) -> bool, allowed: impl Fn(&Verdict) -> bool) -> Verdict {
        let give_up = Instant::now() + DEADLINE;
        loop {
            let verdict = self.next().await;
            if wanted(&verdict) {
                return verdict;
            }
            assert!(allowed(&verdict), "{verdict:?}");
            assert!(Instant::now() < give_up, "still {verdict:?}");
        }
    }

    async fn until_healthy(&mut self) -> Verdict {
        self.until(is_healthy, |_| true).await
    }

    /// Lets so many verdicts pass, all of them healthy.
    async fn stays_healthy(&mut self, verdicts: usize) {
        for _ in 0..verdicts {
            let verdict = self.next().await;
            assert!(is_healthy(&verdict), "{verdict:?}");
        }
    }
}

fn is_healthy(verdict: &Verdict) -> bool {
    verdict.state == State::Healthy
}

fn is_down(process_gone: bool) -> impl Fn(&Verdict) -> bool {
    move |verdict| match &verdict.state {
        State::Unhealthy { process_gone: gone, .. } => *gone == process_gone,
        State::Healthy | State::Unknown => false,
    }
}

async fn within_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(DEADLINE, future).await;
    ended.unwrap_or_else(|_| panic!("{what} did not come"))
}

async fn eventually(what: &str, condition: impl Fn() -> bool) {
    within_deadline(what, async {
        while !condition() {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// An HTTP service whose status can be changed; dropping it closes its port.
struct Web {
    address: SocketAddr,
    status: watch::Sender<u16>,
    _tasks: JoinSet<()>,
}

impl Web {
    async fn start() -> Self {
        Self::behind(TcpListener::bind("127.0.0.1:0").await.expect("bind"))
    }

    fn behind(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("address");
        let status = watch::Sender::new(200);
        let statuses = status.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("accept");
                let mut client = BufReader::new(client);
                let mut line = String::new();
                while client.read_line(&mut line).await.is_ok_and(|count| count > 2) {
                    line.clear();
                }
                let answer = format!("HTTP/1.0 {} Any\r\n\r\n", *statuses.borrow());
                let _ = client.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            address,
            status,
            _tasks: tasks,
        }
    }
}

/// A HAProxy on a thread of its own, which goes on while this one is stopped, until `ended`.
async fn start_elsewhere(path: PathBuf, ended: oneshot::Receiver<()>) -> Fake {
    let (give, given) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            assert!(give.send(Fake::start(&path)).is_ok(), "the test waits for it");
            let _ = ended.await;
        });
    });
    given.await.expect("it has begun")
}

/// Stops this thread, and with it all that is in its runtime, as SIGSTOP does with a process.
fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A configuration with these checks, and all else by default.
fn config(check: &str) -> Config {
    let text = format!(
        r#"
        pair = "p"
        node = [{{ name = "a", addresses = ["10.0.1.10"] }}, {{ name = "b", addresses = ["10.0.2.10"] }}]
        address = [{{ allocation_id = "eipalloc-0123abcd" }}]
        check = {{ {check} }}
        probe = {{ none = true }}
        security = {{ insecure_no_key = true }}
    "#
    );
    Config::parse("paird.toml", &text).expect("valid")
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("haproxy.sock");
    (folder, path)
}

#[tokio::test]
async fn an_answering_haproxy_is_healthy_over_one_connection() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let mut checks = Checks::start(Some(&path), None);
    assert_eq!(
        checks.next().await,
        Verdict {
            state: State::Unknown,
            saturated: false,
            detail: "haproxy not asked yet".to_owned()
        }
    );
    let verdict = checks.until_healthy().await;
    assert_eq!(verdict.detail, "haproxy 9.9 with 3 of 10 connections");
    checks.stays_healthy(10).await;
    assert_eq!(fake.accepted(), 1);
}

#[tokio::test]
async fn a_haproxy_at_its_maxconn_is_healthy_and_saturated() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let mut checks = Checks::start(Some(&path), None);
    assert!(!checks.until_healthy().await.saturated);
    fake.behave(Manner::Answers { connections: 10 });
    checks.until(|verdict| verdict.saturated, is_healthy).await;
    fake.behave(Manner::Answers { connections: 9 });
    checks.until(|verdict| !verdict.saturated, is_healthy).await;
}

#[tokio::test]
async fn a_killed_haproxy_is_gone_and_a_restarted_one_is_back() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let mut checks = Checks::start(Some(&path), None);
    checks.until_healthy().await;
    drop(fake);
    let verdict = checks.until(is_down(true), is_healthy).await;
    assert!(verdict.detail.contains("refused"), "{verdict:?}");
    std::fs::remove_file(&path).expect("removed");
    let verdict = checks
        .until(|verdict| verdict.detail.contains("No such file"), is_down(true))
        .await;
    assert!(is_down(true)(&verdict), "{verdict:?}");
    let _fake = Fake::start(&path);
    checks.until(is_healthy, is_down(true)).await;
}

#[tokio::test]
async fn an_end_of_file_alone_is_no_death() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let mut checks = Checks::start(Some(&path), None);
    checks.until_healthy().await;
    fake.hang_up.send_modify(|times| *times += 1);
    eventually("the reconnect", || fake.accepted() == 2).await;
    checks.stays_healthy(10).await;
}

#[tokio::test]
async fn a_reload_is_no_failure_and_the_old_worker_is_let_go() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let mut checks = Checks::start(Some(&path), None);
    checks.until_healthy().await;
    for reloads in 1..=3 {
        fake.reload();
        eventually("the reconnect", || fake.accepted() == 1 + reloads).await;
        eventually("the end of the old connection", || {
            fake.open.load(Ordering::SeqCst) == 1
        })
        .await;
        checks.stays_healthy(3).await;
    }
}

#[tokio::test]
async fn a_silent_haproxy_alone_is_unfit_after_the_bound_and_not_gone() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let mut checks = Checks::start(Some(&path), None);
    checks.until_healthy().await;
    let muted = Instant::now();
    fake.behave(Manner::Mute);
    let verdict = checks.until(is_down(false), is_healthy).await;
    assert!(muted.elapsed() >= SILENCE_MAX, "{verdict:?}");
    assert!(
        verdict
            .detail
            .starts_with("haproxy has not answered on its socket for "),
        "{verdict:?}"
    );
    fake.behave(Manner::Answers { connections: 3 });
    checks.until(is_healthy, is_down(false)).await;
}

/// As many verdicts as a silence has room for: one after each whole interval, and the last one at the bound, which is red.
#[tokio::test]
async fn by_default_a_hung_haproxy_without_another_check_is_unfit_after_a_holdtime() {
    let (_folder, path) = folder();
    let settings = Settings::new(&config(&format!("haproxy = {{ socket = {path:?} }}")), OWN);
    let (interval, holdtime) = (Duration::from_millis(300), Duration::from_secs(1));
    assert_eq!((settings.interval, settings.silence_max), (interval, holdtime));
    let fake = Fake::start(&path);
    let mut checks = Checks::of(settings);
    checks.until_healthy().await;
    fake.behave(Manner::Mute);
    let is_silent = |verdict: &Verdict| verdict.detail.contains("has not answered");
    checks.until(is_silent, is_healthy).await;
    let silent = AtomicUsize::new(1);
    let in_time = |verdict: &Verdict| is_healthy(verdict) && silent.fetch_add(1, Ordering::SeqCst) < 3;
    checks.until(is_down(false), in_time).await;
}

#[tokio::test]
async fn a_haproxy_that_was_never_heard_is_unknown_until_the_bound() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    fake.behave(Manner::Mute);
    let mut checks = Checks::start(Some(&path), None);
    checks
        .until(is_down(false), |verdict| verdict.state == State::Unknown)
        .await;
}

#[tokio::test]
async fn a_full_queue_of_connections_is_silence() {
    let (_folder, path) = folder();
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("socket");
    socket
        .bind(&socket2::SockAddr::unix(&path).expect("path"))
        .expect("bind");
    socket.listen(0).expect("listen");
    let _queued = std::os::unix::net::UnixStream::connect(&path).expect("queued");
    let mut checks = Checks::start(Some(&path), None);
    checks
        .until(is_down(false), |verdict| verdict.state == State::Unknown)
        .await;
}

#[tokio::test]
async fn http_decides_about_a_haproxy_that_is_silent_on_its_socket() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let web = Web::start().await;
    let mut checks = Checks::start(Some(&path), Some(web.address));
    checks.until_healthy().await;
    fake.behave(Manner::Mute);
    let give_up = Instant::now() + SILENCE_MAX * 3;
    checks.until(|_| Instant::now() > give_up, is_healthy).await;
    web.status.send_replace(503);
    let verdict = checks.until(is_down(false), is_healthy).await;
    assert_eq!(
        verdict.state,
        State::Unhealthy {
            reason: "http 503".to_owned(),
            process_gone: false
        }
    );
}

/// Stops this process a few times while a question to HAProxy has no answer yet, and wants nobody to call that a failure.
async fn pause_at_questions(fake: &Fake, path: &Path) {
    let mut checks = Checks::start(Some(path), None);
    checks.until_healthy().await;
    for _ in 0..3 {
        let before = fake.asked();
        fake.behave(Manner::AnswersLate);
        eventually("a question", || fake.asked() > before).await;
        pause(SILENCE_MAX * 2);
        fake.behave(Manner::Answers { connections: 3 });
        checks.stays_healthy(5).await;
    }
}

/// HAProxy answers while the process that has asked it is stopped: its answer is there before the question is found to be old.
#[tokio::test]
async fn what_haproxy_answers_during_a_pause_of_the_asking_process_counts() {
    let (_folder, path) = folder();
    let (_alive, ended) = oneshot::channel::<()>();
    let fake = start_elsewhere(path.clone(), ended).await;
    pause_at_questions(&fake, &path).await;
}

/// HAProxy is stopped together with the process that has asked it, as when a whole host is, and answers after that one has looked.
#[tokio::test]
async fn a_pause_of_the_whole_host_is_no_silence_of_haproxy() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    pause_at_questions(&fake, &path).await;
}

/// The first question has no answer within its time, and most of that was a pause; the second one is answered.
#[tokio::test]
async fn a_pause_of_the_asking_process_is_no_failure_of_a_service_asked_by_http() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let mut checks = Checks::start(None, Some(listener.local_addr().expect("address")));
    let _unanswered = within_deadline("a question", listener.accept()).await.expect("accept");
    pause(HTTP_TIMEOUT + LATE * 2);
    let _web = Web::behind(listener);
    checks
        .until(is_healthy, |verdict| verdict.state == State::Unknown)
        .await;
}

#[tokio::test]
async fn either_check_alone_makes_the_node_unfit() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    let web = Web::start().await;
    let mut checks = Checks::start(Some(&path), Some(web.address));
    checks.until_healthy().await;
    web.status.send_replace(500);
    checks.until(is_down(false), is_healthy).await;
    web.status.send_replace(302);
    checks.until_healthy().await;
    drop(fake);
    checks.until(is_down(true), is_healthy).await;
}

#[tokio::test]
async fn a_refused_http_connection_means_gone_only_where_haproxy_does_not_say_otherwise() {
    let web = Web::start().await;
    let address = web.address;
    let mut alone = Checks::start(None, Some(address));
    alone.until_healthy().await;
    drop(web);
    alone.until(is_down(true), is_healthy).await;

    let (_folder, path) = folder();
    let _fake = Fake::start(&path);
    let mut both = Checks::start(Some(&path), Some(address));
    let unmeasured = |verdict: &Verdict| verdict.state == State::Unknown;
    both.until(is_down(false), unmeasured).await;
}

#[tokio::test]
async fn a_socket_that_closes_after_each_answer_is_not_asked_in_a_tight_loop() {
    let (_folder, path) = folder();
    let fake = Fake::start(&path);
    fake.behave(Manner::AnswersAndCloses);
    let began = Instant::now();
    let _checks = Checks::start(Some(&path), None);
    eventually("five connections", || fake.accepted() >= 5).await;
    // Pauses of 5, 10, 20 and 20 ms lie between them.
    assert!(began.elapsed() >= Duration::from_millis(55));
}

#[tokio::test]
async fn without_any_check_the_node_says_healthy_again_and_again() {
    let mut checks = Checks::start(None, None);
    for _ in 0..3 {
        assert_eq!(
            checks.next().await,
            Verdict {
                state: State::Healthy,
                saturated: false,
                detail: "no check".to_owned()
            }
        );
    }
}

#[test]
fn settings_ask_the_nodes_own_address() {
    let checks =
        r#"http = { port = 8080, path = "/ready" }, tcp = { port = 8081 }, command = { program = "/bin/true" }"#;
    assert_eq!(
        Settings::new(&config(checks), OWN),
        Settings {
            haproxy_socket: None,
            http: Some(HttpTarget {
                address: "10.0.2.10:8080".parse().expect("literal"),
                path: "/ready".to_owned(),
                timeout: Duration::from_millis(200),
            }),
            tcp: Some(TcpTarget {
                address: "10.0.2.10:8081".parse().expect("literal"),
                timeout: Duration::from_millis(200),
            }),
            command: Some(CommandTarget {
                program: "/bin/true".into(),
                timeout: Duration::from_secs(1),
                interval: Duration::from_secs(2),
            }),
            interval: Duration::from_millis(300),
            early: Duration::from_millis(150),
            silence_max: Duration::from_secs(1),
        }
    );
}

#[test]
fn a_question_is_early_by_a_beat_at_most_and_by_half_its_interval() {
    let early = |timing: &str| {
        let text = format!("none = true, {timing}");
        Settings::new(&config(&text), OWN).early.as_millis()
    };
    assert_eq!(early("interval = \"5s\""), 200);
    assert_eq!(early("interval = \"100ms\""), 50);
}

/// Nothing is due for an hour, and the loop turns.
#[tokio::test]
async fn each_question_goes_along_with_a_turn_of_the_loop() {
    let hour = Duration::from_secs(3_600);
    let seldom = Settings {
        interval: hour,
        early: hour,
        ..BARE
    };
    let (_folder, path) = folder();
    let _fake = Fake::start(&path);
    let web = Web::start().await;
    let http = HttpTarget {
        address: web.address,
        path: "/".to_owned(),
        timeout: HTTP_TIMEOUT,
    };
    let tcp = TcpTarget {
        address: web.address,
        timeout: HTTP_TIMEOUT,
    };
    let kinds = [
        Settings {
            haproxy_socket: Some(path),
            ..seldom.clone()
        },
        Settings {
            http: Some(http),
            ..seldom.clone()
        },
        Settings {
            tcp: Some(tcp),
            ..seldom.clone()
        },
        seldom,
    ];
    for settings in kinds {
        let rhythm = Rhythm::default();
        let mut checks = Checks::along(settings, rhythm.clone());
        checks.until_healthy().await;
        let mut beats = JoinSet::new();
        beats.spawn(async move {
            loop {
                rhythm.beat();
                sleep(Duration::from_millis(1)).await;
            }
        });
        for _ in 0..3 {
            assert_eq!(checks.next().await.state, State::Healthy);
        }
    }
}

#[tokio::test]
async fn a_port_that_accepts_is_fit_and_one_that_refuses_is_a_process_that_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let timeout = Duration::from_secs(2);
    let mut checks = Checks::of(Settings {
        tcp: Some(TcpTarget { address, timeout }),
        ..BARE
    });
    assert_eq!(checks.next().await.state, State::Unknown);
    assert_eq!(checks.until_healthy().await.detail, "tcp accepted");
    drop(listener);
    let verdict = checks.until(|verdict| !is_healthy(verdict), is_healthy).await;
    let state = State::Unhealthy {
        reason: "tcp connection refused".to_owned(),
        process_gone: true,
    };
    assert_eq!(verdict.state, state);
}

#[tokio::test]
async fn a_program_tells_by_its_exit_status() {
    let folder = tempfile::tempdir().expect("folder");
    let flag = folder.path().join("fit");
    let program = folder.path().join("check");
    put_script(&program, &format!("test -e {}", flag.display()));
    let mut checks = Checks::of(Settings {
        command: Some(CommandTarget {
            program,
            timeout: DEADLINE,
            interval: INTERVAL,
        }),
        ..BARE
    });
    assert_eq!(checks.next().await.state, State::Unknown);
    let verdict = checks.next().await;
    let state = State::Unhealthy {
        reason: "command: it ended with exit status 1".to_owned(),
        process_gone: false,
    };
    assert_eq!(verdict.state, state);
    std::fs::write(&flag, "").expect("write");
    assert_eq!(checks.until_healthy().await.detail, "command ok");
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_and_one_that_is_not_there_says_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let program = folder.path().join("check");
    let target = CommandTarget {
        program: program.clone(),
        timeout: Duration::from_millis(200),
        interval: INTERVAL,
    };
    let mut checks = Checks::of(Settings {
        command: Some(target),
        ..BARE
    });
    let is_unknown = |verdict: &Verdict| verdict.state == State::Unknown;
    let cannot = |verdict: &Verdict| verdict.detail.starts_with("command cannot be run: ");
    checks.until(cannot, is_unknown).await;
    put_script(&program, "exec sleep 600");
    let is_red = |verdict: &Verdict| matches!(verdict.state, State::Unhealthy { .. });
    let verdict = checks.until(is_red, is_unknown).await;
    assert_eq!(verdict.detail, "command: it took too long and was ended");
}

/// Puts a script in its place whole: a file that is being written cannot be run.
fn put_script(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let draft = path.with_extension("draft");
    std::fs::write(&draft, format!("#!/bin/sh\n{script}\n")).expect("write");
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o755)).expect("mode");
    std::fs::rename(&draft, path).expect("rename");
}
