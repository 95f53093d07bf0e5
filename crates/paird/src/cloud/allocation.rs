//! One Elastic IP as this instance can move it: where it would land, the calls about it, and whether it is here.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use pair_core::{
    Association, AssociationId, Call, CallFault, Identity, Input, InstanceId, InstanceState, InterfaceId, Reply, Zone,
};
use pair_ec2::{Address, CallError, Connection, Ec2, Imds, ImdsError, Reachability, Target};
use tokio::sync::{Notify, mpsc};

use super::{Manner, fault_of};
use crate::clock::Clock;
use crate::config::AddressIndex;
use crate::news::{AddressNews, News};

/// Which address, and where it lands on this instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The allocation to move.
    pub allocation_id: String,
    /// The private IP that it lands on here.
    pub private_ip: Ipv4Addr,
}

/// Where the address would land on this instance.
#[derive(Clone, Debug)]
struct Place {
    target: Target,
    mac: String,
}

/// The cloud side of one address.
pub(super) struct Allocation {
    index: AddressIndex,
    destination: Destination,
    clock: Clock,
    news: mpsc::Sender<News>,
    /// Unknown while no interface of the instance has the private IP: it can be assigned later.
    place: Mutex<Option<Place>>,
    public_ip: OnceLock<Ipv4Addr>,
    /// Wants a takeover rehearsed soon.
    pub(super) rehearse: Notify,
}

impl Allocation {
    /// The address of this number, of which nothing is known yet.
    pub(super) fn new(index: AddressIndex, destination: Destination, clock: Clock, news: mpsc::Sender<News>) -> Self {
        Self {
            index,
            destination,
            clock,
            news,
            place: Mutex::default(),
            public_ip: OnceLock::new(),
            rehearse: Notify::new(),
        }
    }

    /// Makes one call. What its error means, and in words.
    pub(super) async fn attempt(
        &self,
        ec2: &Ec2,
        call: &Call,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Reply, (CallFault, String)> {
        let sorted = |error: CallError| (fault_of(&error), error.to_string());
        match call {
            Call::ReadAddress => {
                let address = ec2
                    .address(&self.destination.allocation_id, timeout, connection)
                    .await
                    .map_err(sorted)?;
                self.learn(address.public_ip).await;
                Ok(Reply::Address(address.association.map(association)))
            }
            Call::ReadInstance(instance) => {
                let health = ec2
                    .instance(instance.as_str(), timeout, connection)
                    .await
                    .map_err(sorted)?;
                Ok(Reply::Instance(instance_state(health)))
            }
            Call::Release(association) => {
                ec2.release(association.as_str(), timeout, connection)
                    .await
                    .map_err(sorted)?;
                Ok(Reply::Released)
            }
            Call::Associate { allow_reassociation } => {
                let no_place = || {
                    (
                        CallFault::NotSent,
                        format!("no interface here has {}", self.destination.private_ip),
                    )
                };
                let Place { target, .. } = self.place().ok_or_else(no_place)?;
                let id = ec2
                    .associate(&target, *allow_reassociation, timeout, connection)
                    .await
                    .map_err(sorted)?;
                Ok(Reply::Associated(AssociationId::of(&id)))
            }
        }
    }

    /// Asks IMDS whether the address is here, or where it could land while that is not known; `None` while there is nothing to ask
    /// for.
    pub(super) async fn look(&self, imds: &Imds) -> Option<Result<(), ImdsError>> {
        match (self.place(), self.public_ip.get()) {
            (Some(place), Some(public_ip)) => Some(self.look_for(imds, &place, *public_ip).await),
            (Some(_), None) => None,
            (None, _) => Some(self.look_for_place(imds).await),
        }
    }

    /// Finds the interface that has the private IP, and tells the core who this node is.
    pub(super) async fn settle(&self, identity: &pair_ec2::Identity) {
        let private_ip = self.destination.private_ip;
        let interface = identity
            .interfaces
            .iter()
            .find(|interface| interface.private_ips.contains(&private_ip));
        *self.lock_place() = interface.map(|interface| Place {
            target: Target {
                allocation_id: self.destination.allocation_id.clone(),
                network_interface_id: interface.network_interface_id.clone(),
                private_ip,
            },
            mac: interface.mac.clone(),
        });
        let known = Identity {
            instance: InstanceId::of(&identity.instance_id),
            zone: Zone::cut(&identity.availability_zone),
            interface: interface.map(|interface| InterfaceId::of(&interface.network_interface_id)),
        };
        self.tell(AddressNews::Input(Input::Identity(known))).await;
    }

    /// Makes the very calls of a takeover with `DryRun`, and looks for another address that the takeover would knock off.
    pub(super) async fn rehearse(&self, ec2: &Ec2, manner: Manner) -> Result<Option<Address>, CallError> {
        // Without a place to land there is nothing to rehearse, and that is a problem of its own.
        let Some(Place { target, .. }) = self.place() else {
            return Ok(None);
        };
        let Manner {
            call_timeout, strict, ..
        } = manner;
        let address = ec2.warm(&self.destination.allocation_id, call_timeout).await?;
        self.learn(address.public_ip).await;
        if let Some(held) = address.association.filter(|_| strict) {
            ec2.dry_run_release(&held.association_id, call_timeout, Connection::Pooled)
                .await?;
        }
        ec2.dry_run_associate(&target, true, call_timeout, Connection::Pooled)
            .await?;
        let neighbours = ec2.neighbours(&target, call_timeout, Connection::Pooled).await?;
        Ok(neighbours.into_iter().next())
    }

    /// Tells something about this address.
    pub(super) async fn tell(&self, news: AddressNews) {
        // The loop ends before this thread does; what it does not hear any more does not matter.
        let _ = self.news.send(news.about(self.index)).await;
    }

    async fn look_for(&self, imds: &Imds, place: &Place, public_ip: Ipv4Addr) -> Result<(), ImdsError> {
        let asked_at = self.clock.now();
        let lands = imds.association(&place.mac, public_ip).await?;
        let mine = lands.is_some_and(|private_ips| private_ips.contains(&place.target.private_ip));
        self.tell(AddressNews::Input(Input::Imds { mine, asked_at })).await;
        Ok(())
    }

    async fn look_for_place(&self, imds: &Imds) -> Result<(), ImdsError> {
        let identity = imds.identity().await?;
        self.settle(&identity).await;
        if self.place().is_some() {
            self.rehearse.notify_one();
        }
        Ok(())
    }

    async fn learn(&self, public_ip: Ipv4Addr) {
        if self.public_ip.set(public_ip).is_ok() {
            self.tell(AddressNews::PublicIp(public_ip)).await;
        }
    }

    fn place(&self) -> Option<Place> {
        self.lock_place().clone()
    }

    fn lock_place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().expect("nothing panics while it holds this lock")
    }
}

fn association(held: pair_ec2::Association) -> Association {
    Association {
        id: AssociationId::of(&held.association_id),
        interface: InterfaceId::of(&held.network_interface_id.unwrap_or_default()),
        private_ip: IpAddr::V4(held.private_ip.unwrap_or(Ipv4Addr::UNSPECIFIED)),
        instance: held.instance_id.map(|id| InstanceId::of(&id)),
    }
}

fn instance_state(health: pair_ec2::InstanceHealth) -> InstanceState {
    match health.state {
        pair_ec2::InstanceState::Stopped | pair_ec2::InstanceState::Terminated => InstanceState::Down,
        pair_ec2::InstanceState::Stopping | pair_ec2::InstanceState::ShuttingDown => InstanceState::Stopping,
        pair_ec2::InstanceState::Pending | pair_ec2::InstanceState::Running | pair_ec2::InstanceState::Unknown => {
            InstanceState::Running {
                unreachable: health.reachability == Reachability::Failed,
            }
        }
    }
}
