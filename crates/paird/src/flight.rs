//! The flight recorder: what the core was told and what came of it, for whoever asks afterwards why.
//!
//! ```text
//!  inputs, outputs ──► Recorder (two segments) ──┬──► Archive: a file for each incident
//!         events ──► Chronicle (transitions) ────┼──► Logbook: a line for each, over all runs, of all addresses
//!                                                └──► pairctl why, why --export
//! ```
//!
//! A transition opens an incident, and each further one extends it. Its record is written within a second of each
//! transition, and once more when nothing has happened for a while, so that the aftermath is in it: the reply of EC2, the
//! read that verifies. What an agent learns at its start, and a claim does not follow, has one file for all starts: an agent that
//! is restarted again and again must not push out the record of what began it.

use std::io;
use std::time::Duration;

use pair_core::{Event, Input, Instant, Node, Output, Verdict};
use pair_wire::control::{Answer, Outcome, Part, Response, Transition};
use pair_wire::trace::{Header, Line, TRACE_VERSION};

use crate::archive::Archive;
use crate::asker::Asker;
use crate::chronicle::Chronicle;
use crate::clock::{file_time, millis, unix_us};
use crate::config::{Address, Config};
use crate::logbook::Logbook;
use crate::names::Names;
use crate::recorder::{Record, Recorder, SEGMENT};
use crate::run::VERSION;

/// How long after its last transition an incident is over: a takeover is verified, or its first retries have failed.
const AFTERMATH: Duration = Duration::from_secs(5);

/// How long an incident can be, however much happens: its beginning must still be in the record at its end, which is half of
/// the shortest record of the fast profile.
const LONGEST: Duration = Duration::from_secs(30);

/// How long the start of an agent takes: it has heard its peer, and EC2 has said who holds the address.
const START: Duration = Duration::from_secs(5);

/// What the record of a start is called.
const START_NAME: &str = "start";

/// How often a record is written at most, for the sake of the disk.
const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// How much of an export fits into a response: JSON within JSON, each quotation mark becomes two bytes.
const PART: usize = 28 * 1024;

/// How long an export waits for the client to ask for its next part.
const EXPORT_PATIENCE: Duration = Duration::from_secs(30);

/// Records a core.
#[derive(Debug)]
pub struct Flight {
    header: Header,
    recorder: Recorder,
    chronicle: Chronicle,
    archive: Archive,
    began_at: Instant,
    incident: Option<Incident>,
    export: Option<Export>,
    exports: u64,
}

/// Transitions that are close together, and share a file.
#[derive(Debug)]
struct Incident {
    name: String,
    ends_at_last: Instant,
    settled_at: Instant,
    write_at: Option<Instant>,
    written_at: Option<Instant>,
}

/// A record that a client takes part by part, frozen meanwhile.
#[derive(Debug)]
struct Export {
    id: u64,
    record: Record,
    until: Instant,
}

impl Flight {
    /// Begins to record the core of this address.
    #[must_use]
    pub fn new(config: &Config, names: &Names, address: &Address, archive: Archive, now: Instant, node: &Node) -> Self {
        let is_one_of_several = config.addresses.len() > 1;
        let header = Header {
            version: TRACE_VERSION,
            // By this the records of two nodes are known to be about the same heartbeats.
            pair: config.heartbeat_name(address),
            node: names.me().to_owned(),
            peer: names.peer().to_owned(),
            agent: VERSION.to_owned(),
            config: digest_of(config),
            origin_unix_us: 0,
        };
        Self {
            header,
            recorder: Recorder::new(SEGMENT, now, node),
            chronicle: Chronicle::new(names.clone(), is_one_of_several.then(|| address.allocation_id.clone())),
            archive,
            began_at: now,
            incident: None,
            export: None,
            exports: 0,
        }
    }

    /// Takes in what the core is about to be told.
    pub fn input(&mut self, now: Instant, node: &Node, input: &Input) {
        self.recorder.input(now, node, input);
    }

    /// Takes in what the core then wants; a transition goes into the journal.
    pub fn output(&mut self, now: Instant, output: &Output, logbook: &mut Logbook) {
        self.recorder.output(now, output);
        if let Output::Event(event) = output {
            self.event(now, event, logbook);
        }
    }

    /// Takes in an order as it was given; it opens no incident, what comes of it may.
    pub fn order(&mut self, now: Instant, order: &str, asker: &Asker, logbook: &mut Logbook) {
        self.chronicle.order(now, order, asker);
        self.journal(now, logbook);
    }

    /// Takes in how an order ended.
    pub fn order_ended(&mut self, now: Instant, how: &str, logbook: &mut Logbook) {
        self.chronicle.order_ended(now, how);
        self.journal(now, logbook);
    }

    /// Takes in that a heartbeat path has fallen silent, or speaks again.
    pub fn path(&mut self, now: Instant, what: &str, logbook: &mut Logbook) {
        self.chronicle.path(now, what);
        self.journal(now, logbook);
    }

    /// Takes in who is at the peer's place from here on, and who was before.
    pub fn peer(&mut self, now: Instant, who: String, before: Option<String>, logbook: &mut Logbook) {
        self.chronicle.peer(now, who, before);
        self.journal(now, logbook);
    }

    /// Takes in the configuration that is in force.
    pub fn follow_config(&mut self, config: &Config) {
        self.header.config = digest_of(config);
    }

    /// Takes in what came of reading configuration and keys again.
    pub fn reload(&mut self, now: Instant, outcome: &str, logbook: &mut Logbook) {
        self.chronicle.reload(now, outcome);
        self.journal(now, logbook);
    }

    /// Does what is due: each turn of the event loop asks.
    pub fn follow(&mut self, now: Instant, node: &Node) {
        self.export = self.export.take().filter(|export| now < export.until);
        let Some(mut incident) = self.incident.take() else {
            return;
        };
        let is_over = now >= incident.settled_at;
        if is_over || incident.write_at.is_some_and(|at| now >= at) {
            incident.write_at = None;
            incident.written_at = Some(now);
            self.archive.keep(incident.name.clone(), self.record(now, node));
        }
        self.incident = (!is_over).then_some(incident);
    }

    /// Writes what is not on disk yet, at the end of the daemon.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&mut self, now: Instant, node: &Node) -> io::Result<()> {
        match self.incident.take() {
            Some(incident) => self.archive.finish(incident.name, self.record(now, node)),
            None => Ok(()),
        }
    }

    /// What happened lately.
    #[must_use]
    pub fn tell(&self, now: Instant) -> Vec<Transition> {
        self.chronicle.tell(now)
    }

    /// The part of an export that begins there; without an `id`, the record as it is becomes a new export.
    pub fn export(&mut self, now: Instant, node: &Node, id: Option<u64>, from: u64) -> Response {
        let export = match (id, self.export.take()) {
            (None, _) => {
                self.exports += 1;
                Export {
                    id: self.exports,
                    record: self.record(now, node),
                    until: now,
                }
            }
            (Some(id), Some(export)) if export.id == id => export,
            (Some(_), other) => {
                self.export = other;
                return Response::refused(
                    "this export is over: another one was begun, or nobody asked for its next part for too long",
                    Some("export anew".to_owned()),
                );
            }
        };
        let part = usize::try_from(from)
            .ok()
            .and_then(|from| export.record.part(from, PART));
        let (id, total) = (export.id, export.record.length() as u64);
        self.export = Some(Export {
            until: now + EXPORT_PATIENCE,
            ..export
        });
        match part {
            Some(text) => Response::new(Outcome::Ok(Answer::Part(Part { id, from, total, text }))),
            None => Response::refused("no part of the export begins there", None),
        }
    }

    fn event(&mut self, now: Instant, event: &Event, logbook: &mut Logbook) {
        if !self.chronicle.hear(now, event) {
            return;
        }
        self.journal(now, logbook);
        let is_start = now < self.began_at + START;
        let incident = self.incident.get_or_insert_with(|| Incident {
            name: if is_start { START_NAME.to_owned() } else { file_time() },
            ends_at_last: now + LONGEST,
            settled_at: now,
            write_at: None,
            written_at: None,
        });
        if is_claim(event) && incident.name == START_NAME {
            incident.name = file_time();
        }
        incident.settled_at = (now + AFTERMATH).min(incident.ends_at_last);
        let earliest = incident.written_at.map_or(now, |at| now.max(at + WRITE_PAUSE));
        incident.write_at.get_or_insert(earliest);
    }

    /// Puts the newest transition into the journal.
    fn journal(&self, now: Instant, logbook: &mut Logbook) {
        if let Some(newest) = self.chronicle.newest(now) {
            logbook.write(millis(now.since(Instant::ZERO)), newest);
        }
    }

    fn record(&self, now: Instant, node: &Node) -> Record {
        let header = Header {
            origin_unix_us: unix_us().saturating_sub(now.as_nanos() / 1_000),
            ..self.header.clone()
        };
        let told = self.chronicle.tell(now).into_iter().map(Line::Told);
        let head: Vec<Line<'_>> = std::iter::once(Line::Trace(header)).chain(told).collect();
        self.recorder.record(now, node, &head)
    }
}

fn digest_of(config: &Config) -> String {
    config.digest().map(|byte| format!("{byte:02x}")).concat()
}

/// Whether the address is about to move to this node.
const fn is_claim(event: &Event) -> bool {
    match event {
        Event::Decided(decision) => matches!(decision.verdict, Verdict::Claim { .. }),
        Event::ClaimFailed { .. }
        | Event::Releasing { .. }
        | Event::Released(_)
        | Event::Claiming { .. }
        | Event::Claimed(_)
        | Event::TookOver(_) => true,
        Event::LinkChanged { .. }
        | Event::PeerIncarnation(_)
        | Event::HolderChanged { .. }
        | Event::Paused { .. }
        | Event::HoldChanged { .. }
        | Event::Witness { .. }
        | Event::Leaving(_)
        | Event::HostEnds(_)
        | Event::SilenceStartsAnew => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use pair_core::{AssociationId, Config as CoreConfig, Incarnation, Member};
    use pair_wire::control::encode_line;
    use pair_wire::trace::Trace;

    use super::*;

    #[test]
    fn an_incident_is_written_at_once_at_most_each_second_and_when_it_is_over() {
        let (mut flight, node) = flight_of_b();
        let mut written = Vec::new();
        for ms in (0..20_000).step_by(100) {
            if [100, 400, 700].contains(&ms) {
                flight.output(at(ms), &paused(), &mut logbook());
            }
            flight.follow(at(ms), &node);
            written.extend(flight.archive.take().map(|_| ms));
        }
        // At once; a second later with both that came meanwhile; and five seconds after the last.
        assert_eq!(written, [100, 1_100, 5_700]);
    }

    #[test]
    fn an_incident_that_does_not_end_is_cut_while_its_beginning_is_still_in_the_record() {
        let (mut flight, node) = flight_of_b();
        let (mut written, mut names) = (0, Vec::new());
        for ms in (0..60_000).step_by(100) {
            flight.output(at(ms), &paused(), &mut logbook());
            flight.follow(at(ms), &node);
            if let Some(name) = flight.archive.take() {
                written += 1;
                names.push((ms, name));
            }
            if flight.incident.is_none() {
                break;
            }
        }
        assert_eq!(names.last().map(|(ms, _)| *ms), Some(30_000));
        assert_eq!(written, 31);
        names.dedup_by(|(_, one), (_, other)| one == other);
        assert_eq!(names.len(), 1, "one incident, one file");
    }

    #[test]
    fn starts_share_a_file_unless_a_claim_follows() {
        let (mut flight, node) = flight_of_b();
        flight.output(
            at(200),
            &Output::Event(Event::PeerIncarnation(Incarnation(5))),
            &mut logbook(),
        );
        flight.follow(at(200), &node);
        assert_eq!(flight.archive.take().as_deref(), Some("start"));
        flight.output(
            at(400),
            &Output::Event(Event::Claimed(AssociationId::of("eipassoc-b"))),
            &mut logbook(),
        );
        flight.follow(at(1_400), &node);
        let name = flight.archive.take().unwrap();
        assert!(name.starts_with("20") && name.ends_with('Z'), "{name}");
        let (mut later, node) = flight_of_b();
        later.output(at(5_000), &paused(), &mut logbook());
        later.follow(at(5_000), &node);
        assert_ne!(later.archive.take().as_deref(), Some("start"));
    }

    #[test]
    fn nothing_is_written_where_nothing_happens() {
        let (mut flight, node) = flight_of_b();
        for ms in (0..100_000).step_by(200) {
            flight.input(at(ms), &node, &Input::Wakeup);
            flight.follow(at(ms), &node);
        }
        assert_eq!(flight.archive.take(), None);
        assert!(flight.finish(at(100_000), &node).is_ok());
        assert!(!Path::new(NOWHERE).exists());
    }

    #[test]
    fn an_export_is_the_record_of_its_beginning_whatever_happens_meanwhile() {
        let (mut flight, node) = flight_of_b();
        for ms in 0..5_000 {
            flight.input(at(ms), &node, &Input::Wakeup);
        }
        let first = part(&flight.export(at(5_000), &node, None, 0));
        let mut text = first.text;
        while (text.len() as u64) < first.total {
            flight.input(at(5_001), &node, &Input::Stop);
            let next = flight.export(at(5_001), &node, Some(first.id), text.len() as u64);
            assert!(encode_line(&next).is_ok(), "a part fits into a response");
            let next = part(&next);
            assert_eq!((next.id, next.total), (first.id, first.total));
            text.push_str(&next.text);
        }
        let trace = Trace::parse(&text).unwrap();
        assert_eq!((trace.header.node.as_str(), trace.header.peer.as_str()), ("b", "a"));
        assert_eq!(trace.entries.len(), 5_000 + 2, "two snapshots around the inputs");
        assert!(!text.contains("Stop"));
    }

    #[test]
    fn an_export_ends_with_the_next_one_or_when_nobody_asks_for_too_long() {
        let (mut flight, node) = flight_of_b();
        let first = part(&flight.export(at(0), &node, None, 0)).id;
        let second = part(&flight.export(at(0), &node, None, 0)).id;
        assert!(is_refused(&flight.export(at(0), &node, Some(first), 0)));
        assert!(is_refused(&flight.export(at(0), &node, Some(second + 1), 0)));
        flight.follow(at(29_999), &node);
        assert_eq!(part(&flight.export(at(29_999), &node, Some(second), 0)).id, second);
        flight.follow(at(59_999), &node);
        assert!(is_refused(&flight.export(at(59_999), &node, Some(second), 0)));
    }

    /// A folder that is never made.
    const NOWHERE: &str = "/nonexistent/paird";

    fn flight_of_b() -> (Flight, Node) {
        let text = "pair = \"lb-1\"\n[[node]]\nname = \"a\"\naddresses = [\"10.0.1.10\"]\n\
                    [[node]]\nname = \"b\"\naddresses = [\"10.0.2.10\"]\n\
                    [[address]]\nallocation_id = \"eipalloc-0123456789abcdef0\"\n\
                    [check]\nnone = true\n[probe]\nnone = true\n[security]\ninsecure_no_key = true\n";
        let config = Config::parse("paird.toml", text).unwrap();
        let second = Duration::from_secs(1);
        let core = CoreConfig {
            me: Member::Second,
            preferred: Member::First,
            private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
            interval: second / 5,
            holdtime: second,
            probe_timeout: None,
            lost_contact_takeover: second * 60,
            unfit_delay: second,
            refit: second * 60,
            call_timeout: second * 2,
            preempt_delay: None,
            strict: false,
            restart_grace: second * 10,
            witnesses: pair_core::Witnessing::default(),
            version: pair_core::Version::cut("0.1.0"),
        };
        let node = Node::new(core, 7, Instant::ZERO);
        let names = Names::new(["a".to_owned(), "b".to_owned()], Member::Second);
        let archive = Archive::new(Path::new(NOWHERE));
        (
            Flight::new(&config, &names, &config.addresses[0], archive, Instant::ZERO, &node),
            node,
        )
    }

    fn logbook() -> Logbook {
        Logbook::open(Path::new(NOWHERE))
    }

    fn paused() -> Output {
        let missed = Duration::from_secs(1);
        Output::Event(Event::Paused { missed })
    }

    fn part(response: &Response) -> Part {
        match &response.outcome {
            Outcome::Ok(Answer::Part(part)) => part.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn is_refused(response: &Response) -> bool {
        matches!(response.outcome, Outcome::Refused { .. })
    }

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }
}
