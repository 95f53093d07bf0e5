//! The way into a machine: QEMU's guest agent, on a serial device of its own.
//!
//! It needs neither network nor login nor keys, so it works as well while those are broken. Each command is a line of JSON, and so is
//! each answer (`qemu-qga-ref(7)`). A machine that starts anew forgets what it was asked; what is still in the line is told from an
//! answer by `guest-sync-delimited`, before which the agent sends a byte that no JSON has.

use core::fmt;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::wait::Interrupt;

/// A line to the guest agent of one machine.
#[derive(Debug)]
pub(crate) struct GuestAgent {
    socket: PathBuf,
    line: Option<Line>,
    interrupt: Interrupt,
    greetings: u64,
}

/// What a command has printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// Both outputs, in the order in which they came.
    pub(crate) text: String,
    /// The exit status; `None` if a signal ended it.
    pub(crate) status: Option<i64>,
}

impl GuestAgent {
    /// Prepares a line by the socket that qemu opens; nothing is asked yet.
    pub(crate) fn by(socket: &Path, interrupt: &Interrupt) -> Self {
        Self {
            socket: socket.to_path_buf(),
            line: None,
            interrupt: interrupt.clone(),
            greetings: 0,
        }
    }

    /// Waits until the agent answers, as it does some time after each start of the machine.
    ///
    /// # Errors
    /// If it does not in time.
    pub(crate) fn greet(&mut self, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            self.greetings += 1;
            let greeting = self.greetings;
            let line = self.open_line()?;
            line.send(&json!({ "execute": "guest-sync-delimited", "arguments": { "id": greeting } }))?;
            let until = Instant::now() + GREETING_PATIENCE;
            // What was in the line before is not for this greeting, nor is an answer to an earlier one.
            while let Some(answer) = line.receive(until)? {
                if answer["return"] == greeting {
                    return Ok(());
                }
            }
        }
        bail!("the guest agent does not answer within {patience:?}");
    }

    /// Runs a script of the shell as root, to its end.
    ///
    /// # Errors
    /// If it does not end in time, or the agent does not answer.
    pub(crate) fn run(&mut self, script: &str, patience: Duration) -> Result<Said> {
        let deadline = Instant::now() + patience;
        let started = self.start(script)?;
        loop {
            let state = self.ask("guest-exec-status", &json!({ "pid": started }))?;
            if state["exited"] == true {
                return Ok(Said {
                    text: decoded(&state["out-data"])?,
                    status: state["exitcode"].as_i64(),
                });
            }
            if Instant::now() > deadline {
                bail!("{script:?} has not ended within {patience:?}");
            }
            std::thread::sleep(POLL);
        }
    }

    /// Starts a script of the shell as root; how it ends may never be known, as of one that ends the machine.
    ///
    /// # Errors
    /// If the agent does not answer.
    pub(crate) fn start(&mut self, script: &str) -> Result<i64> {
        let arguments = json!({
            "path": "/bin/sh",
            "arg": ["-c", format!("exec 2>&1\n{script}")],
            "capture-output": true,
        });
        let started = self.ask("guest-exec", &arguments)?;
        started["pid"].as_i64().context("guest-exec tells no pid")
    }

    /// Forgets the line: the next one leads to the qemu that runs then.
    pub(crate) fn hang_up(&mut self) {
        self.line = None;
    }

    fn ask(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let line = self.open_line()?;
        line.send(&json!({ "execute": command, "arguments": arguments }))?;
        let until = Instant::now() + ANSWER_PATIENCE;
        let Some(mut answer) = line.receive(until)? else {
            bail!("the guest agent does not answer {command} within {ANSWER_PATIENCE:?}");
        };
        match answer.get_mut("return") {
            Some(value) => Ok(value.take()),
            None => bail!("the guest agent refuses {command}: {answer}"),
        }
    }

    fn open_line(&mut self) -> Result<&mut Line> {
        if self.line.is_none() {
            let open = || match UnixStream::connect(&self.socket) {
                Ok(stream) => Ok(Some(stream)),
                Err(error) if [ErrorKind::NotFound, ErrorKind::ConnectionRefused].contains(&error.kind()) => Ok(None),
                Err(error) => Err(error).context("cannot reach qemu"),
            };
            let stream = self
                .interrupt
                .until("qemu opens the line to the guest agent", ANSWER_PATIENCE, open)?;
            stream
                .set_read_timeout(Some(POLL))
                .context("cannot bound the waiting for the guest agent")?;
            self.line = Some(Line {
                stream,
                received: Vec::new(),
                interrupt: self.interrupt.clone(),
            });
        }
        self.line.as_mut().context("a line was just opened")
    }
}

/// The socket, and what has come of an answer that is not complete.
#[derive(Debug)]
struct Line {
    stream: UnixStream,
    received: Vec<u8>,
    interrupt: Interrupt,
}

impl Line {
    fn send(&mut self, command: &Value) -> Result<()> {
        let text = format!("{command}\n");
        self.stream
            .write_all(text.as_bytes())
            .context("qemu takes no command for the guest agent")
    }

    /// The next answer, or nothing if there is none until then.
    fn receive(&mut self, until: Instant) -> Result<Option<Value>> {
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                match answer(&line) {
                    Some(answer) => return Ok(Some(answer)),
                    None => continue,
                }
            }
            if self.interrupt.is_raised() {
                bail!("interrupted");
            }
            if Instant::now() > until {
                return Ok(None);
            }
            let mut part = [0; 4096];
            match self.stream.read(&mut part) {
                Ok(0) => bail!("qemu has closed the line to the guest agent"),
                Ok(count) => self.received.extend_from_slice(&part[..count]),
                Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {}
                Err(error) => return Err(error).context("cannot read what the guest agent says"),
            }
        }
    }
}

/// What a line says; nothing if it is the rest of something that was cut off by a restart.
fn answer(line: &[u8]) -> Option<Value> {
    let start = line.iter().rposition(|&byte| byte == DELIMITER).map_or(0, |at| at + 1);
    serde_json::from_slice(&line[start..]).ok()
}

fn decoded(data: &Value) -> Result<String> {
    // Absent if nothing was printed.
    let bytes = BASE64_STANDARD
        .decode(data.as_str().unwrap_or_default())
        .context("the guest agent tells an output that is not in base64")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Said {
    /// Whether the command succeeded.
    pub(crate) fn is_success(&self) -> bool {
        self.status == Some(0)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{}(exit status {status})", self.text),
            None => write!(f, "{}(ended by a signal)", self.text),
        }
    }
}

/// What the agent sends before the answer to a `guest-sync-delimited`.
const DELIMITER: u8 = 0xFF;

/// How long one greeting is waited for before the next: what is sent to a machine without an agent is lost.
const GREETING_PATIENCE: Duration = Duration::from_secs(3);

/// How long the agent may take for an answer; it has nothing to do but on a machine that hardly gets any processor.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// How often a command is asked after: an answer costs the emulated processor some milliseconds.
const POLL: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_comes_after_the_delimiter() {
        assert_eq!(answer(b"{\"ret\xFF{\"return\": 7}\n"), Some(json!({ "return": 7 })));
        assert_eq!(answer(b"{\"return\": {}}\n"), Some(json!({ "return": {} })));
        assert_eq!(answer(b"urn\": 3}\n"), None);
    }

    #[test]
    fn an_output_is_decoded_and_may_be_absent() {
        assert_eq!(decoded(&json!("cGFpcmQK")).unwrap(), "paird\n");
        assert_eq!(decoded(&Value::Null).unwrap(), "");
    }
}
