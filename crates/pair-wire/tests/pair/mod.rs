//! A pair in good times: two nodes with what encodes and opens their heartbeats, in virtual time.

use std::net::IpAddr;
use std::time::Duration;

use pair_core::{
    Association, AssociationId, Call, Config, Fitness, Identity, Input, InstanceId, InstanceState, Instant,
    InterfaceId, Member, Node, Output, Reply, Version, Zone,
};
use pair_wire::{
    datagram::{MAX_DATAGRAM, Receiver, Sender},
    key::KeyRing,
};

/// One end: a node with what encodes and decodes for it.
pub(crate) struct End {
    pub(crate) node: Node,
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
}

/// Two ends and the time.
pub(crate) struct Pair {
    pub(crate) ends: [End; 2],
    pub(crate) now: Instant,
    /// How the service of each is.
    pub(crate) fitness: [Fitness; 2],
    /// Who has the address, as EC2 says.
    holder: Member,
}

impl Pair {
    /// Two nodes that know who they are, and nothing else yet.
    pub(crate) fn new() -> Self {
        let keys = KeyRing::insecure();
        let ends = Member::BOTH.map(|me| {
            let mut node = Node::new(config(me), 7 + me.index() as u64, Instant::ZERO);
            node.handle(
                Instant::ZERO,
                Input::Identity(Identity {
                    instance: instance(me),
                    zone: Zone::cut("us-east-1a"),
                    interface: Some(interface(me)),
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
            fitness: [Fitness::Fit; 2],
            holder: Member::First,
        }
    }

    /// Lets time pass, with every check of an agent each interval, and says how many heartbeats were heard.
    pub(crate) fn run_for(&mut self, time: Duration) -> usize {
        let end = self.now + time;
        let mut heard = 0;
        while self.now < end {
            self.now = self.now + Duration::from_millis(200);
            for me in Member::BOTH {
                let asked_at = self.now;
                let health = Input::Health {
                    fitness: self.fitness[me.index()],
                    saturated: false,
                };
                self.handle(me, health);
                let mine = me == self.holder;
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

    /// Carries out what a node wants: heartbeats are encoded, opened and heard, and EC2 gives the address to whoever claims it.
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
                Output::Call(request) => {
                    if matches!(request.call, Call::Associate { .. }) {
                        self.holder = from;
                    }
                    let held = held_by(self.holder);
                    let reply = match request.call {
                        Call::ReadAddress => Reply::Address(Some(held)),
                        Call::Associate { .. } => Reply::Associated(held.id),
                        Call::ReadInstance(_) => Reply::Instance(InstanceState::Running { unreachable: false }),
                        Call::Release(_) => Reply::Released,
                    };
                    let result = Ok(reply);
                    self.handle(from, Input::Called { id: request.id, result });
                }
                Output::Probe { .. }
                | Output::AskWitnesses { .. }
                | Output::Ordered { .. }
                | Output::Keep(_)
                | Output::MayStop
                | Output::Event(_) => {}
            }
        }
        heard
    }
}

fn held_by(holder: Member) -> Association {
    Association {
        id: AssociationId::of(&format!("eipassoc-0123456789abcdef{}", holder.index())),
        interface: interface(holder),
        private_ip: PRIVATE_IPS[holder.index()].into(),
        instance: Some(instance(holder)),
    }
}

fn interface(of: Member) -> InterfaceId {
    InterfaceId::of(&format!("eni-0b00000000000000{}", of.index()))
}

fn instance(of: Member) -> InstanceId {
    InstanceId::of(&format!("i-0a00000000000000{}", of.index()))
}

fn config(me: Member) -> Config {
    Config {
        me,
        preferred: Member::First,
        private_ips: PRIVATE_IPS.map(IpAddr::from),
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

const PRIVATE_IPS: [[u8; 4]; 2] = [[10, 0, 1, 10], [10, 0, 2, 10]];
