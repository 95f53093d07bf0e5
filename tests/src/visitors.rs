//! Visitors of the published address, one after the other: a new connection each, and whether it was served.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Visits until it is ended.
#[derive(Debug)]
pub struct Visitors {
    ended: Arc<AtomicBool>,
    visits: JoinHandle<Visited>,
}

/// How the visits went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visited {
    /// How many were served.
    pub served: usize,
    /// Why each of the others was not.
    pub failed: Vec<String>,
}

impl Visited {
    /// Sees to it that no more visits failed than moves broke: each breaks the connections that are open, and there is one at a time.
    ///
    /// # Panics
    /// With the reasons, if there were more.
    pub fn assert_that_only_moves_broke_any(&self, moves: usize) {
        assert!(self.failed.len() <= moves, "{moves} moves: {:?}", self.failed);
    }
}

impl Visitors {
    pub(crate) fn of(published: SocketAddr) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let visits = thread::spawn(move || {
            let mut visited = Visited::default();
            while !until.load(Ordering::Relaxed) {
                match visit(published) {
                    Ok(()) => visited.served += 1,
                    Err(error) => visited.failed.push(error.to_string()),
                }
                thread::sleep(PAUSE);
            }
            visited
        });
        Self { ended, visits }
    }

    /// Ends the visits, and says how they went.
    ///
    /// # Panics
    /// If nobody was served at all: then it says nothing that nobody was turned away.
    #[must_use]
    pub fn end(self) -> Visited {
        self.ended.store(true, Ordering::Relaxed);
        let visited = self.visits.join().expect("a visitor does not panic");
        assert!(visited.served > 0, "nobody was served: {visited:?}");
        visited
    }
}

/// One visit, on a connection of its own.
fn visit(published: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&published, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: lb\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        let line = answer.lines().next().unwrap_or("nothing");
        Err(std::io::Error::other(format!("answered {line:?}")))
    }
}

const PAUSE: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(5);
