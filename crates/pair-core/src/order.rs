//! An operator's order to move the address (F-6e, F-6b): one at a time, valid 30 s, one claim.
//!
//! The 30 s are real time: an order must not outlive a pause of the node that it was given to.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{Fitness, Holder, Instant, Member, OrderId, OrderOutcome, Output, Refusal, config::ORDER_VALID};

/// An order as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) to: Member,
    /// Readiness is not asked for.
    pub(crate) force: bool,
}

/// What is known of the node that shall take the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) fitness: Option<Fitness>,
    pub(crate) ready: bool,
    pub(crate) up: bool,
    pub(crate) leaving: bool,
    pub(crate) ending: bool,
}

/// The order under way, if any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Orders {
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Pending {
    order: Order,
    until: Instant,
    /// Its one claim was won; what is left is to see the address where it was wanted.
    is_spent: bool,
}

impl Orders {
    /// Takes an order, or refuses it with the reason.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        order: Order,
        me: Member,
        holder: Holder,
        target: Target,
        outputs: &mut VecDeque<Output>,
    ) {
        let refusal = match holder {
            Holder::Member(holder) if holder == order.to => {
                return answer(outputs, order.id, OrderOutcome::AlreadyThere);
            }
            Holder::Stranger | Holder::Misplaced(_) => Some(Refusal::NotOurs),
            // Only the holder can yield: to order the peer to take what neither holds, ask the peer.
            Holder::Nobody | Holder::Former if order.to != me => Some(Refusal::AskTheOther),
            Holder::Nobody | Holder::Former | Holder::Member(_) => None,
        };
        let refusal = refusal
            .or_else(|| self.pending.is_some().then_some(Refusal::Busy))
            .or_else(|| (!target.up).then_some(Refusal::TargetNotUp))
            .or_else(|| target.leaving.then_some(Refusal::TargetLeaving))
            .or_else(|| target.ending.then_some(Refusal::TargetEnding))
            .or_else(|| (target.fitness != Some(Fitness::Fit)).then_some(Refusal::TargetUnfit))
            .or_else(|| (!target.ready && !order.force).then_some(Refusal::TargetNotReady));
        match refusal {
            Some(refusal) => answer(outputs, order.id, OrderOutcome::Refused(refusal)),
            None => {
                self.pending = Some(Pending {
                    order,
                    until: now + ORDER_VALID,
                    is_spent: false,
                });
            }
        }
    }

    /// Refuses an order that came before anybody told who holds the address.
    pub(crate) fn refuse_unknown(&self, order: Order, outputs: &mut VecDeque<Output>) {
        answer(outputs, order.id, OrderOutcome::Refused(Refusal::HolderUnknown));
    }

    /// Notes that a claim was won while the order was under way.
    pub(crate) fn spend(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.is_spent = true;
        }
    }

    /// Ends the order if the address is where it was wanted, as a read has shown, or its time is over.
    pub(crate) fn end(
        &mut self,
        now: Instant,
        holder: Option<Holder>,
        is_verified: bool,
        outputs: &mut VecDeque<Output>,
    ) {
        let Some(Pending { order, until, .. }) = self.pending else {
            return;
        };
        let is_there = holder == Some(Holder::Member(order.to));
        let is_over = now >= until;
        let outcome = match (is_there, is_verified || is_over) {
            (true, true) => OrderOutcome::Done,
            (false, _) if is_over => OrderOutcome::Expired,
            (true | false, _) => return,
        };
        self.pending = None;
        answer(outputs, order.id, outcome);
    }

    /// Whether this very order is under way.
    pub(crate) fn is_pending(&self, id: OrderId) -> bool {
        self.pending.is_some_and(|pending| pending.order.id == id)
    }

    /// Whether an order wants the address at `member`, and has not had its one claim.
    pub(crate) fn wants(&self, member: Member) -> bool {
        self.pending
            .is_some_and(|pending| pending.order.to == member && !pending.is_spent)
    }

    /// Whether an order is under way that does not ask for readiness.
    pub(crate) fn is_forced(&self) -> bool {
        self.pending.is_some_and(|pending| pending.order.force)
    }

    /// Whether an order wants `me` to give the address to the peer.
    pub(crate) fn is_yielding(&self, me: Member) -> bool {
        self.wants(me.peer())
    }
}

fn answer(outputs: &mut VecDeque<Output>, id: OrderId, outcome: OrderOutcome) {
    outputs.push_back(Output::Ordered { id, outcome });
}
