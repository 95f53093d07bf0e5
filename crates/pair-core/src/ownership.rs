//! Who holds the address, as far as this node can know (F-1).
//!
//! EC2 is the only arbiter, and its reads may be stale. So a reading carries where it comes from and when it was *asked*, and
//! four kinds are weighed:
//!
//! ```text
//! own reply to a claim   beats every contrary read for 10 s
//! EC2 read               the newer wins
//! IMDS                   knows only "mine" or "not mine", and may lag: confirms a hold, or asks for an EC2 read
//! the peer's word        as old as the peer's own knowledge; never beats an own hold by itself, and within 10 s of an own
//!                        reply only counts if the peer has a later reply of its own; from its IMDS it asks for a read
//! ```
//!
//! An association that an own claim has replaced never comes back: EC2 makes a new id each time. A reading that names one is
//! stale, whenever it was asked.
//!
//! To *lose* an address takes two readings that agree: two EC2 reads 2 s apart, or readings from two different sources. One
//! stale read must not make the holder believe that it lost what it serves.

use alloc::collections::VecDeque;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    AssociationId, Holder, InstanceId, Instant, Member, Source, Word,
    config::{LOSS_CONFIRM, REPLY_TRUST},
    running::RunTime,
};

/// What a node knows of the address, from one source at one time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// Who holds the address.
    pub holder: Holder,
    /// By which association, if the source tells.
    pub association: Option<AssociationId>,
    /// The holder's instance, if the source tells.
    pub instance: Option<InstanceId>,
    /// Where the knowledge comes from.
    pub source: Source,
    /// When it was asked: EC2's state is at least this new, but for stale reads.
    pub asked_at: Instant,
}

/// What taking in a reading led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Taken {
    /// The fact is this reading.
    Believed,
    /// The reading contradicts the fact, which stands until it is confirmed, and is the first to do so: read EC2 at once.
    Contested,
    /// The contradiction goes on: read EC2, but not for every heartbeat.
    StillContested,
    /// The reading says nothing new, or is older than the fact.
    Ignored,
    /// EC2 showed an association that an own claim has replaced or released: its reads lag, and the next one may as well.
    Stale,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Ownership {
    me: Member,
    fact: Option<Fact>,
    /// The hands that hold it changed here, as far as this node knows (F-8).
    changed: RunTime,
    /// How often they have.
    hands: u32,
    /// When EC2 last replied to an own claim, or showed it applied, while the hold that it made lasts.
    replied_at: Option<Instant>,
    /// The associations that own claims have replaced or released, newest first.
    replaced: VecDeque<AssociationId>,
    /// When this node's IMDS last confirmed the hold.
    imds_confirmed: Option<Instant>,
    /// The newest own EC2 read, whatever was believed of it (F-5).
    ec2_read: Option<Instant>,
    /// Per source, the newest reading that says an own hold is lost.
    contrary: [Option<Fact>; 3],
    /// The contradiction that was last reported for a fact that says somebody else holds.
    disputed: Option<(Holder, Option<AssociationId>)>,
}

impl Ownership {
    pub(crate) const fn new(me: Member, run: RunTime) -> Self {
        Self {
            me,
            fact: None,
            changed: run,
            hands: 0,
            replied_at: None,
            replaced: VecDeque::new(),
            imds_confirmed: None,
            ec2_read: None,
            contrary: [const { None }; 3],
            disputed: None,
        }
    }

    /// Takes in EC2's reply to an own claim, which was sent when `replaced` was the association known.
    pub(crate) fn hear_reply(&mut self, run: RunTime, reading: Fact, replaced: Option<AssociationId>) -> Taken {
        self.outlive(replaced.filter(|id| reading.association.as_ref() != Some(id)));
        let asked_at = reading.asked_at;
        let taken = self.hear_ec2(run, reading);
        self.won(asked_at);
        taken
    }

    /// Takes in that EC2 has released `association` for this node at `at`: nobody holds the address (F-11).
    pub(crate) fn hear_release(&mut self, run: RunTime, at: Instant, association: Option<AssociationId>) -> Taken {
        self.outlive(association);
        self.hear_ec2(
            run,
            Fact {
                holder: Holder::Nobody,
                association: None,
                instance: None,
                source: Source::Ec2,
                asked_at: at,
            },
        )
    }

    /// EC2 has shown at `asked_at` that an own claim was applied: for a while stale reads may say otherwise.
    pub(crate) fn won(&mut self, asked_at: Instant) {
        if self.is_mine() {
            self.replied_at = Some(asked_at);
        }
    }

    /// The hands have changed twice, the last time at `run` or before, and are again those that they were.
    pub(crate) fn note_change(&mut self, run: RunTime) {
        self.changed = self.changed.max(run);
    }

    /// Takes in what EC2 says to a read.
    pub(crate) fn hear_ec2(&mut self, run: RunTime, reading: Fact) -> Taken {
        if self.is_replaced(reading.association.as_ref()) {
            return Taken::Stale;
        }
        if self.ec2_read.is_none_or(|at| at <= reading.asked_at) {
            self.ec2_read = Some(reading.asked_at);
        }
        self.weigh(run, reading)
    }

    /// Takes in whether this node's IMDS shows the address.
    pub(crate) fn hear_imds(&mut self, run: RunTime, mine: bool, asked_at: Instant) -> Taken {
        match (mine, self.is_mine()) {
            (true, true) => {
                self.imds_confirmed = Some(asked_at);
                // What EC2 said stands: IMDS may lag behind it.
                self.contrary[IMDS] = None;
                Taken::Ignored
            }
            (true, false) if self.fact.is_none() => self.weigh(
                run,
                Fact {
                    holder: Holder::Member(self.me),
                    association: None,
                    instance: None,
                    source: Source::Imds,
                    asked_at,
                },
            ),
            (true, false) => self.dispute(Holder::Member(self.me), None),
            (false, true) => self.weigh(
                run,
                Fact {
                    holder: Holder::Nobody,
                    association: None,
                    instance: None,
                    source: Source::Imds,
                    asked_at,
                },
            ),
            (false, false) => Taken::Ignored,
        }
    }

    /// Takes in what the peer says, heard at `now`.
    pub(crate) fn hear_peer(&mut self, now: Instant, run: RunTime, word: &Word) -> Taken {
        if word.source == Source::Peer || self.is_replaced(word.association.as_ref()) {
            return Taken::Ignored;
        }
        let reading = Fact {
            holder: word.holder,
            association: word.association,
            instance: None,
            source: Source::Peer,
            asked_at: now - word.age,
        };
        let says_mine = reading.holder == Holder::Member(self.me);
        let Some(fact) = &self.fact else {
            return if says_mine {
                self.dispute(reading.holder, reading.association)
            } else {
                self.weigh(run, reading)
            };
        };
        let is_mine = fact.holder == Holder::Member(self.me);
        let is_contrary = reading.holder != fact.holder && reading.asked_at >= fact.asked_at;
        if is_contrary && is_mine && self.trusts_reply(reading.asked_at) && word.source != Source::Reply {
            return Taken::Ignored;
        }
        if is_contrary && !is_mine && (says_mine || word.source == Source::Imds) {
            return self.dispute(reading.holder, reading.association);
        }
        if says_mine {
            return Taken::Ignored;
        }
        self.weigh(run, reading)
    }

    /// What is known of the holder.
    pub(crate) const fn fact(&self) -> Option<&Fact> {
        self.fact.as_ref()
    }

    /// Whether the fact says that this node holds the address where it belongs.
    pub(crate) fn is_mine(&self) -> bool {
        self.fact
            .as_ref()
            .is_some_and(|fact| fact.holder == Holder::Member(self.me))
    }

    /// When the hands that hold the address last changed, in running time.
    pub(crate) const fn changed(&self) -> RunTime {
        self.changed
    }

    /// How often the address has changed hands, as far as this node knows.
    pub(crate) const fn hands(&self) -> u32 {
        self.hands
    }

    /// When EC2 was last asked with an answer.
    pub(crate) const fn ec2_read(&self) -> Option<Instant> {
        self.ec2_read
    }

    /// The newest confirmation of the fact: its source and when it was asked.
    pub(crate) fn confirmation(&self) -> Option<(Source, Instant)> {
        let fact = self.fact.as_ref()?;
        Some(match self.imds_confirmed {
            Some(at) if self.is_mine() && at >= fact.asked_at => (Source::Imds, at),
            Some(_) | None => (fact.source, fact.asked_at),
        })
    }

    /// Whether EC2's reply to an own claim still beats a contrary reading asked at `asked_at`.
    fn trusts_reply(&self, asked_at: Instant) -> bool {
        self.replied_at.is_some_and(|at| asked_at.since(at) < REPLY_TRUST)
    }

    /// Remembers an association that never comes back.
    fn outlive(&mut self, association: Option<AssociationId>) {
        if let Some(id) = association.filter(|id| !self.replaced.contains(id)) {
            self.replaced.truncate(REMEMBERED - 1);
            self.replaced.push_front(id);
        }
    }

    fn is_replaced(&self, association: Option<&AssociationId>) -> bool {
        association.is_some_and(|id| self.replaced.contains(id))
    }

    fn weigh(&mut self, run: RunTime, mut reading: Fact) -> Taken {
        let Some(fact) = &self.fact else {
            self.believe(run, reading);
            return Taken::Believed;
        };
        let is_newer = reading.asked_at >= fact.asked_at;
        if reading.holder == fact.holder {
            // IMDS and a peer may not know the association: they confirm it.
            if is_newer && (reading.association.is_some() || fact.association.is_none()) {
                if reading.instance.is_none() && reading.association == fact.association {
                    reading.instance.clone_from(&fact.instance);
                }
                self.believe(run, reading);
            }
            return Taken::Ignored;
        }
        if !is_newer {
            return Taken::Ignored;
        }
        if !self.is_mine() {
            self.believe(run, reading);
            return Taken::Believed;
        }
        self.contest(run, reading)
    }

    /// Weighs a reading that says this node lost the address.
    fn contest(&mut self, run: RunTime, reading: Fact) -> Taken {
        let slot = match reading.source {
            Source::Reply | Source::Ec2 => EC2,
            Source::Imds => IMDS,
            Source::Peer => PEER,
        };
        // Of a peer only a later reply comes this far, and that is no stale read.
        if self.trusts_reply(reading.asked_at) && reading.source != Source::Peer && self.contrary[PEER].is_none() {
            return match reading.source {
                Source::Reply | Source::Ec2 => Taken::Contested,
                Source::Imds | Source::Peer => Taken::Ignored,
            };
        }
        let lasting = |earlier: &Fact| reading.asked_at.since(earlier.asked_at) >= LOSS_CONFIRM;
        let agrees = |earlier: &Fact| {
            earlier.source == Source::Imds || reading.source == Source::Imds || earlier.holder == reading.holder
        };
        let confirmed = self.contrary.iter().enumerate().any(|(of, earlier)| {
            earlier.as_ref().is_some_and(|earlier| {
                if of == slot {
                    slot == EC2 && lasting(earlier)
                } else {
                    agrees(earlier)
                }
            })
        });
        if confirmed {
            // IMDS only says that it is lost; who has it now, the other one said.
            let told = if reading.source == Source::Imds {
                self.contrary[EC2].take().or_else(|| self.contrary[PEER].take())
            } else {
                Some(reading.clone())
            };
            if let Some(lost_to) = told {
                self.believe(run, lost_to);
                return Taken::Believed;
            }
        }
        let is_first = self.contrary[slot].is_none();
        if is_first || slot != EC2 {
            self.contrary[slot] = Some(reading);
        }
        if is_first {
            Taken::Contested
        } else {
            Taken::StillContested
        }
    }

    /// A source that settles nothing contradicts the fact.
    fn dispute(&mut self, holder: Holder, association: Option<AssociationId>) -> Taken {
        let disputed = Some((holder, association));
        if self.disputed == disputed {
            return Taken::StillContested;
        }
        self.disputed = disputed;
        Taken::Contested
    }

    fn believe(&mut self, run: RunTime, reading: Fact) {
        if self.fact.as_ref().map(|fact| fact.holder) != Some(reading.holder) {
            self.changed = run;
            self.hands = self.hands.saturating_add(1);
            self.imds_confirmed = None;
            self.replied_at = None;
            self.disputed = None;
        }
        self.contrary = [const { None }; 3];
        self.fact = Some(reading);
    }
}

impl Fact {
    /// How long ago the fact was asked.
    #[must_use]
    pub const fn age(&self, now: Instant) -> Duration {
        now.since(self.asked_at)
    }
}

/// How many replaced associations are remembered: a stale read shows one of the last few.
const REMEMBERED: usize = 4;

/// The places of the sources in `contrary`.
const EC2: usize = 0;
const IMDS: usize = 1;
const PEER: usize = 2;

#[cfg(test)]
mod tests;
