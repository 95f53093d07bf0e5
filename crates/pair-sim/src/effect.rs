//! What nodes want done, and how it comes back to them.

use std::time::Duration;

use pair_core::{
    Call, CallFault, CallRequest, Decision, Event, Holder, Identity, Input, Member, Output, ProbeOutcome, ProbeTarget,
    Reply, Rule, Testimony, Zone, config::BUDGET_WINDOW,
};

use crate::{Claim, Owner, World, agenda::Happening, host::OpenCall, operator::Kept};

impl World {
    /// Carries out everything that a node wants.
    pub(crate) fn carry_out(&mut self, by: Member) {
        let mut decided = None;
        while let Some(output) = self.host_mut(by).node.as_mut().and_then(pair_core::Node::poll_output) {
            match output {
                Output::Send(heartbeat) => {
                    if let Some(tape) = &mut self.tape {
                        tape.push((self.now, heartbeat.clone()));
                    }
                    for delay in self.network.carry(by, &mut self.dice) {
                        let input = Input::Heartbeat(heartbeat.clone());
                        self.agenda
                            .put(self.now + delay, Happening::Arrive { at: by.peer(), input });
                    }
                }
                Output::Probe { timeout } => self.probe(by, timeout),
                Output::AskWitnesses { timeout } => self.ask_witnesses(by, timeout),
                Output::Call(request) => self.call(by, request, decided.as_ref()),
                Output::Ordered { id, outcome } => {
                    self.trace
                        .note(self.now, || format!("{by:?} order {id:?}: {outcome:?}"));
                    self.host_mut(by).outcomes.push((id, outcome));
                }
                Output::Keep(standing) => {
                    let at = self.now;
                    self.host_mut(by).kept = Some(Kept { standing, at });
                }
                Output::MayStop if self.is_shared => self.host_mut(by).may_stop = true,
                Output::MayStop => self.crash(by),
                Output::Event(event) => {
                    self.trace.note(self.now, || format!("{by:?} ● {event:?}"));
                    if let Event::Decided(decision) = &event {
                        decided = Some(decision.clone());
                    }
                    let now = self.now;
                    self.host_mut(by).events.push((now, event));
                }
            }
        }
    }

    /// A node asks its IMDS, and will again in two seconds.
    pub(crate) fn ask_imds(&mut self, at: Member, run: u64) {
        if self.host(at).run != run || self.host(at).node.is_none() {
            return;
        }
        self.agenda
            .put(self.now + Duration::from_secs(2), Happening::AskImds { at, run });
        let host = self.host(at);
        if host.is_running() && host.has_imds {
            let asked_at = host.local(self.now);
            let mine = self.ec2.imds_shows(self.now, at, self.imds_lag);
            let input = Input::Imds { mine, asked_at };
            let reach = Happening::Reach { at, run, input };
            self.agenda.put(self.now + Duration::from_millis(1), reach);
        }
    }

    /// An agent learns who it is.
    pub(crate) fn identify(&mut self, at: Member, run: u64) {
        let input = Input::Identity(Identity {
            instance: self.ec2.instance_id(at),
            zone: Zone::cut("us-east-1a"),
            interface: self.host(at).has_place.then(|| self.ec2.interface_id(at)),
        });
        let reach = Happening::Reach { at, run, input };
        self.agenda.put(self.now + Duration::from_millis(3), reach);
    }

    /// An agent checks its service.
    pub(crate) fn check_service(&mut self, at: Member, run: u64, again: bool) {
        if self.host(at).run != run || self.host(at).node.is_none() {
            return;
        }
        if again {
            let next = self.now + self.settings.check_every;
            self.agenda.put(next, Happening::Check { at, run, again });
        }
        let host = self.host(at);
        if host.is_running() {
            let input = Input::Health {
                fitness: host.service.fitness(),
                saturated: host.service.is_saturated(),
            };
            self.handle(at, input);
        }
    }

    /// A request leaves its host, unless its time is over already (F-4).
    pub(crate) fn depart(&mut self, from: Member, run: u64, request: CallRequest) {
        let local = self.host(from).local(self.now);
        if self.host(from).run != run {
            return;
        }
        if local > request.not_after {
            let input = Input::Called {
                id: request.id,
                result: Err(CallFault::NotSent),
            };
            let at = from;
            return self.agenda.put(self.now, Happening::Reach { at, run, input });
        }
        let call = request.id;
        let time_out = Happening::TimeOut { at: from, run, call };
        self.agenda.put(self.now + request.timeout, time_out);
        let is_claim = request.call.is_change();
        let dice = &mut self.dice;
        let door = self.ec2.door(from);
        match door.obstacle(&request) {
            Some(CallFault::Unreachable) => {
                let result = Err(CallFault::Unreachable);
                let input = Input::Called { id: call, result };
                let reach = Happening::Reach { at: from, run, input };
                return self.agenda.put(self.now + Duration::from_millis(5), reach);
            }
            // The time-out will tell.
            Some(_) => return,
            None => {}
        }
        let latency = door.latency(dice);
        let mut back = Some(latency / 2);
        let mut there = latency / 2;
        if is_claim {
            if let Some(late) = door.late_landing.take() {
                there = late;
            }
            if door.lose_replies > 0 {
                door.lose_replies -= 1;
                back = None;
            }
        }
        let land = Happening::Land {
            from,
            run,
            request,
            back,
        };
        self.agenda.put(self.now + there, land);
    }

    /// A request reaches EC2.
    pub(crate) fn land(&mut self, from: Member, run: u64, request: &CallRequest, back: Option<Duration>) {
        if run < self.host(from).first_run {
            // The instance that sent it is gone, and its interface with it.
            return;
        }
        let before = self.owner();
        let result = self.ec2.answer(self.now, from, &request.call);
        self.trace.note(self.now, || {
            format!("EC2 ◄ {from:?} {:?} {:?}: {result:?}", request.id, request.call)
        });
        match result {
            Ok(Reply::Released) => self.note_release(from, before),
            Ok(Reply::Associated(_)) => self.note_win(from, before),
            Ok(Reply::Address(_) | Reply::Instance(_)) | Err(_) => {}
        }
        // An answer that nobody can send: the hole opened while the request was under way.
        if result == Err(CallFault::Unanswered) {
            return;
        }
        if let Some(back) = back {
            let input = Input::Called { id: request.id, result };
            let reach = Happening::Reach { at: from, run, input };
            self.agenda.put(self.now + back, reach);
        }
    }

    fn call(&mut self, by: Member, request: CallRequest, decided: Option<&Decision>) {
        self.count_work(0, 1);
        let is_claim = request.call.is_change();
        self.trace
            .note(self.now, || format!("{by:?} ► {:?} {:?}", request.id, request.call));
        let asked_at = self.now;
        self.host_mut(by)
            .calls
            .insert(request.id, OpenCall { is_claim, asked_at });
        match request.call {
            Call::Associate { allow_reassociation } => self.note_claim(by, allow_reassociation, decided),
            Call::Release(_) => self.note_claim(by, true, decided),
            Call::ReadAddress | Call::ReadInstance(_) => {}
        }
        let run = self.host(by).run;
        let at = self.now + self.ec2.door(by).stall;
        let leave = Happening::Leave { from: by, run, request };
        self.agenda.put(at, leave);
    }

    /// The first half of a strict takeover is done: what it was is judged when the second half is.
    fn note_release(&mut self, by: Member, before: Option<Owner>) {
        let witnessed = &mut self.witnessed[by.index()];
        witnessed.won_in_this_silence += u32::from(witnessed.claims_by_silence);
        witnessed.released_from = before;
    }

    /// A claim has moved the address: counts it if it came from the peer and nobody had ordered it.
    fn note_win(&mut self, by: Member, before: Option<Owner>) {
        let witnessed = &mut self.witnessed[by.index()];
        witnessed.won_in_this_silence += u32::from(witnessed.claims_by_silence);
        let released_from = witnessed.released_from.take();
        let before = before.or(released_from);
        let mut claims = self.claims.iter().rev().filter(|claim| claim.by == by);
        let rule = claims.find(|claim| !claim.decision.evidence.released).map(|claim| {
            let by_ec2 = claim.decision.evidence.testimony == Some(Testimony::InstanceDown);
            (claim.decision.rule, by_ec2 || claim.decision.evidence.ordered)
        });
        let Some((rule, is_free)) = rule else { return };
        if before == Some(Owner::Member(by.peer())) && !matches!(rule, Rule::F6b | Rule::F6e) {
            self.tally.failovers += 1;
            if !is_free {
                let at = self.now;
                self.host_mut(by).wins.push(at);
            }
        }
    }

    /// How many moves that cost something this run of a node has made in the last ten minutes, and how long ago the last was.
    fn own_moves(&self, by: Member) -> (usize, Option<Duration>) {
        let ages = self.host(by).wins.iter().map(|at| self.now.since(*at));
        let ages: Vec<_> = ages.filter(|age| *age < BUDGET_WINDOW).collect();
        (ages.len(), ages.last().copied())
    }

    fn note_claim(&mut self, by: Member, allow_reassociation: bool, decided: Option<&Decision>) {
        let host = self.host(by);
        let node = host.node.as_ref().expect("a claim comes from a node");
        let decision = decided.cloned().unwrap_or_else(|| node.decide());
        let witnessed = self.witnessed[by.index()];
        let hold = self.ec2.hold();
        let claim = Claim {
            at: self.now,
            by,
            allow_reassociation,
            truth: hold.owner,
            truth_for: self.now.since(hold.since),
            in_flight: host.claims_in_flight(),
            read_age: witnessed.read_asked.map(|at| self.now.since(at)),
            word_age_when_said: witnessed.word.map(|(_, age)| age),
            word_heard: witnessed.word.map(|(at, _)| self.now.since(at)),
            has_found_peer: self.has_found_peer(by),
            calm_for: self.now.since(self.disturbed_at),
            api_is_well: Member::BOTH.into_iter().all(|member| self.ec2.is_well(member)),
            resumed: self.follow.resumed[by.index()].map(|at| self.now.since(at)),
            reloaded: self.follow.reloaded[by.index()]
                .map(|at| (self.now.since(at), self.settings.tuned(self.host(by).tuning).holdtime)),
            peer_well_for: self
                .lasting(self.follow.well[by.peer().index()])
                .min(self.lasting(self.follow.network_calm)),
            witnessed_for: self
                .lasting(self.follow.well[by.peer().index()])
                .min(self.lasting(self.follow.has_witness)),
            is_held: self.is_held_at(by),
            own_moves: self.own_moves(by),
            won_in_this_silence: witnessed.won_in_this_silence,
            decision,
        };
        let by_silence = claim.decision.rule == Rule::F6a
            && claim.decision.evidence.testimony == Some(Testimony::Heartbeats)
            && claim.decision.evidence.holder == Some(Holder::Member(by.peer()));
        self.witnessed[by.index()].claims_by_silence = by_silence;
        self.tally.claimed(claim.decision.rule);
        self.claims.push(claim);
    }

    /// Both probes of a round: of the peer's private address, and of the Elastic IP.
    fn probe(&mut self, by: Member, timeout: Duration) {
        for target in [ProbeTarget::Private, ProbeTarget::Elastic] {
            let (asked, connects) = match target {
                ProbeTarget::Private => {
                    let connects = self.probe_path && self.network.connects() && self.has_found_peer(by);
                    (Some(by.peer()), connects)
                }
                ProbeTarget::Elastic => match self.owner() {
                    Some(Owner::Member(owner)) => (Some(owner), self.elastic_path),
                    Some(Owner::Misplaced(_) | Owner::Stranger | Owner::Former(_)) | None => (None, false),
                },
            };
            let asked = asked.filter(|asked| connects && self.host(*asked).is_on && !self.is_frozen(*asked));
            let round_trip = self.dice.between(self.settings.delay.0, self.settings.delay.1) * 2;
            let (outcome, after) = match asked.map(|asked| self.host(asked).service) {
                None => (ProbeOutcome::Nothing, timeout),
                Some(service) if service.keeps_prober_waiting() => (service.probed(), timeout),
                Some(service) => (service.probed(), round_trip.min(timeout)),
            };
            let host = self.host(by);
            let input = Input::Probed {
                begun_at: host.local(self.now),
                target,
                outcome,
            };
            let (at, run) = (by, host.run);
            self.agenda.put(self.now + after, Happening::Reach { at, run, input });
        }
    }

    /// Whether the whole machine stands still, its kernel included.
    fn is_frozen(&self, member: Member) -> bool {
        let pause = self.host(member).paused.as_ref();
        pause.is_some_and(|pause| !pause.keeps_datagrams)
    }
}
