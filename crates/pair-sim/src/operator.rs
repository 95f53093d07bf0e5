//! The verbs of an operator: what people and the service manager ask of an agent.

use std::time::Duration;

use pair_core::{Input, Instant, Member, OrderId, Standing};

use crate::{World, agenda::Happening};

/// What an agent has kept on its disk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) standing: Standing,
    pub(crate) at: Instant,
}

impl Kept {
    /// What it means at `now`: a hold is counted down while nobody runs.
    pub(crate) fn by(self, now: Instant) -> Standing {
        let mut standing = self.standing;
        if let Some(hold) = &mut standing.hold {
            hold.remaining = hold.remaining.saturating_sub(now.since(self.at));
        }
        standing
    }
}

impl World {
    /// An operator wants the address to stay where it is for so long.
    pub fn hold(&mut self, asked: Member, length: Duration) {
        self.trace.note(self.now, || format!("hold {length:?} by {asked:?}"));
        if length.is_zero() {
            // Even where it is heard later, nobody may count on the hold any more.
            self.follow.held_until = [None; 2];
        } else if self.host(asked).is_running() {
            let until = Member::BOTH.map(|member| self.host(member).local(self.now) + length);
            self.follow.held_until[asked.index()] = Some(until);
        }
        self.tell(asked, Input::Hold(length));
    }

    /// An operator ends a hold.
    pub fn end_hold(&mut self, asked: Member) {
        self.hold(asked, Duration::ZERO);
    }

    /// An operator takes a node out of the pair.
    pub fn leave(&mut self, member: Member) -> OrderId {
        let id = OrderId(self.next_order);
        self.next_order += 1;
        self.trace.note(self.now, || format!("{member:?} leaves"));
        self.tell(member, Input::Leave { id });
        id
    }

    /// An operator brings a node back.
    pub fn join(&mut self, member: Member) {
        self.trace.note(self.now, || format!("{member:?} joins"));
        self.tell(member, Input::Join);
    }

    /// The service manager asks an agent to end; it does, once it may.
    pub fn stop(&mut self, member: Member) {
        self.trace.note(self.now, || format!("stop {member:?}"));
        self.disturbed_at = self.now;
        self.tell(member, Input::Stop);
    }

    /// The disk of a host is lost with what its agent has kept.
    pub const fn lose_disk(&mut self, member: Member) {
        self.follow.held_until[member.index()] = None;
        self.host_mut(member).kept = None;
    }

    fn tell(&mut self, at: Member, input: Input) {
        let run = self.host(at).run;
        self.agenda.put(self.now, Happening::Reach { at, run, input });
    }
}
