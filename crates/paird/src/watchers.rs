//! The tasks behind which a setting stands: begun at the start, and anew when a reload changes the setting. All of them run on the other
//! thread, but for the checks of the service, which go along with the event loop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use pair_core::{Instant, Member};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::check::{self, Rhythm};
use crate::clock::Clock;
use crate::config::Config;
use crate::doctor::Patient;
use crate::hooks;
use crate::metrics::{self, Board, Publisher, Shown, Waiting};
use crate::news::News;
use crate::vitals::{self, Unchanged};

/// What does not change while the daemon runs.
#[derive(Debug)]
pub struct Surroundings {
    /// Which of the two nodes this is.
    pub me: Member,
    /// This node's own address.
    pub own: IpAddr,
    /// Where each Elastic IP lands here, in the order of the file.
    pub private_ips: Vec<Ipv4Addr>,
    /// The daemon's clock.
    pub clock: Clock,
    /// The runtime of the event loop.
    pub here: Handle,
    /// The runtime of the other thread.
    pub elsewhere: Handle,
    /// Where the tasks tell what they see.
    pub tell: mpsc::Sender<News>,
    /// Where they leave what says nothing new.
    pub unchanged: Arc<Unchanged>,
    /// The turns of the event loop.
    pub rhythm: Rhythm,
}

/// The tasks.
#[derive(Debug)]
pub struct Watchers {
    around: Surroundings,
    board: Board,
    service: JoinHandle<()>,
    landing: JoinHandle<()>,
    host: JoinHandle<()>,
    /// Wants the host examined soon.
    examine_host: Arc<Notify>,
    hooks: JoinHandle<()>,
    metrics: Option<JoinHandle<()>>,
}

impl Watchers {
    /// Begins all of them, and gives what shows the pair to metrics and hooks. `before` serves metrics until then, if anybody does.
    #[must_use]
    pub fn start(around: Surroundings, config: &Config, before: Option<JoinHandle<()>>) -> (Self, Publisher) {
        let (publisher, board) = metrics::channel(around.clock);
        let examine_host = Arc::new(Notify::new());
        let mut watchers = Self {
            service: around.watch_service(config),
            landing: around.watch_landing(config),
            host: around.watch_host(config, Arc::clone(&examine_host)),
            examine_host,
            hooks: around.tell_hooks(config, board.clone()),
            metrics: before,
            board,
            around,
        };
        watchers.serve_metrics(config.metrics_listen);
        (watchers, publisher)
    }

    /// Begins those anew that look at something else from here on.
    pub fn follow(&mut self, before: &Config, after: &Config) {
        let checks = |config| check::Settings::new(config, self.around.own);
        if checks(before) != checks(after) {
            self.service.abort();
            self.service = self.around.watch_service(after);
        }
        if probed_port(before) != probed_port(after) {
            self.landing.abort();
            self.landing = self.around.watch_landing(after);
        }
        if before != after {
            // It looks at much of the configuration, and a look more does no harm.
            self.host.abort();
            self.host = self.around.watch_host(after, Arc::clone(&self.examine_host));
        }
        if before.hooks != after.hooks {
            // What runs ends with its task, and hooks are told anew how everything is.
            self.hooks.abort();
            self.hooks = self.around.tell_hooks(after, self.board.clone());
        }
        if before.metrics_listen != after.metrics_listen {
            self.serve_metrics(after.metrics_listen);
        }
    }

    /// Takes what the checks said again since it was last asked (F-16).
    pub fn take_unchanged(&self, now: Instant, age: Duration) -> Option<check::Verdict> {
        self.around.unchanged.take(now, age)
    }

    /// Tells those who ask along with the event loop that it turns.
    pub fn beat(&self) {
        self.around.rhythm.beat();
    }

    /// Has files, kernel and HAProxy of this host looked at soon.
    pub fn examine_host_soon(&self) {
        self.examine_host.notify_one();
    }

    /// Serves metrics there, or nowhere, and no longer where they were.
    fn serve_metrics(&mut self, address: Option<SocketAddr>) {
        let before = self.metrics.take();
        if let Some(before) = &before {
            before.abort();
        }
        self.metrics = address.map(|address| {
            let serve = serve_metrics(before, address, self.board.clone(), self.around.tell.clone());
            self.around.elsewhere.spawn(serve)
        });
    }
}

impl Surroundings {
    fn watch_service(&self, config: &Config) -> JoinHandle<()> {
        let watch = vitals::watch_service(
            check::Settings::new(config, self.own),
            self.rhythm.clone(),
            self.elsewhere.clone(),
            self.clock,
            self.tell.clone(),
            Arc::clone(&self.unchanged),
        );
        self.here.spawn(watch)
    }

    fn tell_hooks(&self, config: &Config, board: Board) -> JoinHandle<()> {
        let settings = hooks::Settings {
            directory: config.hooks.directory.clone(),
            timeout: config.hooks.timeout,
        };
        self.elsewhere.spawn(hooks::watch(settings, board, self.tell.clone()))
    }

    fn watch_host(&self, config: &Config, soon: Arc<Notify>) -> JoinHandle<()> {
        let patient = Patient {
            config: config.clone(),
            me: self.me,
            private_ips: self.private_ips.clone(),
        };
        self.elsewhere
            .spawn(vitals::watch_host(patient, soon, self.tell.clone()))
    }

    fn watch_landing(&self, config: &Config) -> JoinHandle<()> {
        let watch = vitals::watch_landing(self.private_ips.clone(), probed_port(config), self.tell.clone());
        self.elsewhere.spawn(watch)
    }
}

/// Serves metrics. A port that is taken must not keep a pair from failing over: it is told, and that is all.
async fn serve_metrics(before: Option<JoinHandle<()>>, address: SocketAddr, board: Board, tell: mpsc::Sender<News>) {
    if let Some(before) = before {
        // It was told to end, and holds its port until then; how it ends does not matter.
        let _ = before.await;
    }
    let opened = metrics::open(address);
    let outcome = opened.as_ref().map(|_| ()).map_err(|error| {
        error!(%address, %error, "metrics are not served; all else goes on");
        format!("cannot listen on {address}: {error}")
    });
    if tell.send(News::Metrics(outcome)).await.is_err() {
        return;
    }
    if let Ok(listener) = opened {
        info!(%address, "metrics are served");
        metrics::serve(listener, Shown::Pair(board)).await;
    }
}

/// Serves what a node has to show while it waits to be a member. A port that is taken must not keep it from being found.
pub async fn serve_waiting(address: SocketAddr, waiting: Waiting) {
    match metrics::open(address) {
        Ok(listener) => metrics::serve(listener, Shown::Waiting(waiting)).await,
        Err(error) => warn!(%address, %error, "metrics are not served while this node waits"),
    }
}

fn probed_port(config: &Config) -> Option<u16> {
    config.probe.as_ref().map(|probe| probe.port)
}
