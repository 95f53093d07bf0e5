//! EC2 behind TLS for one node, with a whole handshake for every call.
//!
//! HAProxy on the router terminates TLS in front of the emulator, closes each connection after one answer, and remembers no session, so
//! nothing of a handshake is saved. Its certificate is made for the occasion, and the node is told to trust it.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::super::bed::Testbed;
use super::super::network::EC2_OF_A;
use super::super::place::ran;
use super::super::programs;
use crate::process::Process;

/// A running terminator; dropped, it is killed.
#[derive(Debug)]
pub(super) struct Terminator {
    haproxy: Process,
    certificate: String,
}

impl Terminator {
    /// Starts it for the first node.
    pub(super) fn start(bed: &Testbed) -> Result<Self> {
        ensure!(
            programs::find("openssl").is_some(),
            "openssl is not installed: apt-get install openssl"
        );
        let folder = Path::new(FOLDER);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {FOLDER}"))?;
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        let wish = write("openssl.cnf", &wish())?;
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config"]);
        ran(openssl.arg(wish).arg("-keyout").arg(&key).arg("-out").arg(&certificate))?;
        let certificate = fs::read_to_string(certificate).context("openssl has made no certificate")?;
        let key = fs::read_to_string(key).context("openssl has made no key")?;
        write("server.pem", &format!("{certificate}{key}"))?;
        let config = write("haproxy.cfg", &config())?;
        let mut haproxy = Command::new(&bed.programs().haproxy);
        haproxy.arg("-db").arg("-f").arg(config);
        let haproxy = bed
            .router()
            .run(move || Process::start(haproxy, &Path::new(FOLDER).join("log")))?;
        let terminator = Self { haproxy, certificate };
        terminator.await_start(bed)?;
        Ok(terminator)
    }

    /// Where the node finds EC2.
    pub(super) fn endpoint() -> String {
        format!("https://{EC2_OF_A}")
    }

    /// What the node has to trust.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    fn await_start(&self, bed: &Testbed) -> Result<()> {
        let is_open = || TcpStream::connect((EC2_OF_A, HTTPS)).is_ok();
        bed.interrupt()
            .until("the terminator accepts connections", super::PATIENCE, || {
                Ok(bed.router().run(is_open).then_some(()))
            })
            .with_context(|| self.haproxy.printed())
    }
}

/// A certificate as EC2's is, in kind: RSA, and no authority.
fn wish() -> String {
    format!(
        "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = extensions\n[name]\nCN = ec2\n\
         [extensions]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = IP:{EC2_OF_A}\n"
    )
}

fn config() -> String {
    format!(
        "global\n    tune.ssl.cachesize 0\n    ssl-default-bind-options no-tls-tickets\n\
         defaults\n    mode http\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\n\
         listen ec2\n    bind {EC2_OF_A}:{HTTPS} ssl crt {FOLDER}/server.pem\n    option httpclose\n    server emulator {EC2_OF_A}:80\n"
    )
}

const HTTPS: u16 = 443;

/// On the lab's own file system in memory.
const FOLDER: &str = "/run/lab/tls";
