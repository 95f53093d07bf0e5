//! What a node is told, and what it makes of it.

use core::time::Duration;

use super::{Node, Silence};
use crate::{
    Association, CallFault, CallId, Event, Fact, Fitness, Heartbeat, Holder, InstanceState, Instant, Link, Reply,
    Source,
    config::{LOSS_CONFIRM, NOBODY_PATIENCE, NOBODY_READ, READ_GAP, SHORTEST_INTERVAL},
    detector::Hearing,
    order::{Order, Target},
    ownership::Taken,
    reads::{Read, ReadOf},
    running::RunTime,
};

impl Node {
    pub(super) fn wake(&mut self, now: Instant) {
        let missed = self.clock.advance(now);
        if missed + self.config.interval >= self.config.pause() {
            self.doubt_everything(now, missed);
        }
        self.end_overdue_calls(now);
    }

    /// Back from a pause: what this node knew of itself and of the peer is in doubt (F-16).
    pub(super) fn doubt_everything(&mut self, now: Instant, missed: Duration) {
        let run = self.clock.now();
        self.unsure_since = Some(now);
        self.fitness = Fitness::Unknown;
        self.peer.doubt();
        if missed >= READ_GAP {
            self.reads.want_now(run);
        } else {
            self.reads.want(run);
        }
        self.tell(Event::Paused { missed });
        if let Some(silence) = &mut self.silence
            && !silence.was_paused
        {
            silence.was_paused = true;
            self.restart_silence(now);
        }
    }

    /// A call of which nobody told the end counts as unanswered.
    pub(super) fn end_overdue_calls(&mut self, now: Instant) {
        let (run, timeout) = (self.clock.now(), self.config.call_timeout);
        while let Some(id) = self
            .reads
            .overdue(run, timeout)
            .or_else(|| self.claim.overdue(run, timeout))
        {
            self.hear_call(now, run, id, Err(CallFault::Unanswered));
        }
    }

    pub(super) fn hear_heartbeat(&mut self, now: Instant, run: RunTime, heartbeat: Heartbeat) {
        if heartbeat.prefix.sender == self.config.me {
            return;
        }
        let hearing = self.detector.hear(now, run, &heartbeat.prefix);
        if hearing == Hearing::NoLife {
            return;
        }
        if hearing == Hearing::NewIncarnation {
            self.tell(Event::PeerIncarnation(heartbeat.prefix.incarnation));
        }
        let hands = self.ownership.hands();
        let former = self.peer.former().copied();
        self.peer.hear(now, run, &self.config, hands, heartbeat.report);
        let Some(report) = self.peer.report() else { return };
        let (interval, is_query) = (report.interval, report.query);
        if self.peer.former() != former.as_ref() {
            // The address may be with the instance that is gone.
            self.reads.want_now(run);
        }
        let is_two_way = self.detector.link(run) == Link::Up;
        let incarnation = heartbeat.prefix.incarnation;
        self.grace.hear(run, incarnation, report.notice, is_two_way);
        self.budget.hear(run, &report.moves);
        if let Some(hold) = report.hold {
            self.holds.hear(now, hold);
        }
        self.detector.follow_interval(&self.config, interval);
        self.follow_pace(interval);
        // A datagram that waited while this node slept is older than it looks: it is life, and no news.
        let is_news = self.clock.asleep(now) < self.config.pause();
        if let Some(word) = self
            .peer
            .report()
            .and_then(|report| report.word.as_ref())
            .filter(|word| is_news && !self.is_same_outsider(word.holder))
        {
            let before = self.holder();
            let taken = self.ownership.hear_peer(now, run, word);
            self.peer.follow_hands(self.ownership.hands());
            self.read_if_contested(run, taken);
            self.follow_holder(now, before);
        }
        let may_answer = self
            .answered_query_at
            .is_none_or(|at| now.since(at) >= SHORTEST_INTERVAL / 2);
        if is_query && may_answer {
            self.answered_query_at = Some(now);
            self.beat(now, false);
        }
        // Nodes that beat together wake up once for both, and echo what has just come.
        if self.next_beat <= now + self.config.interval / TOGETHER {
            self.next_beat = self.next_beat.min(now);
        }
    }

    pub(super) fn hear_imds(&mut self, now: Instant, run: RunTime, mine: bool, asked_at: Instant) {
        let before = self.holder();
        let taken = self.ownership.hear_imds(run, mine, asked_at);
        self.read_if_contested(run, taken);
        if mine == self.ownership.is_mine() {
            self.be_sure(asked_at);
        }
        self.follow_holder(now, before);
    }

    pub(super) fn hear_health(&mut self, now: Instant, run: RunTime, fitness: Fitness, saturated: bool) {
        let changed = fitness != self.fitness;
        if self.refit.hear(run, fitness, self.ownership.is_mine()) {
            self.release(now);
        }
        self.fitness = fitness;
        self.saturated = saturated;
        if changed {
            // The peer of a holder that fails must not wait for the next beat.
            self.beat(now, false);
        }
    }

    pub(super) fn hear_call(&mut self, now: Instant, run: RunTime, id: CallId, result: Result<Reply, CallFault>) {
        self.follow_isolation(now, id, result.as_ref().err().copied());
        let before = self.holder();
        match result {
            Ok(Reply::Address(association)) => {
                let Some(read) = self.reads.answered(run, id) else {
                    return;
                };
                self.claim.read_passed(run, &mut self.chance);
                self.hear_address(now, run, read.asked_at, association);
            }
            Ok(Reply::Instance(state)) => {
                if let Some(read) = self.reads.answered(run, id) {
                    self.hear_instance(run, read, state);
                }
            }
            Ok(Reply::Released) => {
                if !self.claim.is_in_flight(id) {
                    return;
                }
                let association = self.claim.released();
                if let Some(association) = association {
                    self.tell(Event::Released(association));
                }
                self.ownership.hear_release(run, now, association);
            }
            Ok(Reply::Associated(association)) => {
                if !self.claim.is_in_flight(id) {
                    return;
                }
                self.tell(Event::Claimed(association));
                self.orders.spend();
                let replaced = self.claim.replied(now, run, association);
                let hold = self.own_hold(association, Source::Reply, now);
                self.ownership.hear_reply(run, hold, replaced);
            }
            Err(fault) if self.claim.is_in_flight(id) => {
                let attempt = self.claim.attempts();
                if let Some(pause) = self.claim.failed(now, run, fault, &mut self.chance) {
                    self.tell(Event::ClaimFailed { attempt, fault, pause });
                }
            }
            Err(fault) => {
                self.reads.failed(run, id, fault, &mut self.chance);
                if fault == CallFault::Throttled && self.claim.read_was_throttled(run, &mut self.chance) {
                    self.reads.go_on(run);
                }
            }
        }
        self.follow_holder(now, before);
    }

    pub(super) fn hear_address(
        &mut self,
        now: Instant,
        run: RunTime,
        asked_at: Instant,
        association: Option<Association>,
    ) {
        let holder = self.classify(association.as_ref());
        let id = association.as_ref().map(|held| held.id);
        let taken = self.ownership.hear_ec2(
            run,
            Fact {
                holder,
                association: id,
                instance: association.and_then(|held| held.instance),
                source: Source::Ec2,
                asked_at,
            },
        );
        if taken != Taken::Stale
            && let Some(latest) = self.claim.overtaken(run, asked_at, id.as_ref())
            && self.peer_holds()
        {
            // An attempt of this node has been applied and undone, unheard: the silence from before speaks of an older hold.
            self.ownership.note_change(latest);
        }
        match taken {
            Taken::Contested | Taken::StillContested => self.reads.want_after(run, LOSS_CONFIRM),
            // A claim that waits for a fresh fact must not ask as fast as EC2 can answer.
            Taken::Stale => self.reads.pause(run),
            Taken::Believed | Taken::Ignored => {}
        }
        let is_recent = |(since, _)| run.since(since) < NOBODY_PATIENCE;
        if holder == Holder::Nobody && self.vacant_since.is_none_or(is_recent) {
            self.reads.want_after(run, NOBODY_READ);
        }
        self.be_sure(asked_at);
        let mine = id.filter(|_| holder == Holder::Member(self.config.me));
        if let Some(takeover) = self.claim.read(now, asked_at, mine.as_ref()) {
            self.ownership.won(asked_at);
            self.tell(Event::TookOver(takeover));
        }
    }

    /// Takes in what EC2 says of the holder's instance, unless life came after it was asked (F-8).
    pub(super) fn hear_instance(&mut self, run: RunTime, read: Read, state: InstanceState) {
        let ReadOf::Instance(instance) = read.of else { return };
        let of_this_silence = |silence: &Silence| read.asked_at >= silence.began_at;
        let of_former = self.is_former(&instance);
        if of_former || self.silence.as_ref().is_some_and(of_this_silence) {
            self.instance_watch.hear(run, read.asked_at, instance, state);
        }
    }

    pub(super) fn hear_order(&mut self, now: Instant, order: Order) {
        let Some(fact) = self.ownership.fact() else {
            return self.orders.refuse_unknown(order, &mut self.outputs);
        };
        let target = if order.to == self.config.me {
            Target {
                fitness: Some(self.fitness),
                ready: self.ready,
                up: true,
                leaving: self.is_leaving,
                ending: self.is_ending(),
            }
        } else {
            Target {
                fitness: self.peer.fitness(),
                ready: self.peer.report().is_some_and(|report| report.ready),
                up: self.detector.link(self.clock.now()) == Link::Up,
                leaving: self.peer.is_leaving(),
                ending: self.peer.is_ending(),
            }
        };
        self.orders
            .hear(now, order, self.config.me, fact.holder, target, &mut self.outputs);
        self.beat(now, false);
    }

    /// Whether the peer speaks of the instance that this node means, too: one that was here before the peer's is a former
    /// member to this node and a stranger to the other (F-9).
    fn is_same_outsider(&self, said: Holder) -> bool {
        let is_outsider = |holder| matches!(holder, Holder::Stranger | Holder::Former);
        is_outsider(said) && self.holder().is_some_and(is_outsider)
    }

    pub(super) fn be_sure(&mut self, asked_at: Instant) {
        if self.unsure_since.is_some_and(|since| asked_at >= since) {
            self.unsure_since = None;
        }
    }
}

/// A beat that is due within this part of an interval goes out when the peer's comes in: of two clocks one is never more than half an
/// interval behind the other, so that they meet at once.
const TOGETHER: u32 = 2;
