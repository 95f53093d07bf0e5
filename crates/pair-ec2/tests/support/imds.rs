//! A metadata service that serves credentials and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pair_ec2::{Endpoint, Imds, Settings};
use tokio::net::{TcpListener, TcpStream};

use crate::http::{Request, answer};

/// The access key this service hands out.
pub(crate) const ACCESS_KEY: &str = "ASIAFROMIMDS";

const ROLE: &str = "/latest/meta-data/iam/security-credentials/";

/// How the service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Serves credentials.
    Serves,
    /// Has no role: no instance profile is attached.
    HasNoRole,
    /// Names something in place of a role, as a web server does that answers in its place.
    NamesNoRole,
    /// Accepts and never answers.
    Hangs,
    /// Serves credentials once, then hangs.
    ServesOnce,
}

/// A running service; it ends with the runtime of the test.
#[derive(Debug)]
pub(crate) struct ImdsStub {
    url: String,
    served: Arc<AtomicUsize>,
}

impl ImdsStub {
    pub(crate) async fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let served = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&served);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, mode, Arc::clone(&counter)));
            }
        });
        Self { url, served }
    }

    /// Settings that point at this service and at the EC2 with this URL.
    pub(crate) fn settings(&self, ec2_url: &str) -> Settings {
        let endpoint = |url: &str| {
            Some(Endpoint {
                url: url.to_owned(),
                redirected_by: None,
            })
        };
        Settings {
            ec2: endpoint(ec2_url),
            imds: endpoint(&self.url),
            ..Settings::default()
        }
    }

    /// A client of this service.
    pub(crate) fn client(&self) -> Imds {
        Imds::connect(&self.settings("http://127.0.0.1:1")).expect("a valid URL")
    }

    /// How often credentials were fetched.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, mode: Mode, served: Arc<AtomicUsize>) {
    while let Ok(Some(request)) = Request::read(&mut stream).await {
        let spent = mode == Mode::ServesOnce && served.load(Ordering::SeqCst) > 0;
        if mode == Mode::Hangs || spent {
            std::future::pending::<()>().await;
        }
        let (status, body) = match request.line.as_str() {
            "PUT /latest/api/token" => (200, "a-token".to_owned()),
            line if line == format!("GET {ROLE}") && mode == Mode::NamesNoRole => {
                (200, "<html>\n<body>welcome</body>\n".to_owned())
            }
            line if line == format!("GET {ROLE}") && mode != Mode::HasNoRole => (200, "paird".to_owned()),
            line if line == format!("GET {ROLE}paird") => {
                served.fetch_add(1, Ordering::SeqCst);
                (200, credentials())
            }
            _ => (404, String::new()),
        };
        let headers = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n";
        if answer(&mut stream, status, headers, &body).await.is_err() {
            return;
        }
    }
}

fn credentials() -> String {
    format!(
        r#"{{"Code":"Success","LastUpdated":"2026-01-01T00:00:00Z","Type":"AWS-HMAC",
            "AccessKeyId":"{ACCESS_KEY}","SecretAccessKey":"secret","Token":"session",
            "Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}
