//! HAProxy asked once on its runtime socket: whether it may be asked, whether it answers, and how its limits are laid out.
//!
//! At its global `maxconn` HAProxy accepts and answers nothing, on no frontend. So the limits of its frontends must leave room
//! for each other: then a public one that is full keeps neither probe nor check from being answered.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use pair_wire::control::Problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::chart::Chart;
use crate::check::HttpTarget;
use crate::config::StatusRange;
use crate::probe::probe;
use crate::problems::degraded;

/// How long HAProxy may take to answer; it takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest answer read: a line of some hundred bytes for each frontend.
const ANSWER_MAX: u64 = 4 * 1024 * 1024;

const SOCKET: &str = "haproxy socket";
const LIMITS: &str = "haproxy limits";

/// Examines socket and limits; says whether the socket could not be used, and that is told. `services` are asked whether the
/// service serves where the socket is silent.
pub(super) async fn examine(socket: &Path, services: &[HttpTarget], chart: &mut Chart) -> bool {
    let name = socket.display();
    match timeout(PATIENCE, ask(socket)).await {
        Ok(Ok(answer)) => {
            let limits = Limits::parse(&answer);
            chart.sound(SOCKET, format!("{name} answers"));
            match limits.complaint() {
                None => chart.sound(LIMITS, limits.words()),
                Some(finding) => chart.found(LIMITS, vec![finding]),
            }
            return false;
        }
        Ok(Err(error)) if is_absence(&error) => {
            // Nobody there: that is the service's examination.
            chart.skipped(SOCKET, format!("{name}: {error}"));
            chart.skipped(LIMITS, "nobody to ask".to_owned());
            return false;
        }
        Ok(Err(error)) => {
            let hint = "let `stats socket` have a group of which the agent's user is a member, and mode 660";
            let text = format!("{name} cannot be asked: {error}");
            chart.found(SOCKET, vec![degraded("haproxy-socket-denied", text, hint)]);
        }
        Err(_elapsed) if is_served(services).await => {
            let hint =
                "end the sessions that hold the socket, raise `stats maxconn`, or give the agent a socket of its own";
            let text = format!("{name} accepts and does not answer, and the service serves: its sessions are used up");
            chart.found(SOCKET, vec![degraded("haproxy-cli-exhausted", text, hint)]);
        }
        Err(_elapsed) => {
            let text = format!("{name} accepts and does not answer, and nor does the service");
            chart.found(
                SOCKET,
                vec![degraded("service-unfit", text, "repair the service on this node")],
            );
        }
    }
    chart.skipped(LIMITS, "haproxy did not tell".to_owned());
    true
}

/// Without a prompt HAProxy answers both commands and hangs up.
async fn ask(socket: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"show info;show stat -1 1 -1\n").await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
}

async fn is_served(services: &[HttpTarget]) -> bool {
    for HttpTarget { address, path, timeout } in services {
        let address: SocketAddr = *address;
        if probe(address, path, StatusRange::SERVING, *timeout).await.has_bytes() {
            return true;
        }
    }
    false
}

/// How many connections HAProxy takes in all, and each frontend.
#[derive(Debug, Default, PartialEq, Eq)]
struct Limits {
    global: u64,
    frontends: Vec<(String, u64)>,
}

impl Limits {
    /// Reads `show info` and after it `show stat`, whose columns go by name; what is not there is zero or nobody.
    fn parse(answer: &str) -> Self {
        let global = answer
            .lines()
            .find_map(|line| line.strip_prefix("Maxconn: ")?.trim().parse().ok())
            .unwrap_or_default();
        let mut frontends = Vec::new();
        let mut limit_at = None;
        for line in answer.lines() {
            if let Some(names) = line.strip_prefix("# ") {
                limit_at = names.split(',').position(|name| name == "slim");
                continue;
            }
            let columns: Vec<&str> = line.split(',').collect();
            if let (Some(limit_at), [name, "FRONTEND", ..]) = (limit_at, &columns[..]) {
                let limit = columns.get(limit_at).and_then(|limit| limit.parse().ok());
                frontends.push(((*name).to_owned(), limit.unwrap_or_default()));
            }
        }
        Self { global, frontends }
    }

    fn sum(&self) -> u64 {
        self.frontends.iter().map(|(_, limit)| limit).sum()
    }

    /// What is wrong if frontends can use up what others need, or one alone all that there is.
    fn complaint(&self) -> Option<Problem> {
        let is_one_all = self.frontends.iter().any(|(_, limit)| *limit >= self.global);
        let is_unsafe = self.global > 0 && (self.sum() > self.global || is_one_all);
        is_unsafe.then(|| {
            degraded(
                "haproxy-maxconn-unsafe",
                format!("{}: when that is used up, nothing answers, probes and checks included", self.words()),
                "keep the maxconn of all frontends together within the global one, and let the probe have a frontend of its own",
            )
        })
    }

    fn words(&self) -> String {
        let each: Vec<String> = self
            .frontends
            .iter()
            .map(|(name, limit)| format!("{name} {limit}"))
            .collect();
        format!(
            "global maxconn {}, frontends {} together ({})",
            self.global,
            self.sum(),
            each.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(global: u64, frontends: &[u64]) -> Limits {
        let rows: String = frontends
            .iter()
            .enumerate()
            .map(|(at, limit)| format!("f{at},FRONTEND,,,0,0,{limit},0,\n"))
            .collect();
        Limits::parse(&format!(
            "Name: HAProxy\nMaxconn: {global}\nHard_maxconn: 7\n\n# pxname,svname,qcur,qmax,scur,smax,slim,stot,\n{rows}\n"
        ))
    }

    #[test]
    fn limits_are_read_by_name() {
        let read = limits(200, &[150, 20]);
        assert_eq!(
            read.words(),
            "global maxconn 200, frontends 170 together (f0 150, f1 20)"
        );
        assert_eq!(Limits::parse("no haproxy\n"), Limits::default());
    }

    #[test]
    fn frontends_that_can_starve_each_other_are_unsafe() {
        for (global, frontends, is_unsafe) in [
            (200, &[150, 20][..], false),
            (200, &[180, 20], false),
            (200, &[190, 20], true),
            (200, &[200], true),
            (200, &[199], false),
            (0, &[], false),
        ] {
            assert_eq!(
                limits(global, frontends).complaint().is_some(),
                is_unsafe,
                "{global} {frontends:?}"
            );
        }
    }
}
