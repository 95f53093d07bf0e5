//! A tick: whatever follows from the last one, in a fixed order and without any delay.
//!
//! ```text
//! event ─► calls of the last tick end ─► IMDS and checks tell ─► A wakes ─► B wakes ─► what was true is followed
//!                                        └──────── datagrams, probes, most reads at once ─┘
//! ```
//!
//! A claim takes a tick, so that something may happen to it on its way; everything else is a matter of milliseconds, and to
//! a tick that is no time. Nodes are woken at ticks only: late, but never by more than an interval, and a late wake-up
//! changes nothing that matters.

use std::{collections::VecDeque, time::Duration};

use pair_core::{
    Call, CallFault, CallRequest, Decision, Event as Told, Fitness, Identity, Input, InstanceState, Member, Node,
    OrderId, Output, ProbeTarget, Reply, WitnessIndex, WitnessOutcome, Zone,
};

use super::{
    event::Event,
    machine::Request,
    settings::{HOLD, TICK},
    state::State,
};
use crate::{Owner, Service, operator::Kept};

impl State {
    /// Lets a tick pass that begins with `event`.
    pub(super) fn tick(&mut self, event: Option<Event>) {
        self.now = self.now + TICK;
        self.begin_watch();
        if let Some(event) = event {
            self.faults += u8::from(event.is_fault());
        }
        if let Some(event) = event.filter(|event| !event.is_said()) {
            self.strike(event);
        }
        for member in Member::BOTH {
            self.end_calls(member);
        }
        // After the calls of the last tick: what a node does about it takes its time like anything else.
        if let Some(event) = event.filter(|event| event.is_said()) {
            self.strike(event);
        }
        for member in Member::BOTH {
            self.inform(member);
        }
        for member in Member::BOTH {
            if self.machine(member).is_running() {
                self.hand(member, Input::Wakeup);
            }
            if self.machine(member).may_stop {
                self.machine_mut(member).kill_agent();
            }
        }
        self.ec2.forget_history();
        self.end_watch();
    }

    /// Starts the host, if it is off, and its agent.
    pub(super) fn start(&mut self, member: Member) {
        let (config, now) = (self.ec2.placed(self.settings.config(member)), self.now);
        let identity = Identity {
            instance: self.ec2.instance_id(member),
            zone: Zone::cut("us-east-1a"),
            interface: Some(self.ec2.interface_id(member)),
        };
        self.ec2
            .set_instance(member, InstanceState::Running { unreachable: false });
        self.watch.begin_run(member);
        let machine = self.machine_mut(member);
        if !machine.is_on {
            machine.is_on = true;
            machine.service = Service::Serving;
        }
        machine.runs += 1;
        let seed = machine.runs * 2 + member.index() as u64;
        let kept = machine.kept.map(|kept| kept.by(now));
        machine.node = Some(Box::new(Node::new(config, seed, now)));
        self.find(member);
        self.hand(member, Input::Identity(identity));
        self.hand(member, Input::Readiness(true));
        if let Some(standing) = kept {
            self.hand(member, Input::Restored(standing));
        }
    }

    /// Tells a member who is at its peer's place, where that is found; from then on it speaks to that one.
    fn find(&mut self, member: Member) {
        if self.settings.is_found {
            self.spoken_to[member.index()] = self.ec2.generation(member.peer());
            let members = self.ec2.members(member);
            self.hand(member, Input::Members(members));
        }
    }

    /// The instance of a member is gone with all that was there, and what it had asked of EC2; the next one is there, and off.
    fn replace(&mut self, member: Member) {
        self.switch_off(member);
        let machine = self.machine_mut(member);
        machine.straggler = None;
        machine.kept = None;
        machine.is_isolated = false;
        machine.is_api_cut = false;
        self.ec2.replace(self.now, member);
    }

    fn strike(&mut self, event: Event) {
        self.befall(event);
        self.watch_event(event);
    }

    fn befall(&mut self, event: Event) {
        match event {
            Event::CrashHost(member) => self.switch_off(member),
            Event::StopInstance(member) => {
                self.switch_off(member);
                self.ec2.set_instance(member, InstanceState::Down);
            }
            Event::CrashAgent(member) => self.machine_mut(member).kill_agent(),
            Event::StopAgent(member) => self.hand(member, Input::Stop),
            Event::Suspend(member) => self.machine_mut(member).is_suspended = true,
            Event::Cut => self.cut = [true; 2],
            Event::CutFrom(member) => self.cut[member.index()] = true,
            Event::Isolate(member) => {
                self.machine_mut(member).is_isolated = true;
                self.lose_calls(member);
            }
            Event::CutApi(member) => {
                self.machine_mut(member).is_api_cut = true;
                self.lose_calls(member);
            }
            Event::Fail(member, service) => self.machine_mut(member).service = service,
            Event::Refuse(member) => {
                if let Some(Request { id, .. }) = self.machine_mut(member).claim.take() {
                    let result = Err(CallFault::Failed);
                    self.tell(member, Input::Called { id, result });
                }
            }
            Event::HoldUp(member) => self.lose_claim(member),
            Event::Put(owner) => {
                self.ec2.put(self.now, owner);
            }
            Event::Order(asked) => {
                let (id, to) = (OrderId(0), asked.peer());
                self.hand(asked, Input::Order { id, to, force: false });
            }
            Event::Hold(asked) => self.hand(asked, Input::Hold(HOLD)),
            Event::Replace(member) => self.replace(member),
            Event::Find(member) => self.find(member),
            Event::Start(member) => self.start(member),
            Event::Resume(member) => self.machine_mut(member).is_suspended = false,
            Event::Heal => self.cut = [false; 2],
            Event::SilenceWitness => self.is_witness_silent = true,
            Event::WakeWitness => self.is_witness_silent = false,
            Event::Reconnect(member) => self.machine_mut(member).is_isolated = false,
            Event::MendApi(member) => self.machine_mut(member).is_api_cut = false,
            Event::Repair(member) => self.machine_mut(member).service = Service::Serving,
            Event::Land(member) => {
                if let Some(request) = self.machine_mut(member).straggler.take() {
                    // Nobody listens for the reply any more.
                    let _unheard = self.associate(member, request, true);
                }
            }
        }
    }

    fn switch_off(&mut self, member: Member) {
        let machine = self.machine_mut(member);
        machine.kill_agent();
        machine.is_on = false;
        machine.service = Service::Gone;
    }

    /// The calls under way get no reply.
    fn lose_calls(&mut self, member: Member) {
        let machine = self.machine_mut(member);
        let reads = std::mem::take(&mut machine.reads);
        machine.unanswered.extend(reads.into_iter().map(|(id, _)| id));
        self.lose_claim(member);
    }

    /// The claim under way gets no reply.
    fn lose_claim(&mut self, member: Member) {
        let machine = self.machine_mut(member);
        if let Some(Request { id, .. }) = machine.claim {
            machine.unanswered.push(id);
            machine.give_up_claim();
        }
    }

    /// The calls of the last tick end: what was lost by its time-out, a claim by what EC2 says.
    fn end_calls(&mut self, member: Member) {
        for id in std::mem::take(&mut self.machine_mut(member).unanswered) {
            let result = Err(CallFault::Unanswered);
            self.tell(member, Input::Called { id, result });
        }
        self.machine_mut(member).reads_answered = 0;
        for (id, call) in std::mem::take(&mut self.machine_mut(member).reads) {
            let result = self.read(member, &call);
            self.tell(member, Input::Called { id, result });
        }
        if let Some(request) = self.machine_mut(member).claim.take() {
            let result = self.associate(member, request, false);
            self.tell(member, Input::Called { id: request.id, result });
        }
        if self.machine(member).is_running() {
            for input in std::mem::take(&mut self.machine_mut(member).waiting) {
                self.hand(member, input);
            }
        }
    }

    /// A claim reaches EC2.
    fn associate(&mut self, by: Member, request: Request, is_straggler: bool) -> Result<Reply, CallFault> {
        let before = self.owner();
        let Request {
            allow_reassociation, ..
        } = request;
        let result = self.ec2.answer(self.now, by, &Call::Associate { allow_reassociation });
        if result.is_ok() {
            self.watch_win(by, before, is_straggler);
        }
        result
    }

    /// IMDS and the checks tell what they see.
    fn inform(&mut self, member: Member) {
        if !self.machine(member).is_running() {
            return;
        }
        let asked_at = self.now;
        let mine = self.ec2.imds_shows(self.now, member, Duration::ZERO);
        self.hand(member, Input::Imds { mine, asked_at });
        let service = self.machine(member).service;
        let (fitness, saturated) = (service.fitness(), service.is_saturated());
        self.hand(member, Input::Health { fitness, saturated });
    }

    /// Hands an input to a node, or keeps it until the machine goes on.
    fn tell(&mut self, member: Member, input: Input) {
        if self.machine(member).is_suspended {
            self.machine_mut(member).waiting.push(input);
        } else {
            self.hand(member, input);
        }
    }

    /// Hands an input to a node, and carries out all that follows from it on both sides.
    fn hand(&mut self, member: Member, input: Input) {
        let mut agenda = VecDeque::from([(member, input)]);
        for _ in 0..MOST_WORK {
            let Some((at, input)) = agenda.pop_front() else { return };
            let now = self.now;
            if self.machine(at).is_suspended {
                continue;
            }
            let Some(node) = &mut self.machine_mut(at).node else {
                continue;
            };
            let is_wakeup = input == Input::Wakeup;
            node.handle(now, input);
            if is_wakeup {
                let (due, _) = node.poll_timeout();
                self.watch_timer(due);
            }
            self.carry_out(at, &mut agenda);
        }
        self.watch_overwork();
    }

    /// Carries out everything that a node wants; what comes back at once goes on the agenda.
    fn carry_out(&mut self, by: Member, agenda: &mut VecDeque<(Member, Input)>) {
        let mut decided: Option<Decision> = None;
        while let Some(output) = self.machine_mut(by).node.as_mut().and_then(|node| node.poll_output()) {
            match output {
                Output::Send(heartbeat) => {
                    let to = by.peer();
                    if self.carries(by) && self.machine(to).is_running() {
                        self.watch_datagram(to, &heartbeat);
                        agenda.push_back((to, Input::Heartbeat(heartbeat)));
                    } else if self.carries(by) && self.carries(to) && self.is_agent_missing(to) {
                        agenda.push_back((by, Input::PeerUnreachable));
                    }
                }
                Output::Probe { .. } => {
                    for target in [ProbeTarget::Private, ProbeTarget::Elastic] {
                        let input = self.probe(by, target);
                        agenda.push_back((by, input));
                    }
                }
                Output::AskWitnesses { .. } => {
                    let input = self.ask_witness(by);
                    agenda.push_back((by, input));
                }
                Output::Call(request) => {
                    if let Some(result) = self.call(by, &request, decided.as_ref()) {
                        let id = request.id;
                        agenda.push_back((by, Input::Called { id, result }));
                    }
                }
                Output::Keep(standing) => {
                    let at = self.now;
                    self.machine_mut(by).kept = Some(Kept { standing, at });
                }
                Output::MayStop => self.machine_mut(by).may_stop = true,
                Output::Event(Told::Decided(decision)) => decided = Some(decision),
                Output::Ordered { .. } | Output::Event(_) => {}
            }
        }
    }

    /// Makes a call; says how it ends if that is known at once.
    fn call(
        &mut self,
        by: Member,
        request: &CallRequest,
        decided: Option<&Decision>,
    ) -> Option<Result<Reply, CallFault>> {
        let id = request.id;
        let reaches_api = self.machine(by).reaches_api();
        if let Call::Associate { allow_reassociation } = request.call {
            self.watch_claim(by, allow_reassociation, decided);
            if reaches_api {
                self.machine_mut(by).claim = Some(Request {
                    id,
                    allow_reassociation,
                });
                return None;
            }
        } else if reaches_api {
            if self.machine(by).reads_answered < READS_AT_ONCE {
                self.machine_mut(by).reads_answered += 1;
                return Some(self.read(by, &request.call));
            }
            self.machine_mut(by).reads.push((id, request.call.clone()));
            return None;
        }
        self.machine_mut(by).unanswered.push(id);
        None
    }

    /// A read reaches EC2.
    fn read(&mut self, by: Member, call: &Call) -> Result<Reply, CallFault> {
        self.watch_read(by, call);
        self.ec2.answer(self.now, by, call)
    }

    /// Probes a service: over the network between the nodes, or over the one that clients use.
    fn probe(&self, by: Member, target: ProbeTarget) -> Input {
        let asked = match (target, self.owner()) {
            (ProbeTarget::Private, _) if self.carries(by) && self.carries(by.peer()) => Some(by.peer()),
            (ProbeTarget::Private, _) => None,
            (ProbeTarget::Elastic, Some(Owner::Member(owner))) => {
                let is_isolated = self.machine(by).is_isolated || self.machine(owner).is_isolated;
                (!is_isolated).then_some(owner)
            }
            (ProbeTarget::Elastic, Some(Owner::Misplaced(_) | Owner::Stranger | Owner::Former(_)) | None) => None,
        };
        let asked = asked.map(|asked| self.machine(asked));
        let answers = asked.filter(|asked| asked.is_on && !asked.is_suspended);
        Input::Probed {
            begun_at: self.now,
            target,
            outcome: answers.map_or(pair_core::ProbeOutcome::Nothing, |asked| asked.service.probed()),
        }
    }

    /// Asks the witness, which every machine reaches that is not cut off from everything.
    fn ask_witness(&self, by: Member) -> Input {
        let peer = self.machine(by.peer());
        let outcome = if self.is_witness_silent || self.machine(by).is_isolated {
            WitnessOutcome::Nothing
        } else if !peer.is_running() || peer.is_isolated {
            WitnessOutcome::Unproven
        } else if matches!(peer.service.fitness(), Fitness::Unfit(_)) {
            WitnessOutcome::ProvedUnfit
        } else {
            WitnessOutcome::Proved
        };
        Input::Witnessed {
            begun_at: self.now,
            witness: WitnessIndex(0),
            outcome,
        }
    }

    /// Whether a machine runs without anybody who listens for datagrams.
    const fn is_agent_missing(&self, member: Member) -> bool {
        let machine = self.machine(member);
        machine.is_on && machine.node.is_none()
    }
}

/// How many inputs may follow from one within a tick. A burst of queries and their answers are a dozen.
const MOST_WORK: usize = 64;

/// How many reads of a node are answered within the tick in which they are asked: one that a claim waits for, one that
/// verifies another. EC2 takes a time for each, so that a node which is not content with an answer cannot ask without end.
const READS_AT_ONCE: u8 = 2;
