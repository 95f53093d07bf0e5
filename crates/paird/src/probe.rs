//! One HTTP question to a service: does it serve, does only its kernel answer, or nothing at all?
//!
//! Every question opens its own connection, because a held one says nothing about whether new clients are served. Only bytes
//! prove a service: a hung one still completes TCP connects in its kernel.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use crate::config::StatusRange;

/// The most bytes read of an answer; its status stands in the first dozen.
const ANSWER_MAX: usize = 512;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Bytes from the service, with a status as expected.
    Served {
        /// The HTTP status.
        status: u16,
    },
    /// Bytes from the service, with another status, or with none when they were not an HTTP answer.
    BadStatus(Option<u16>),
    /// No bytes, but the host's kernel answered.
    Kernel(KernelAnswer),
    /// No answer of any kind within the time.
    Nothing,
    /// The question could not be sent for a reason on this host, so nothing is learned about the service.
    NotAsked {
        /// What the operating system said.
        error: String,
    },
}

/// How a kernel answers for a service that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelAnswer {
    /// The connection was refused: nobody listens.
    Refused,
    /// The connection was accepted and then reset or closed without a byte.
    Closed,
    /// The connection was accepted and stayed silent until the time was over: hung, stopped or overloaded.
    Silent,
}

impl Outcome {
    /// Whether the service itself sent something.
    #[must_use]
    pub fn has_bytes(&self) -> bool {
        match self {
            Self::Served { .. } | Self::BadStatus(_) => true,
            Self::Kernel(_) | Self::Nothing | Self::NotAsked { .. } => false,
        }
    }
}

/// Asks `target` for `path` over a fresh connection and judges the status by `expect`. Never takes longer than `timeout`.
pub async fn probe(target: SocketAddr, path: &str, expect: StatusRange, timeout: Duration) -> Outcome {
    let deadline = tokio::time::Instant::now() + timeout;
    let mut stream = match timeout_at(deadline, TcpStream::connect(target)).await {
        Err(_elapsed) => return Outcome::Nothing,
        Ok(Err(error)) => return unconnected(&error),
        Ok(Ok(stream)) => stream,
    };
    // HTTP/1.0 promises one answer and then the end of the connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {target}\r\nUser-Agent: paird\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::with_capacity(ANSWER_MAX);
    let ended = timeout_at(deadline, exchange(&mut stream, request.as_bytes(), &mut answer)).await;
    if let Some(status) = status_of(&answer) {
        return if expect.contains(status) {
            Outcome::Served { status }
        } else {
            Outcome::BadStatus(Some(status))
        };
    }
    if !answer.is_empty() {
        return Outcome::BadStatus(None);
    }
    Outcome::Kernel(if ended.is_ok() {
        KernelAnswer::Closed
    } else {
        KernelAnswer::Silent
    })
}

/// Sends the request and collects the answer until its status is known or the stream ends. A reset ends it, too: what had
/// come before counts.
async fn exchange(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) {
    if stream.write_all(request).await.is_err() {
        return;
    }
    let mut part = [0; ANSWER_MAX];
    while answer.len() < ANSWER_MAX && status_of(answer).is_none() {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(count) => answer.extend_from_slice(&part[..count]),
        }
    }
}

/// The status of an answer that begins `HTTP/x.y NNN` and a space or line end (RFC 9112, section 4).
fn status_of(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/")?;
    let (version, rest) = rest.split_at(rest.iter().position(|byte| *byte == b' ')?);
    let (digits, end) = (rest.get(1..4)?, rest.get(4)?);
    let is_status = version.len() == 3 && digits.iter().all(u8::is_ascii_digit) && matches!(end, b' ' | b'\r' | b'\n');
    is_status.then(|| {
        digits
            .iter()
            .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))
    })
}

pub(crate) fn unconnected(error: &io::Error) -> Outcome {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, TimedOut};
    match error.kind() {
        ConnectionRefused => Outcome::Kernel(KernelAnswer::Refused),
        ConnectionReset => Outcome::Kernel(KernelAnswer::Closed),
        TimedOut | HostUnreachable | NetworkUnreachable => Outcome::Nothing,
        // Whatever else connect(2) fails with (descriptors, memory, addresses, permission) happened on this host.
        _ => Outcome::NotAsked {
            error: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    /// Long enough never to end on a machine that makes any progress.
    const LONG: Duration = Duration::from_secs(10);

    /// A service that sends `answer` to one client after its request and then closes, or holds the connection.
    async fn service(answer: &'static [u8], holds: bool) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.expect("accept");
            let mut request = [0; 512];
            let count = client.read(&mut request).await.expect("request");
            assert!(request[..count].starts_with(b"GET /health HTTP/1.0\r\nHost: 127.0.0.1:"));
            assert!(request[..count].ends_with(b"\r\n\r\n"));
            client.write_all(answer).await.expect("answer");
            if holds {
                std::future::pending::<()>().await;
            }
        });
        address
    }

    async fn ask(target: SocketAddr, timeout: Duration) -> Outcome {
        probe(target, "/health", StatusRange::SERVING, timeout).await
    }

    #[tokio::test]
    async fn the_status_decides_as_soon_as_it_is_in() {
        let target = service(b"HTTP/1.1 204 No Content\r\n", true).await;
        assert_eq!(ask(target, LONG).await, Outcome::Served { status: 204 });
        let target = service(b"HTTP/1.0 503 Service Unavailable\r\n\r\nno server", false).await;
        assert_eq!(ask(target, LONG).await, Outcome::BadStatus(Some(503)));
    }

    #[tokio::test]
    async fn bytes_that_are_no_http_are_bytes() {
        let target = service(b"SSH-2.0-OpenSSH_9.2\r\n", false).await;
        assert_eq!(ask(target, LONG).await, Outcome::BadStatus(None));
        let target = service(&[b'x'; 4096], true).await;
        assert_eq!(ask(target, LONG).await, Outcome::BadStatus(None));
    }

    #[tokio::test]
    async fn a_few_bytes_and_then_silence_are_bytes() {
        let target = service(b"HTTP/1.1 2", true).await;
        assert_eq!(ask(target, Duration::from_millis(200)).await, Outcome::BadStatus(None));
    }

    #[tokio::test]
    async fn a_connection_without_bytes_is_the_kernels() {
        let target = service(b"", false).await;
        assert_eq!(ask(target, LONG).await, Outcome::Kernel(KernelAnswer::Closed));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind");
        let target = listener.local_addr().expect("address");
        assert_eq!(
            ask(target, Duration::from_millis(50)).await,
            Outcome::Kernel(KernelAnswer::Silent)
        );
        drop(listener);
        assert_eq!(ask(target, LONG).await, Outcome::Kernel(KernelAnswer::Refused));
    }

    #[tokio::test]
    async fn an_address_nobody_answers_on_ends_with_the_timeout() {
        // A listener whose queue is full ignores further connects, as a dead host does.
        let socket = tokio::net::TcpSocket::new_v4().expect("socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("bind");
        let listener = socket.listen(0).expect("listen");
        let target = listener.local_addr().expect("address");
        let _queued = std::net::TcpStream::connect(target).expect("queued");
        assert_eq!(ask(target, Duration::from_millis(100)).await, Outcome::Nothing);
    }

    #[test]
    fn what_fails_on_this_host_says_nothing_about_the_service() {
        let came_of = |kind: io::ErrorKind| unconnected(&kind.into());
        assert!(matches!(
            came_of(io::ErrorKind::PermissionDenied),
            Outcome::NotAsked { .. }
        ));
        assert!(matches!(
            came_of(io::ErrorKind::AddrNotAvailable),
            Outcome::NotAsked { .. }
        ));
        assert!(matches!(came_of(io::ErrorKind::OutOfMemory), Outcome::NotAsked { .. }));
        assert_eq!(came_of(io::ErrorKind::HostUnreachable), Outcome::Nothing);
    }

    #[test]
    fn only_a_whole_status_line_has_a_status() {
        for (answer, status) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.1 200\r\n", Some(200)),
            ("HTTP/1.1 200", None),
            ("HTTP/1.1 2000 ", None),
            ("HTTP/1.1  200 ", None),
            ("HTTP/ 200 ", None),
            ("http/1.1 200 ", None),
            ("HTTP/1.1 20x ", None),
            ("", None),
        ] {
            assert_eq!(status_of(answer.as_bytes()), status, "{answer}");
        }
    }
}
