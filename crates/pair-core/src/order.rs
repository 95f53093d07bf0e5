//! An operator's order to move the address (F-6e, F-6b): one at a time, valid 30 s, one claim.

use alloc::collections::VecDeque;

use crate::{Fitness, Holder, Member, OrderId, OrderOutcome, Output, Refusal, config::ORDER_VALID, running::RunTime};

/// An order as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) to: Member,
}

/// What is known of the node that shall take the address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) fitness: Option<Fitness>,
    pub(crate) ready: bool,
    pub(crate) up: bool,
}

/// The order under way, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    pending: Option<(Order, RunTime)>,
}

impl Orders {
    /// Takes an order, or refuses it with the reason.
    pub(crate) fn hear(
        &mut self,
        run: RunTime,
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
            // Only the holder can yield: to order the peer to take what nobody holds, ask the peer.
            Holder::Nobody if order.to != me => Some(Refusal::AskTheOther),
            Holder::Nobody | Holder::Member(_) => None,
        };
        let refusal = refusal
            .or_else(|| self.pending.is_some().then_some(Refusal::Busy))
            .or_else(|| (!target.up).then_some(Refusal::TargetNotUp))
            .or_else(|| (target.fitness != Some(Fitness::Fit)).then_some(Refusal::TargetUnfit))
            .or_else(|| (!target.ready).then_some(Refusal::TargetNotReady));
        match refusal {
            Some(refusal) => answer(outputs, order.id, OrderOutcome::Refused(refusal)),
            None => self.pending = Some((order, run + ORDER_VALID)),
        }
    }

    /// Refuses an order that came before anybody told who holds the address.
    pub(crate) fn refuse_unknown(&self, order: Order, outputs: &mut VecDeque<Output>) {
        answer(outputs, order.id, OrderOutcome::Refused(Refusal::HolderUnknown));
    }

    /// Ends the order if the address is where it was wanted, or its time is over.
    pub(crate) fn end(&mut self, run: RunTime, holder: Option<Holder>, outputs: &mut VecDeque<Output>) {
        let Some((order, until)) = self.pending else { return };
        let outcome = if holder == Some(Holder::Member(order.to)) {
            OrderOutcome::Done
        } else if run >= until {
            OrderOutcome::Expired
        } else {
            return;
        };
        self.pending = None;
        answer(outputs, order.id, outcome);
    }

    /// Whether an order wants the address at `member`.
    pub(crate) fn wants(&self, member: Member) -> bool {
        self.pending.is_some_and(|(order, _)| order.to == member)
    }

    /// Whether an order wants `me` to give the address to the peer.
    pub(crate) fn is_yielding(&self, me: Member) -> bool {
        self.wants(me.peer())
    }
}

fn answer(outputs: &mut VecDeque<Output>, id: OrderId, outcome: OrderOutcome) {
    outputs.push_back(Output::Ordered { id, outcome });
}
