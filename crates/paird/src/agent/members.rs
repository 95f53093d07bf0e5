//! Follows who is at the peer's place, where that is found.

use std::net::IpAddr;

use pair_core::{Holder, Input, Link, Verdict};
use tracing::{error, info, warn};

use super::Agent;
use crate::discovery::{self, Finding, Found, Need};
use crate::run;

impl Agent {
    /// Tells the cores who is at the peer's place, before they are told anything else.
    pub(super) fn introduce(&mut self) {
        let Some(company) = &self.shared.known.company else {
            return;
        };
        let company = company.clone();
        let (now, Self { seats, shared, .. }) = (self.shared.clock.now(), self);
        for seat in seats {
            let index = shared.config.addresses[seat.index.0].private_ip_index;
            let members = discovery::members(company.peer.as_ref(), &company.last.roster, index);
            seat.handle(now, Input::Members(members), shared);
        }
    }

    /// Takes in who bears the tag, and follows the peer to another place.
    pub(super) fn follow_members(&mut self, found: Result<Finding, String>) {
        let is_heard = self.hears_peer();
        let peer = Holder::Member(self.shared.me.peer());
        let holds = |holder: Option<Holder>| holder == Some(peer);
        let holds = self.seats.iter().any(|seat| holds(seat.node.decide().evidence.holder));
        let Some(company) = &mut self.shared.known.company else {
            return;
        };
        let finding = match found {
            Ok(finding) => finding,
            Err(error) => {
                company.error = Some(error);
                return;
            }
        };
        for spare in &finding.roster.spares {
            if !company.last.roster.spares.contains(spare) {
                warn!(instance = spare, "a third instance bears the tag, and is not used");
            }
        }
        let is_followed = discovery::is_followed(company.peer.as_ref(), &finding.roster, is_heard, holds);
        let next = finding.roster.peer.clone().filter(|_| is_followed);
        company.error = None;
        company.last = finding;
        if let Some(next) = next {
            self.move_to(&next);
        }
        self.introduce();
    }

    /// Tells whoever asks EC2 how this node stands to its peer.
    pub(super) fn tell_need(&self) {
        let Some(prompt) = &self.shared.prompt else { return };
        let is_claim = |verdict| matches!(verdict, Verdict::Claim { .. });
        let need = Need {
            is_silent: self.seats.iter().all(|seat| seat.node.link() != Link::Up),
            is_claiming: self.seats.iter().any(|seat| is_claim(seat.node.decide().verdict)),
        };
        prompt.need.send_if_modified(|told| {
            let has_changed = *told != need;
            *told = need;
            has_changed
        });
    }

    /// Speaks to another instance as the peer from here on.
    fn move_to(&mut self, next: &Found) {
        let address = IpAddr::V4(next.address());
        if let Err(error) = self.shared.paths.lead_to(address) {
            // It is found again while the peer is silent.
            error!(%error, %address, "no heartbeat socket to the peer that was found");
            return;
        }
        if let Some(booth) = &mut self.shared.booth {
            booth.lead_to(address);
        }
        let Some(company) = &mut self.shared.known.company else {
            return;
        };
        let before = company.peer.replace(next.clone());
        let (config, me) = (self.shared.config.clone(), self.shared.me);
        self.shared.config = config.with_places(me, &company.last.roster.own, Some(next));
        self.tell_of(next, before.as_ref());
        for seat in &mut self.seats {
            let config = &self.shared.config;
            seat.core = run::core_config(config, &config.addresses[seat.index.0], me);
        }
    }

    /// Tells log and journal who is at the peer's place from here on.
    fn tell_of(&mut self, next: &Found, before: Option<&Found>) {
        let peer = &self.shared.config.nodes[self.shared.me.peer().index()];
        let zone = peer.zone.as_deref().unwrap_or_default();
        info!(
            peer = peer.name,
            zone,
            from = before.map(tracing::field::display),
            to = %next,
            "another instance is at the peer's place"
        );
        let who = format!("{} is {next} in {zone}", peer.name);
        let before = before.map(Found::to_string);
        let (now, Self { seats, shared, .. }) = (self.shared.clock.now(), self);
        // It is about the node, so one of them tells it.
        seats[0].note_peer(now, who, before, shared);
    }

    fn hears_peer(&self) -> bool {
        let is_heard = |link| matches!(link, Link::Up | Link::OneWay);
        self.seats.iter().any(|seat| is_heard(seat.node.link()))
    }
}
