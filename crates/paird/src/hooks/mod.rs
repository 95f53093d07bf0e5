//! Programs of the operator that are told how the pair is: the executables of `hooks.directory`.
//!
//! ```text
//!  thread "paird"                thread "paird-slow"
//!  Publisher ═══► Board ──► Agenda: what is, what hooks were told ──► Folder ──► one program after the other
//! ```
//!
//! Hooks are told of *states*, not of transitions: of each [`Subject`] the newest state that they were not told yet. They are run by
//! the other thread, which is woken by a picture from which they learn something and by no other: the event loop compares each with the
//! one before when it publishes it. It waits for none of them, so none can delay a takeover, however long it hangs.
//!
//! One runs at a time, in the order of their names. When the state changes while they run, those that are left are skipped, and all of
//! them are told the new state: the last thing that a hook hears is always how things are. A state that came and went meanwhile is
//! told to nobody.

mod agenda;
mod folder;
mod program;

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::metrics::Board;
use crate::news::News;

pub use agenda::{Occasion, Subject, differ};
pub use program::Outcome;

use agenda::Agenda;
use folder::Hook;

/// Which hooks, and how long each may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where they are. A folder that does not exist has none.
    pub directory: PathBuf,
    /// How long one may run before it is ended, 100 ms to 10 min.
    pub timeout: Duration,
}

/// Runs hooks for as long as there are pictures.
pub async fn watch(settings: Settings, mut board: Board, tell: mpsc::Sender<News>) {
    let mut agenda = Agenda::default();
    while board.changed_for_hooks().await {
        follow(&mut agenda, &board);
        while let Some(occasion) = agenda.begin() {
            let news = News::Hooked(run_all(&settings, &occasion, &mut agenda, &mut board).await);
            if tell.send(news).await.is_err() {
                return;
            }
        }
    }
}

/// Tells every hook of this occasion, until another state has taken its place. Returns what failed, in words.
async fn run_all(
    settings: &Settings,
    occasion: &Occasion,
    agenda: &mut Agenda,
    board: &mut Board,
) -> Vec<(String, Outcome)> {
    let mut outcomes = Vec::new();
    for hook in folder::hooks(&settings.directory).await {
        let path = match hook {
            Hook::Usable(path) => path,
            Hook::Refused { path, why } => {
                warn!(hook = %path.display(), why, "hook not run");
                outcomes.push((name_of(&path), Outcome::Refused(why)));
                continue;
            }
        };
        let (event, state, name) = (occasion.subject.name(), occasion.state, name_of(&path));
        if agenda.is_superseded(occasion) {
            info!(
                hook = name,
                event, state, "hook skipped: the state has changed meanwhile"
            );
            outcomes.push((name, Outcome::Skipped));
            continue;
        }
        let running = program::run(&path, occasion, settings.timeout);
        tokio::pin!(running);
        let outcome = loop {
            tokio::select! {
                outcome = &mut running => break outcome,
                is_newer = board.changed_for_hooks() => {
                    if !is_newer {
                        // The daemon ends, and what it has started with it.
                        return outcomes;
                    }
                    follow(agenda, board);
                }
            }
        };
        match &outcome {
            Outcome::Done => info!(hook = name, event, state, "hook done"),
            Outcome::Skipped | Outcome::Refused(_) | Outcome::Failed(_) | Outcome::TimedOut => {
                warn!(hook = name, event, state, %outcome, "hook failed");
            }
        }
        outcomes.push((name, outcome));
    }
    outcomes
}

fn follow(agenda: &mut Agenda, board: &Board) {
    let Some((picture, _)) = board.look() else { return };
    for (subject, state) in agenda.follow(&picture.status) {
        info!(
            event = subject.name(),
            state, "hooks skipped: the state has changed before they ran"
        );
    }
}

fn name_of(path: &std::path::Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
