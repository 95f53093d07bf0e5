//! What will happen, in order of time.

use std::{collections::BTreeMap, time::Duration};

use pair_core::{CallId, CallRequest, Input, Instant, Member};

use crate::{Fault, witness::Leg};

/// Something that happens at its time.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A node wanted to be woken; void if it has asked for another time since.
    Wake { at: Member, wish: u64 },
    /// Something reaches an agent; void if that run of the agent has ended.
    Reach { at: Member, run: u64, input: Input },
    /// A datagram reaches a host, whichever run of the agent listens there.
    Arrive { at: Member, input: Input },
    /// A request leaves its host.
    Leave {
        from: Member,
        run: u64,
        request: CallRequest,
    },
    /// A request reaches EC2; its reply takes `back`, or is lost.
    Land {
        from: Member,
        run: u64,
        request: CallRequest,
        back: Option<Duration>,
    },
    /// A call's time is over.
    TimeOut { at: Member, run: u64, call: CallId },
    /// A hop of a question to a witness ends.
    Question(Leg),
    /// An agent is told who is at its peer's place.
    Find { at: Member, run: u64 },
    /// An agent asks its IMDS.
    AskImds { at: Member, run: u64 },
    /// An agent checks its service, and goes on checking if `again`.
    Check { at: Member, run: u64, again: bool },
    /// A fault strikes.
    Strike(Fault),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    items: BTreeMap<(Instant, u64), Happening>,
    next: u64,
}

impl Agenda {
    /// Puts something on the agenda; of two things at one time the earlier put comes first.
    pub(crate) fn put(&mut self, at: Instant, happening: Happening) {
        self.items.insert((at, self.next), happening);
        self.next += 1;
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.items.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next thing if it is due by `limit`.
    pub(crate) fn take(&mut self, limit: Instant) -> Option<(Instant, Happening)> {
        let entry = self.items.first_entry().filter(|entry| entry.key().0 <= limit)?;
        let ((at, _), happening) = entry.remove_entry();
        Some((at, happening))
    }
}
