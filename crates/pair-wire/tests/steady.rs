//! What a heartbeat costs in good times, measured at the allocator: a pair that is well must not wear out its memory.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    time::Duration,
};

use pair_core::{
    Association, AssociationId, Call, Config, Fitness, Identity, Input, InstanceId, Instant, InterfaceId, Member, Node,
    Output, Reply,
};
use pair_wire::{
    datagram::{MAX_DATAGRAM, Receiver, Sender},
    key::KeyRing,
};

/// One end: a node with what encodes and decodes for it.
struct End {
    node: Node,
    sender: Sender,
    receiver: Receiver,
}

/// Two ends and the time.
struct Pair {
    ends: [End; 2],
    now: Instant,
}

/// What was asked of the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    times: usize,
    /// What was not given back, in bytes.
    kept: isize,
}

#[test]
fn a_heartbeat_of_good_times_asks_little_of_the_allocator_and_keeps_nothing() {
    let mut pair = Pair::new();
    // Long enough that every queue and window has the size that it keeps.
    pair.run_for(Duration::from_secs(120));
    let before = asked();
    let heartbeats = pair.run_for(Duration::from_secs(60));
    let after = asked();
    let times = (after.times - before.times).div_ceil(heartbeats);
    assert_eq!((heartbeats, after.kept - before.kept), (600, 0));
    // Four texts are copied into a report, and four are read from the datagram: instance, zone, association and version. The
    // node that does not hold the address weighs the association that it is told.
    assert!(times <= 9, "{times} allocations for each heartbeat");
}

impl Pair {
    fn new() -> Self {
        let keys = KeyRing::insecure();
        let ends = Member::BOTH.map(|me| {
            let mut node = Node::new(config(me), 7 + me.index() as u64, Instant::ZERO);
            node.handle(
                Instant::ZERO,
                Input::Identity(Identity {
                    instance: instance(me),
                    zone: "us-east-1a".to_owned(),
                    interface: Some(InterfaceId(format!("eni-0b00000000000000{}", me.index()))),
                }),
            );
            End {
                sender: Sender::new("lb-1", &keys),
                receiver: Receiver::new("lb-1", me, node.incarnation(), &keys),
                node,
            }
        });
        Self {
            ends,
            now: Instant::ZERO,
        }
    }

    /// Lets time pass, with every check of an agent each interval, and says how many heartbeats were heard.
    fn run_for(&mut self, time: Duration) -> usize {
        let end = self.now + time;
        let mut heard = 0;
        while self.now < end {
            self.now = self.now + Duration::from_millis(200);
            for me in Member::BOTH {
                let asked_at = self.now;
                let health = Input::Health {
                    fitness: Fitness::Fit,
                    saturated: false,
                };
                self.handle(me, health);
                let mine = me == Member::First;
                self.handle(me, Input::Imds { mine, asked_at });
                self.handle(me, Input::Wakeup);
                heard += self.deliver(me);
            }
        }
        heard
    }

    fn handle(&mut self, me: Member, input: Input) {
        self.ends[me.index()].node.handle(self.now, input);
    }

    /// Carries out what a node wants: heartbeats are encoded, opened and heard, and EC2 says that the first has the address.
    fn deliver(&mut self, from: Member) -> usize {
        let mut heard = 0;
        while let Some(output) = self.ends[from.index()].node.poll_output() {
            match output {
                Output::Send(heartbeat) => {
                    let mut datagram = [0; MAX_DATAGRAM];
                    let len = self.ends[from.index()].sender.encode(&heartbeat, &mut datagram);
                    let to = &mut self.ends[from.peer().index()];
                    let opened = to.receiver.open(&datagram[..len]).unwrap();
                    to.node.handle(self.now, Input::Heartbeat(opened));
                    heard += 1;
                }
                Output::Call(request) if request.call == Call::ReadAddress => {
                    let result = Ok(Reply::Address(Some(held())));
                    self.handle(from, Input::Called { id: request.id, result });
                }
                Output::Call(_)
                | Output::Probe { .. }
                | Output::Ordered { .. }
                | Output::Keep(_)
                | Output::MayStop
                | Output::Event(_) => {}
            }
        }
        heard
    }
}

fn held() -> Association {
    Association {
        id: AssociationId("eipassoc-0123456789abcdef0".to_owned()),
        interface: InterfaceId("eni-0b000000000000000".to_owned()),
        private_ip: [10, 0, 1, 10].into(),
        instance: Some(instance(Member::First)),
    }
}

fn instance(of: Member) -> InstanceId {
    InstanceId(format!("i-0a00000000000000{}", of.index()))
}

fn config(me: Member) -> Config {
    Config {
        me,
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
        version: "0.1.0".to_owned(),
    }
}

fn asked() -> Asked {
    ASKED.get()
}

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked { times: 0, kept: 0 }) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(times: usize, kept: isize) {
    let asked = ASKED.get();
    ASKED.set(Asked {
        times: asked.times + times,
        kept: asked.kept + kept,
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting touches a constant-initialised thread-local only,
// which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size().cast_signed());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -layout.size().cast_signed());
        // SAFETY: the caller keeps the promises of `dealloc`, and the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}
