//! One connection to HAProxy's runtime socket: a question, and what comes up to the next prompt.

use std::io::{self, Read};
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::unix::AsyncFd;

use crate::incoming;

/// The longest answer read; `show info` has one or two kilobytes.
const ANSWER_MAX: usize = 64 * 1024;

/// What HAProxy writes when it awaits a command in prompt mode.
const PROMPT: &[u8] = b"\n> ";

/// A connection that is held.
#[derive(Debug)]
pub(super) struct Session {
    stream: AsyncFd<Socket>,
    /// The last answer; its memory serves for the next one.
    answer: Vec<u8>,
}

impl Session {
    /// Connects, which waits for nobody: the kernel completes it.
    ///
    /// # Errors
    /// As connect(2): `WouldBlock` if the queue of connections that nobody accepts is full.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)?;
        Ok(Self {
            stream: incoming::register(socket)?,
            answer: Vec::new(),
        })
    }

    /// Sends a command and reads up to the next prompt.
    ///
    /// # Errors
    /// Why the connection is of no more use: its end, or what is no answer.
    pub(super) async fn ask(&mut self, command: &str) -> io::Result<&[u8]> {
        // The answer to the one before was read, so there is room for a line.
        if self.stream.get_ref().send(command.as_bytes())? < command.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.answer.clear();
        let mut part = [0; 4096];
        while !self.answer.ends_with(PROMPT) {
            let count = self.read(&mut part).await?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.answer.extend_from_slice(&part[..count]);
            if self.answer.len() > ANSWER_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(&self.answer)
    }

    /// Waits for the end: nothing is due before the next question, so whatever can be read is that.
    pub(super) async fn ended(&self) {
        // Whatever comes of it.
        let _ = self.read(&mut [0]).await;
    }

    async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.stream.readable().await?;
            let Ok(read) = ready.try_io(|stream| {
                let mut stream = stream.get_ref();
                stream.read(into)
            }) else {
                continue;
            };
            // Less than there is room for is all there was; whatever follows, be it the end, makes it ready again.
            if read.as_ref().is_ok_and(|count| *count < into.len()) {
                ready.clear_ready();
            }
            return read;
        }
    }
}
