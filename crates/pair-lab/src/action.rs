//! What a caller asks of EC2 or IMDS, as far as faults and limits tell calls apart.

use serde::Serialize;

/// A kind of call that a fault or a limit can be set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Action {
    /// Every EC2 action, known or not; IMDS is not among them.
    Any,
    /// `AssociateAddress`, dry runs included.
    AssociateAddress,
    /// `DisassociateAddress`, dry runs included.
    DisassociateAddress,
    /// `DescribeAddresses`.
    DescribeAddresses,
    /// `DescribeInstanceStatus`.
    DescribeInstanceStatus,
    /// `DescribeInstances`.
    DescribeInstances,
    /// Every request to the metadata service, the token included.
    Imds,
}

impl Action {
    /// Finds the EC2 action of this wire name; `None` is an action the emulator does not offer.
    pub(crate) fn from_wire(name: &str) -> Option<Self> {
        match name {
            "AssociateAddress" => Some(Self::AssociateAddress),
            "DisassociateAddress" => Some(Self::DisassociateAddress),
            "DescribeAddresses" => Some(Self::DescribeAddresses),
            "DescribeInstanceStatus" => Some(Self::DescribeInstanceStatus),
            "DescribeInstances" => Some(Self::DescribeInstances),
            _ => None,
        }
    }

    /// Whether the action changes an association.
    pub(crate) fn is_mutating(self) -> bool {
        match self {
            Self::AssociateAddress | Self::DisassociateAddress => true,
            Self::Any
            | Self::DescribeAddresses
            | Self::DescribeInstanceStatus
            | Self::DescribeInstances
            | Self::Imds => false,
        }
    }
}
