//! The names that people gave to the members of the pair.

use pair_core::{Holder, Member, WitnessIndex};
use pair_wire::control::HolderName;

use crate::config::Config;

/// The names of both nodes, and which of them this is.
#[derive(Clone, Debug)]
pub struct Names {
    nodes: [String; 2],
    me: Member,
    witnesses: Vec<String>,
}

impl Names {
    /// The names in the order of the configuration.
    #[must_use]
    pub fn new(nodes: [String; 2], me: Member) -> Self {
        Self {
            nodes,
            me,
            witnesses: Vec::new(),
        }
    }

    /// The names that a configuration gives; `me` is this node.
    #[must_use]
    pub fn of_config(config: &Config, me: Member) -> Self {
        let witnesses = config.witness.iter().flat_map(|witness| &witness.addresses);
        Self::new(config.nodes.each_ref().map(|node| node.name.clone()), me)
            .with_witnesses(witnesses.map(ToString::to_string).collect())
    }

    /// The same, with what people call the witnesses, in the order of the configuration.
    #[must_use]
    pub fn with_witnesses(self, witnesses: Vec<String>) -> Self {
        Self { witnesses, ..self }
    }

    /// What people call a witness: where it is.
    #[must_use]
    pub fn witness(&self, index: WitnessIndex) -> &str {
        self.witnesses
            .get(usize::from(index.0))
            .map_or("unnamed", String::as_str)
    }

    /// The name of a member.
    #[must_use]
    pub fn of(&self, member: Member) -> &str {
        &self.nodes[member.index()]
    }

    /// This node's name.
    #[must_use]
    pub fn me(&self) -> &str {
        self.of(self.me)
    }

    /// The peer's name.
    #[must_use]
    pub fn peer(&self) -> &str {
        self.of(self.me.peer())
    }

    /// The member of this name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Member> {
        Member::BOTH.into_iter().find(|member| self.of(*member) == name)
    }

    /// A holder as the log writes it.
    #[must_use]
    pub fn holder(&self, holder: Holder) -> String {
        self.holder_name(holder).into()
    }

    /// A holder as a status document names it.
    #[must_use]
    pub fn holder_name(&self, holder: Holder) -> HolderName {
        match holder {
            Holder::Member(member) => HolderName::Node(self.of(member).to_owned()),
            Holder::Nobody => HolderName::Nobody,
            Holder::Stranger => HolderName::Stranger,
            Holder::Former => HolderName::Former,
            Holder::Misplaced(_) => HolderName::Misplaced,
        }
    }
}
