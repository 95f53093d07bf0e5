//! The verbs of an operator: what people and the service manager ask of an agent.

use std::time::Duration;

use pair_core::{HoldVersion, Input, Instant, Member, OrderId, Standing};

use crate::{Host, Tuning, World, agenda::Happening};

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
        self.follow_hold(asked, length);
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

    /// Somebody edits the configuration file of a host and lets its agent read it again.
    pub fn reload(&mut self, member: Member, tuning: Tuning) {
        self.trace.note(self.now, || format!("{member:?} reloads: {tuning:?}"));
        let settings = self.settings.tuned(tuning);
        self.longest_holdtime = self.longest_holdtime.max(settings.holdtime);
        self.network.follow_holdtime(settings.holdtime);
        let before = self.settings.tuned(self.host(member).tuning);
        let config = settings.config(member);
        let is_change = before.config(member) != config;
        self.host_mut(member).tuning = tuning;
        let input = Input::Configured(config);
        if self.host(member).is_running() {
            if is_change {
                self.follow.reloaded[member.index()] = Some(self.now);
            }
            self.handle(member, input);
        } else {
            // It takes the file up when it starts, or is told when it goes on.
            self.follow.reloaded[member.index()] = None;
            self.tell(member, input);
        }
    }

    /// The disk of a host is lost with what its agent has kept.
    pub fn lose_disk(&mut self, member: Member) {
        if let Some((version, until)) = &mut self.follow.newest_hold
            && version.by.index() == member.index()
        {
            *until = None;
        }
        self.host_mut(member).kept = None;
    }

    /// Follows which hold is the newest: the one with the greatest version, and a node gives one more than the greatest it knows.
    fn follow_hold(&mut self, asked: Member, length: Duration) {
        let newest = self.follow.newest_hold;
        let known = |host: &Host| host.kept.and_then(|kept| kept.standing.hold).map(|hold| hold.version);
        let is_running = self.host(asked).is_running();
        let number = known(self.host(asked)).map_or(1, |version| version.number + 1);
        let version = HoldVersion { number, by: asked };
        let is_newest = newest.is_none_or(|(newest, _)| newest < version);
        if is_running && is_newest && !length.is_zero() {
            let until = Member::BOTH.map(|member| self.host(member).local(self.now) + length);
            self.follow.newest_hold = Some((version, Some(until)));
        } else if is_running && is_newest {
            self.follow.newest_hold = Some((version, None));
        } else if !is_running || length.is_zero() {
            // It is heard later, with a version that nobody knows yet, or meant to end what it may not end.
            self.follow.newest_hold = newest.map(|(version, _)| (version, None));
        }
    }

    fn tell(&mut self, at: Member, input: Input) {
        let run = self.host(at).run;
        self.agenda.put(self.now, Happening::Reach { at, run, input });
    }
}
