//! Who holds which address, and who held it when.
//!
//! With the emulator this *is* the truth; in front of another EC2 it is what the front saw pass through.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::api_error::ApiError;

/// An address and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Address {
    /// The allocation id.
    pub allocation_id: String,
    /// The address itself.
    pub public_ip: Ipv4Addr,
    /// Where it is, if anywhere.
    pub association: Option<Association>,
}

/// One association of an address; every new one has an id of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Association {
    /// The association id.
    pub id: String,
    /// The interface that holds the address.
    pub network_interface_id: String,
    /// The private address it is mapped to.
    pub private_ip: Ipv4Addr,
}

/// The addresses, with every state they have been in.
#[derive(Debug)]
pub(crate) struct Register {
    addresses: Vec<Address>,
    /// Every state since the start, oldest first; never empty. It grows by one entry per move.
    past: Vec<Snapshot>,
    associations: u64,
    keeps_id: bool,
    changes: watch::Sender<()>,
}

/// The addresses from one moment on.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) ms: u64,
    pub(crate) addresses: Vec<Address>,
}

impl Register {
    /// Makes a register with these addresses. `keeps_id`: a repeated association to the same place keeps its id.
    pub(crate) fn new(addresses: Vec<Address>, keeps_id: bool, now_ms: u64) -> Self {
        let past = vec![Snapshot {
            ms: now_ms,
            addresses: addresses.clone(),
        }];
        Self {
            addresses,
            past,
            associations: 0,
            keeps_id,
            changes: watch::Sender::new(()),
        }
    }

    /// Adds an address that is nowhere.
    pub(crate) fn allocate(&mut self, now_ms: u64, allocation_id: &str, public_ip: Ipv4Addr) {
        self.addresses.push(Address {
            allocation_id: allocation_id.to_owned(),
            public_ip,
            association: None,
        });
        self.changed(now_ms);
    }

    /// Puts an address on a private address of an interface, as `AssociateAddress` does, and gives the association id.
    ///
    /// Without `reassociate` an address that is elsewhere stays there. The same goes for a private address that
    /// carries another public one; with it, that other one is knocked off, as AWS documents: a caller that does not
    /// look first can drop an address it never meant.
    pub(crate) fn associate(
        &mut self,
        now_ms: u64,
        allocation_id: &str,
        network_interface_id: &str,
        private_ip: Ipv4Addr,
        reassociate: bool,
    ) -> Result<String, ApiError> {
        let at = self
            .addresses
            .iter()
            .position(|address| address.allocation_id == allocation_id)
            .ok_or_else(|| unknown_allocation(allocation_id))?;
        let is_there =
            |held: &Association| held.network_interface_id == network_interface_id && held.private_ip == private_ip;
        let current = self.addresses[at].association.as_ref();
        let stays = current.is_some_and(is_there);
        if let Some(held) = current.filter(|_| !stays && !reassociate) {
            return Err(ApiError::client(
                "Resource.AlreadyAssociated",
                format!(
                    "resource {allocation_id} is already associated with associate-id {}",
                    held.id
                ),
            ));
        }
        if let Some(id) = current.filter(|_| stays && self.keeps_id).map(|held| held.id.clone()) {
            return Ok(id);
        }
        let other = self.addresses.iter().position(|address| {
            address.allocation_id != allocation_id && address.association.as_ref().is_some_and(is_there)
        });
        if let Some(other) = other {
            if !reassociate {
                return Err(ApiError::client(
                    "Resource.AlreadyAssociated",
                    format!(
                        "resource {network_interface_id} is already associated with address {}",
                        self.addresses[other].public_ip
                    ),
                ));
            }
            self.addresses[other].association = None;
        }
        self.associations += 1;
        let id = format!("eipassoc-0d{:015x}", self.associations);
        self.addresses[at].association = Some(Association {
            id: id.clone(),
            network_interface_id: network_interface_id.to_owned(),
            private_ip,
        });
        self.changed(now_ms);
        Ok(id)
    }

    /// Ends an association by its id.
    pub(crate) fn disassociate(&mut self, now_ms: u64, association_id: &str) -> Result<(), ApiError> {
        let held = self
            .addresses
            .iter_mut()
            .map(|address| &mut address.association)
            .find(|association| association.as_ref().is_some_and(|held| held.id == association_id));
        match held {
            Some(association) => *association = None,
            None => return Err(unknown_association(association_id)),
        }
        self.changed(now_ms);
        Ok(())
    }

    /// Notes what another EC2 did with an address; an allocation it never told us about is added.
    pub(crate) fn mirror(&mut self, now_ms: u64, seen: Address) {
        match self
            .addresses
            .iter_mut()
            .find(|address| address.allocation_id == seen.allocation_id)
        {
            Some(address) if *address == seen => return,
            Some(address) => *address = seen,
            None => self.addresses.push(seen),
        }
        self.changed(now_ms);
    }

    /// Gives the addresses as they are.
    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Gives the addresses as they were this long ago; before the start, as they were then.
    pub(crate) fn addresses_ago(&self, now_ms: u64, age: Duration) -> &[Address] {
        let then_ms = u64::try_from(age.as_millis())
            .ok()
            .and_then(|age_ms| now_ms.checked_sub(age_ms));
        let known = then_ms.map_or(0, |then_ms| {
            self.past.partition_point(|snapshot| snapshot.ms <= then_ms)
        });
        self.past
            .get(known.saturating_sub(1))
            .map_or(&[], |snapshot| &snapshot.addresses)
    }

    /// Finds one address.
    pub(crate) fn address(&self, allocation_id: &str) -> Option<&Address> {
        self.addresses
            .iter()
            .find(|address| address.allocation_id == allocation_id)
    }

    /// Finds an address by the id of its association.
    pub(crate) fn by_association(&self, association_id: &str) -> Option<&Address> {
        self.addresses.iter().find(|address| {
            address
                .association
                .as_ref()
                .is_some_and(|held| held.id == association_id)
        })
    }

    /// Lists every state so far, oldest first.
    pub(crate) fn past(&self) -> &[Snapshot] {
        &self.past
    }

    /// Tells when anything moves.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn changed(&mut self, now_ms: u64) {
        self.past.push(Snapshot {
            ms: now_ms,
            addresses: self.addresses.clone(),
        });
        self.changes.send_replace(());
    }
}

/// Makes EC2's answer for an allocation it does not know.
pub(crate) fn unknown_allocation(allocation_id: &str) -> ApiError {
    ApiError::client(
        "InvalidAllocationID.NotFound",
        format!("The allocation ID '{allocation_id}' does not exist"),
    )
}

/// Makes EC2's answer for an association it does not know, or no longer.
pub(crate) fn unknown_association(association_id: &str) -> ApiError {
    ApiError::client(
        "InvalidAssociationID.NotFound",
        format!("The association ID '{association_id}' does not exist"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 10);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 10);

    fn register(keeps_id: bool) -> Register {
        let address = |allocation_id: &str, last| Address {
            allocation_id: allocation_id.to_owned(),
            public_ip: Ipv4Addr::new(203, 0, 113, last),
            association: None,
        };
        Register::new(vec![address("eipalloc-1", 1), address("eipalloc-2", 2)], keeps_id, 0)
    }

    fn code(answer: Result<String, ApiError>) -> String {
        answer.expect_err("an error").code
    }

    #[test]
    fn a_held_address_moves_only_with_reassociation_and_gets_a_new_id() {
        let mut register = register(false);
        let first = register.associate(1, "eipalloc-1", "eni-a", A, false).unwrap();
        assert_eq!(
            code(register.associate(2, "eipalloc-1", "eni-b", B, false)),
            "Resource.AlreadyAssociated"
        );
        let second = register.associate(3, "eipalloc-1", "eni-b", B, true).unwrap();
        assert_ne!(first, second);
        let held = register.address("eipalloc-1").unwrap().association.as_ref().unwrap();
        assert_eq!((held.network_interface_id.as_str(), held.private_ip), ("eni-b", B));
    }

    #[test]
    fn the_same_place_again_succeeds_and_the_id_is_a_setting() {
        for keeps_id in [false, true] {
            let mut register = register(keeps_id);
            let first = register.associate(1, "eipalloc-1", "eni-a", A, false).unwrap();
            let again = register.associate(2, "eipalloc-1", "eni-a", A, false).unwrap();
            assert_eq!(first == again, keeps_id);
        }
    }

    #[test]
    fn another_address_on_the_private_address_is_knocked_off_only_with_reassociation() {
        let mut register = register(false);
        register.associate(1, "eipalloc-1", "eni-a", A, false).unwrap();
        assert_eq!(
            code(register.associate(2, "eipalloc-2", "eni-a", A, false)),
            "Resource.AlreadyAssociated"
        );
        register.associate(3, "eipalloc-2", "eni-a", A, true).unwrap();
        assert_eq!(register.address("eipalloc-1").unwrap().association, None);
    }

    #[test]
    fn two_addresses_live_on_two_private_addresses_of_one_interface() {
        let mut register = register(false);
        register.associate(1, "eipalloc-1", "eni-a", A, false).unwrap();
        register.associate(2, "eipalloc-2", "eni-a", B, false).unwrap();
        assert!(register.addresses().iter().all(|address| address.association.is_some()));
    }

    #[test]
    fn a_stale_association_id_drops_nothing() {
        let mut register = register(false);
        let first = register.associate(1, "eipalloc-1", "eni-a", A, false).unwrap();
        register.associate(2, "eipalloc-1", "eni-b", B, true).unwrap();
        assert_eq!(register.disassociate(3, &first), Err(unknown_association(&first)));
        assert!(register.address("eipalloc-1").unwrap().association.is_some());
    }

    #[test]
    fn the_past_is_kept() {
        let mut register = register(false);
        let id = register.associate(10, "eipalloc-1", "eni-a", A, false).unwrap();
        register.disassociate(20, &id).unwrap();
        let held_at = |ms: u64| {
            register.addresses_ago(99, Duration::from_millis(99 - ms))[0]
                .association
                .is_some()
        };
        assert_eq!(
            [0, 9, 10, 19, 20, 99].map(held_at),
            [false, false, true, true, false, false]
        );
    }

    #[test]
    fn what_happened_at_the_very_start_is_not_older_than_it() {
        let mut register = register(false);
        register.associate(0, "eipalloc-1", "eni-a", A, false).unwrap();
        assert_eq!(register.addresses_ago(5, Duration::from_millis(6))[0].association, None);
    }
}
