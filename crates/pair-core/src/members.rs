//! Who is at the peer's place, where that is not configured but found: a pair whose instances come and go.

use alloc::vec::Vec;
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::InstanceId;

/// The members of the pair beside this node, as EC2 names those that bear the pair's tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Members {
    /// Who is at the peer's place; `None` while nobody is.
    pub peer: Option<Place>,
    /// Instances that bear the tag and are no member: what one of them holds, a member of this pair held (F-9). The first
    /// [`MOST_FORMER`](crate::config::MOST_FORMER) of them count.
    pub former: Vec<InstanceId>,
}

/// Where a member is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Its instance.
    pub instance: InstanceId,
    /// The private IP on which the address lands there.
    pub private_ip: IpAddr,
}
