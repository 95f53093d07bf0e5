//! An EC2 that answers, or fails to, as it is told, and counts what it sees.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::http::{Request, answer};

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// Answered with this status and body.
    Answer(u16, String),
    /// Read, and never answered.
    Hang,
    /// Read, then the connection is reset.
    Reset,
    /// Read, then the connection is closed in good order.
    Close,
    /// Half of the answer, then the connection is closed.
    CutShort,
}

/// A running EC2; it ends with the runtime of the test.
#[derive(Debug)]
pub(crate) struct Ec2Stub {
    pub(crate) url: String,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
}

impl Ec2Stub {
    /// Starts an EC2 that treats every request the same.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        Self::start_with(move |_| behaviour.clone()).await
    }

    /// Starts an EC2 that looks at the action.
    pub(crate) async fn start_with(behaviour: impl Fn(&str) -> Behaviour + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, behaviour.clone(), Arc::clone(&shared)));
            }
        });
        Self { url, seen }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().expect("not poisoned").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

/// An error in EC2's own words.
pub(crate) fn error(status: u16, code: &str) -> Behaviour {
    Behaviour::Answer(
        status,
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>Because.</Message></Error></Errors>\
             <RequestID>1</RequestID></Response>"
        ),
    )
}

async fn serve(mut stream: TcpStream, behaviour: impl Fn(&str) -> Behaviour, seen: Arc<Seen>) {
    while let Ok(Some(request)) = Request::read(&mut stream).await {
        let chosen = behaviour(request.parameter("Action").unwrap_or_default());
        seen.requests.lock().expect("not poisoned").push(request);
        match chosen {
            Behaviour::Answer(status, body) => {
                if answer(&mut stream, status, "", &body).await.is_err() {
                    return;
                }
            }
            Behaviour::Hang => std::future::pending().await,
            Behaviour::Reset => {
                stream.set_zero_linger().expect("a live socket");
                return;
            }
            Behaviour::Close => return,
            Behaviour::CutShort => {
                let half = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<Assoc";
                let _client_may_be_gone = stream.write_all(half).await;
                return;
            }
        }
    }
}
