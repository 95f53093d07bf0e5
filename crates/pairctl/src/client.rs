//! One question to the daemon, with one deadline for all of it: connecting, asking, and the answer to its last byte.

use std::{
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant},
};

use pair_wire::control::{Answer, Command, LineError, Outcome, Request, Response, read_line, write_line};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::{cli::Cli, failure::Failure};

/// A way to the daemon of this host.
pub(crate) struct Client {
    socket: PathBuf,
    timeout: Duration,
}

impl Client {
    /// The way that the command line names; `timeout` is for those that name none.
    pub(crate) fn new(cli: &Cli, timeout: Duration) -> Self {
        Self::within(cli, cli.timeout.unwrap_or(timeout))
    }

    /// The way that the command line names, for a question that must be answered within `timeout`.
    pub(crate) fn within(cli: &Cli, timeout: Duration) -> Self {
        Self {
            socket: cli.socket.clone(),
            timeout,
        }
    }

    /// Asks, and waits for the answer until the deadline.
    pub(crate) fn ask(&self, command: Command) -> Result<Answer, Failure> {
        self.ask_about(None, command)
    }

    /// Asks about one address of the pair, if one is named.
    pub(crate) fn ask_about(&self, address: Option<&str>, command: Command) -> Result<Answer, Failure> {
        let ordered = command.is_order();
        let deadline = Instant::now() + self.timeout;
        let mut stream = Timed {
            stream: self.connect()?,
            deadline,
        };
        let asked = write_line(&mut stream, &Request::new(command).about(address));
        let response: Response = asked
            .and_then(|()| read_line(&mut stream))
            .map_err(|error| match error {
                LineError::Io(error) if is_timeout(&error) => Failure::NoAnswer {
                    timeout: self.timeout,
                    ordered,
                },
                LineError::Cut { received: 0 } => Failure::HungUp { ordered },
                LineError::Io(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                    Failure::HungUp { ordered }
                }
                LineError::Version { theirs } => Failure::Version { theirs },
                error => Failure::Exchange(error),
            })?;
        match response.outcome {
            Outcome::Ok(answer) => Ok(answer),
            Outcome::Refused { reason, hint } => Err(Failure::Refused { reason, hint }),
            Outcome::Error { message } => Err(Failure::Daemon { message }),
        }
    }

    /// Connects; a daemon that is stuck with a full backlog would let a plain `connect` wait for ever.
    fn connect(&self) -> Result<UnixStream, Failure> {
        let connect = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            // On Linux this bounds `connect` as well (socket(7), SO_SNDTIMEO).
            socket.set_write_timeout(Some(self.timeout))?;
            socket.connect(&SockAddr::unix(&self.socket)?)?;
            Ok(UnixStream::from(socket))
        };
        connect().map_err(|error: io::Error| {
            let path = self.socket.clone();
            match error.kind() {
                ErrorKind::NotFound => Failure::NoSocket { path },
                ErrorKind::ConnectionRefused => Failure::NobodyListens { path },
                ErrorKind::PermissionDenied => Failure::NotAllowed { path },
                _ if is_timeout(&error) => Failure::NoAnswer {
                    timeout: self.timeout,
                    ordered: false,
                },
                _ => Failure::Connect { path, error },
            }
        })
    }
}

/// A stream whose every step must end before the deadline, so that a daemon cannot win time by sending a byte now and then.
struct Timed {
    stream: UnixStream,
    deadline: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
