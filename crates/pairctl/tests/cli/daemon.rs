//! A daemon that says and does what a test wants.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    thread::{self, JoinHandle},
};

use pair_wire::control::{Request, Response, encode_line, read_line};
use tempfile::TempDir;

/// A control socket that serves one client, or so many as it has answers.
pub(crate) struct Daemon {
    directory: TempDir,
    served: Option<JoinHandle<()>>,
}

/// How one command ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Daemon {
    /// Serves one client as `serve` does.
    pub(crate) fn new(serve: impl FnOnce(UnixStream) + Send + 'static) -> Self {
        let directory = TempDir::new().unwrap();
        let listener = UnixListener::bind(directory.path().join("control.sock")).unwrap();
        let served = thread::spawn(move || serve(listener.accept().unwrap().0));
        Self {
            directory,
            served: Some(served),
        }
    }

    /// Expects this request and answers it.
    pub(crate) fn answering(expected: Request, response: &Response) -> Self {
        let line = encode_line(response).unwrap();
        Self::new(move |mut stream| {
            assert_eq!(read_line::<Request>(&mut stream).unwrap(), expected);
            stream.write_all(&line).unwrap();
        })
    }

    /// Answers one client after the other, each with the next of these, and then is dead.
    pub(crate) fn answering_in_turn(responses: Vec<Response>) -> Self {
        let directory = TempDir::new().unwrap();
        let listener = UnixListener::bind(directory.path().join("control.sock")).unwrap();
        // Not waited for: a client may need fewer answers than there are.
        thread::spawn(move || {
            for response in responses {
                let (mut stream, _) = listener.accept().unwrap();
                read_line::<Request>(&mut stream).unwrap();
                stream.write_all(&encode_line(&response).unwrap()).unwrap();
            }
        });
        Self {
            directory,
            served: None,
        }
    }

    /// Reads the request and answers these bytes.
    pub(crate) fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(move |mut stream| {
            read_line::<Request>(&mut stream).unwrap();
            // The client may have heard enough before the end.
            let _ = stream.write_all(&bytes);
        })
    }

    /// Takes the connection and says nothing until the client hangs up.
    pub(crate) fn hanging() -> Self {
        Self::new(|mut stream| {
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    /// Runs a command against this daemon and waits until both are done; a daemon with answers for many may have some left.
    pub(crate) fn run(mut self, args: &[&str]) -> Ran {
        let socket = self.socket();
        let ran = run(&[&["--socket", socket.to_str().unwrap()], args].concat());
        if let Some(served) = self.served.take() {
            served.join().unwrap();
        }
        ran
    }
}

impl Ran {
    /// This outcome, with the daemon's socket named `SOCKET`, for the directory of a test has a random name.
    pub(crate) fn with_socket_named(mut self, socket: &std::path::Path) -> Self {
        self.err = self.err.replace(socket.to_str().unwrap(), "SOCKET");
        self
    }
}

/// Runs a command.
pub(crate) fn run(args: &[&str]) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = pairctl::run([&["pairctl"], args].concat(), &mut out, &mut err);
    Ran {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}
