//! Who is who: the two members of a pair, their incarnations, and the ids that EC2 gives.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::Text;

/// One of the two members of a pair, by its place in the configuration that both nodes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Member {
    /// The node that the configuration names first.
    First,
    /// The node that the configuration names second.
    Second,
}

impl Member {
    /// Both members, in the order of the configuration.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The other member.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// The place in the configuration: 0 or 1.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// One run of an agent: random, never ordered (F-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u64);

/// The number of a datagram within its sender's incarnation; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The id of one association of an Elastic IP: the version number of its ownership.
///
/// EC2 makes a new one each time that an address is associated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssociationId(Text<ID_LIMIT>);

/// The id of an EC2 instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId(Text<ID_LIMIT>);

/// The id of an elastic network interface (ENI).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InterfaceId(Text<ID_LIMIT>);

/// How long an id of EC2 can be. The longest that EC2 makes has 26 bytes.
const ID_LIMIT: usize = 48;

macro_rules! ids_of_ec2 {
    ($($name:ident),*) => {$(
        impl $name {
            /// The id of this text; what is longer than an id can be is [cut off](Text::cut).
            #[must_use]
            pub fn of(text: &str) -> Self {
                Self(Text::cut(text))
            }

            /// The id as EC2 writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

ids_of_ec2!(AssociationId, InstanceId, InterfaceId);

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn an_id_is_shown_as_ec2_writes_it() {
        assert_eq!(AssociationId::of("eipassoc-1").to_string(), "eipassoc-1");
        assert_eq!(InstanceId::of("i-1").to_string(), "i-1");
        assert_eq!(InterfaceId::of("eni-1").to_string(), "eni-1");
    }
}
