//! Whether the witnesses answer: each is asked about the peer once, from a port of its own.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use pair_core::Incarnation;
use pair_wire::witness::{Asker, MAX_LEN, NONCE_LEN, Nonce, Told};
use tokio::task::spawn_blocking;

use super::Patient;
use super::chart::Chart;
use crate::config::Findings;
use crate::problems::{critical, witness_silent};
use crate::run;

const SUBJECT: &str = "witnesses";

/// How long a witness may take: twice as long as the agent gives it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks every witness of a configuration that has any.
pub(super) async fn examine(patient: &Patient, chart: &mut Chart) {
    let Some(witness) = patient.config.witness.clone() else {
        return;
    };
    let asker = match asker(patient) {
        Ok(asker) => asker,
        Err(mistakes) => {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            let hint = "paird check lists the mistakes line by line";
            return chart.found(SUBJECT, vec![critical("key-unusable", mistakes.join("; "), hint)]);
        }
    };
    let [own, peer] = [patient.me, patient.me.peer()].map(|member| patient.config.nodes[member.index()].address);
    if peer.is_unspecified() {
        return chart.skipped(SUBJECT, "the peer about whom they are asked is not known".to_owned());
    }
    let peer = SocketAddr::new(peer, witness.port);
    let asked = spawn_blocking(move || -> Vec<(SocketAddr, io::Result<bool>)> {
        let ask = |at: SocketAddr| (at, ask(&asker, own, peer, at));
        witness.addresses.into_iter().map(ask).collect()
    });
    match asked.await {
        Ok(answers) if answers.is_empty() => {
            chart.sound(SUBJECT, "none is asked, and this node is one for others".to_owned());
        }
        Ok(answers) => tell(answers, chart),
        Err(error) => chart.skipped(SUBJECT, error.to_string()),
    }
}

fn tell(answers: Vec<(SocketAddr, io::Result<bool>)>, chart: &mut Chart) {
    let (answering, silent): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|(_, answered)| matches!(answered, Ok(true)));
    let names = |answers: Vec<(SocketAddr, io::Result<bool>)>| -> Vec<String> {
        answers.iter().map(|(at, _)| at.to_string()).collect()
    };
    match witness_silent(&names(silent)) {
        Some(finding) => chart.found(SUBJECT, vec![finding]),
        None => chart.sound(SUBJECT, format!("{} answers", names(answering).join(", "))),
    }
}

fn asker(patient: &Patient) -> Result<Asker, Findings> {
    let config = &patient.config;
    let pair_ring = run::ring(config)?;
    let witness_ring = run::witness_ring(config)?;
    // There is one: the caller has looked.
    let witness_ring = witness_ring.as_ref().unwrap_or(&pair_ring);
    let asker = Asker::new(&config.pair, patient.me, Incarnation(0), &pair_ring, witness_ring);
    Ok(asker)
}

/// Whether a witness says in time that it has passed a question on.
fn ask(asker: &Asker, own: IpAddr, peer: SocketAddr, witness: SocketAddr) -> io::Result<bool> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(io::Error::other)?;
    let nonce = Nonce(nonce);
    let socket = UdpSocket::bind((own, 0))?;
    socket.send_to(&asker.request(nonce, peer), witness)?;
    let until = Instant::now() + PATIENCE;
    let mut buffer = [0; MAX_LEN + 1];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv_from(&mut buffer) {
            Ok((length, _)) if asker.read(&buffer[..length]) == Ok(Told::PassedOn(nonce)) => return Ok(true),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}
