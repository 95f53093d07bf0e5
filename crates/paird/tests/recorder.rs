//! The recorder in front of a real core: its bounds, what it costs, and that whatever it keeps replays.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use pair_core::{
    AssociationId, Config, Echo, Fitness, Heartbeat, Holder, Incarnation, Input, InstanceId, Instant, Member, Moves,
    Node, Output, Prefix, Report, Sequence, Source, Version, Word, Zone,
};
use pair_wire::control::{Transition, TransitionKind};
use pair_wire::trace::{Header, Line, TRACE_VERSION, Trace, What};
use paird::recorder::{Record, Recorder};

#[test]
fn whatever_is_kept_begins_with_a_snapshot_stays_within_the_bound_and_replays() {
    let mut story = Story::begin();
    let mut shortest = usize::MAX;
    for round in 0..40 {
        // A prime number of turns: the record is taken everywhere in a segment, the turn-over included.
        story.tell(397, round % 4 != 3);
        let record = story.record();
        let (text, head) = (text(&record), text_of_head().len());
        assert!(record.length() <= head + 2 * SEGMENT, "{} bytes", record.length());
        let trace = Trace::parse(&text).unwrap();
        assert!(matches!(trace.entries[0].what, What::Snapshot(_)));
        let replayed = pair_sim::replay(&trace).unwrap();
        assert!(replayed.snapshots > 0, "{replayed:?}");
        if round > 3 {
            shortest = shortest.min(record.length());
        }
    }
    assert!(shortest > SEGMENT / 2, "the older segment is kept: {shortest} bytes");
    assert!(story.events > 20, "{} events", story.events);
}

#[test]
fn a_heartbeat_is_recorded_without_an_allocation() {
    let mut story = Story::begin();
    story.tell(8, true);
    let input = Input::Heartbeat(story.heartbeat());
    let (now, node) = (story.now, story.node.clone());
    assert_eq!(allocated(|| story.recorder.input(now, &node, &input)), 0);
    assert_eq!(allocated(|| story.recorder.input(now, &node, &Input::Wakeup)), 0);
}

#[test]
fn a_segment_that_is_dropped_is_written_over() {
    let mut story = Story::begin();
    story.tell(3_000, true);
    let input = Input::Heartbeat(story.heartbeat());
    let (now, node) = (story.now, story.node.clone());
    let fill = |recorder: &mut Recorder| {
        for _ in 0..SEGMENT / 512 {
            recorder.input(now, &node, &input);
        }
    };
    assert!(allocated(|| fill(&mut story.recorder)) < SEGMENT / 2, "snapshots only");
    let _written = story.record();
    assert!(
        allocated(|| fill(&mut story.recorder)) >= SEGMENT,
        "while it is written to disk it stays as it is"
    );
}

#[test]
fn the_parts_of_a_record_are_the_record_wherever_they_are_cut() {
    let mut story = Story::begin();
    story.tell(50, true);
    let record = story.record();
    let whole = text(&record);
    for limit in [7, 100, 28 * 1024, 10 * 1024 * 1024] {
        let mut joined = String::new();
        while joined.len() < whole.len() {
            let part = record.part(joined.len(), limit).unwrap();
            assert!(!part.is_empty() && part.len() <= limit);
            joined.push_str(&part);
        }
        assert_eq!(joined, whole);
    }
    let within = whole.find('→').unwrap() + 1;
    assert_eq!(record.part(within, 100), None, "no text begins within a character");
    assert_eq!(record.part(whole.len(), 100).as_deref(), Some(""));
    assert_eq!(record.part(usize::MAX, 100).as_deref(), Some(""));
}

/// Small, so that a test turns over many: twice what is kept free for one input.
const SEGMENT: usize = 128 * 1024;

/// A core, what it is told, and the recorder of it.
struct Story {
    node: Node,
    recorder: Recorder,
    now: Instant,
    sequence: u64,
    events: u32,
}

impl Story {
    fn begin() -> Self {
        let node = Node::new(config(), 7, Instant::ZERO);
        let mut story = Self {
            recorder: Recorder::new(SEGMENT, Instant::ZERO, &node),
            node,
            now: Instant::ZERO,
            sequence: 0,
            events: 0,
        };
        story.handle(Input::Health {
            fitness: Fitness::Fit,
            saturated: false,
        });
        story
    }

    /// So many turns of the event loop, 50 ms each; the peer lives, or is silent.
    fn tell(&mut self, turns: u64, is_peer_alive: bool) {
        for turn in 0..turns {
            self.now = self.now + Duration::from_millis(50);
            if is_peer_alive && turn % 4 == 0 {
                let heartbeat = self.heartbeat();
                self.handle(Input::Heartbeat(heartbeat));
            }
            self.handle(Input::Wakeup);
        }
    }

    fn handle(&mut self, input: Input) {
        self.recorder.input(self.now, &self.node, &input);
        self.node.handle(self.now, input);
        while let Some(output) = self.node.poll_output() {
            self.events += u32::from(matches!(output, Output::Event(_)));
            self.recorder.output(self.now, &output);
        }
    }

    fn record(&self) -> Record {
        let told = Transition {
            node: "b".to_owned(),
            unix_ms: 0,
            at: String::new(),
            kind: TransitionKind::Link,
            text: "a → b".to_owned(),
            before: None,
            rule: None,
            evidence: Vec::new(),
            silence_ms: None,
            times: None,
            address: None,
        };
        self.recorder
            .record(self.now, &self.node, &[Line::Trace(header()), Line::Told(told)])
    }

    fn heartbeat(&mut self) -> Heartbeat {
        self.sequence += 1;
        Heartbeat {
            prefix: Prefix {
                sender: Member::First,
                incarnation: Incarnation(0xfedc_ba98_7654_3210),
                sequence: Sequence(self.sequence),
                echo: Some(Echo {
                    incarnation: self.node.incarnation(),
                    sequence: Sequence(self.sequence),
                    age_us: 123_456,
                }),
            },
            report: Some(Report {
                query: false,
                interval: Duration::from_millis(200),
                instance: Some(InstanceId::of("i-0aaaaaaaaaaaaaaaa")),
                zone: Zone::cut("us-east-1a"),
                fitness: Fitness::Fit,
                saturated: false,
                ready: true,
                word: Some(Word {
                    holder: Holder::Member(Member::First),
                    association: Some(AssociationId::of("eipassoc-0123456789abcdef0")),
                    source: Source::Imds,
                    age: Duration::from_millis(800),
                }),
                claiming: false,
                yielding: false,
                by_order: false,
                moves: Moves::default(),
                notice: None,
                hold: None,
                version: Version::cut("0.1.0"),
            }),
        }
    }
}

fn config() -> Config {
    Config {
        me: Member::Second,
        preferred: Member::First,
        private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
        interval: Duration::from_millis(200),
        holdtime: Duration::from_secs(1),
        probe_timeout: Some(Duration::from_millis(500)),
        lost_contact_takeover: Duration::from_secs(60),
        unfit_delay: Duration::from_secs(1),
        refit: Duration::from_secs(60),
        call_timeout: Duration::from_secs(3),
        preempt_delay: None,
        strict: false,
        restart_grace: Duration::from_secs(10),
        witnesses: pair_core::Witnessing::default(),
        version: Version::cut("0.1.0"),
    }
}

fn header() -> Header {
    Header {
        version: TRACE_VERSION,
        pair: "lb-1".to_owned(),
        node: "b".to_owned(),
        peer: "a".to_owned(),
        agent: "0.1.0".to_owned(),
        config: "0123456789abcdef".to_owned(),
        origin_unix_us: 0,
    }
}

/// Everything before the first snapshot.
fn text_of_head() -> String {
    let whole = text(&Story::begin().record());
    whole[..whole.find("{\"snapshot\"").unwrap()].to_owned()
}

fn text(record: &Record) -> String {
    let mut bytes = Vec::new();
    record.write_to(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// How many bytes were asked of the allocator while this ran, returned or not.
fn allocated<T>(run: impl FnOnce() -> T) -> usize {
    let before = ALLOCATED.get();
    std::hint::black_box(run());
    ALLOCATED.get() - before
}

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator as it came; counting touches a constant-initialised thread-local only,
// which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises of `dealloc`, and the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}
