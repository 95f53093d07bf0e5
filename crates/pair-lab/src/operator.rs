//! The hand of an operator, or of a third party: what is done to a lab beside the nodes' own calls.
//!
//! None of it shows in the request log; what moves the shared address shows in the ownership history.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use crate::announcement::Announcement;
use crate::instances::{Market, Stage};
use crate::lab::{Lab, LabError};
use crate::moto;
use crate::register::Address;
use crate::world::{Machine, Target};

impl Lab {
    /// Moves the shared address, as an operator or a third party would, and gives the new association id.
    ///
    /// # Errors
    /// [`LabError`] if the target is unknown or EC2 refuses.
    pub async fn move_address(&self, to: &Target) -> Result<String, LabError> {
        self.place_address(self.allocation_id(), to).await
    }

    /// Puts any address on a private address of a machine and gives the new association id; an EC2 other than the emulator chooses
    /// the primary one.
    ///
    /// # Errors
    /// As for [`Lab::move_address`], and [`LabError::UnknownAllocation`].
    pub async fn place_address(&self, allocation_id: &str, to: &Target) -> Result<String, LabError> {
        let (machine, private_ip) = self.target(to)?;
        let address = self.address(allocation_id)?;
        match &self.shared.upstream {
            Some(upstream) => upstream
                .associate(&self.shared, address, machine)
                .await
                .map_err(LabError::Upstream),
            None => self
                .shared
                .register()
                .associate(
                    self.clock_ms(),
                    allocation_id,
                    &machine.network_interface_id,
                    private_ip,
                    true,
                )
                .map_err(LabError::Refused),
        }
    }

    /// Takes the shared address from whoever holds it, as an operator would; nobody holds it then.
    ///
    /// # Errors
    /// [`LabError::Upstream`]; releasing what nobody holds is none.
    pub async fn release_association(&self) -> Result<(), LabError> {
        let address = self.address(self.allocation_id())?;
        if let Some(upstream) = &self.shared.upstream {
            return upstream
                .disassociate(&self.shared, address)
                .await
                .map_err(LabError::Upstream);
        }
        match address.association {
            Some(held) => self
                .shared
                .register()
                .disassociate(self.clock_ms(), &held.id)
                .map_err(LabError::Refused),
            None => Ok(()),
        }
    }

    /// Adds an address to the account, nowhere yet, and gives its allocation id.
    ///
    /// # Errors
    /// [`LabError::Upstream`].
    pub async fn allocate_address(&self, public_ip: Ipv4Addr) -> Result<String, LabError> {
        let allocation_id = match &self.shared.upstream {
            Some(upstream) => moto::allocate(upstream.admin(), public_ip)
                .await
                .map_err(LabError::Upstream)?,
            None => format!("eipalloc-0e{:015x}", self.addresses().len()),
        };
        self.shared
            .register()
            .allocate(self.clock_ms(), &allocation_id, public_ip);
        Ok(allocation_id)
    }

    /// Stops a node's instance as far as EC2 knows; its processes and its address stay.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`], [`LabError::Upstream`].
    pub async fn stop_instance(&self, node: &str) -> Result<(), LabError> {
        self.set_stopped(node, true).await
    }

    /// Starts a node's instance as far as EC2 knows.
    ///
    /// # Errors
    /// As for [`Lab::stop_instance`].
    pub async fn start_instance(&self, node: &str) -> Result<(), LabError> {
        self.set_stopped(node, false).await
    }

    /// Has AWS tell a node something about its host, in the place of what it told of that kind.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`], [`LabError::NotSpot`].
    pub fn announce(&self, node: &str, announcement: &Announcement) -> Result<(), LabError> {
        let node = self.node(node)?;
        let life = self.shared.instances.life(&node.instance_id);
        if announcement.is_for_spot() && life.market != Market::Spot {
            return Err(LabError::NotSpot(node.name.clone()));
        }
        self.shared.announcements.give(&node.name, announcement);
        Ok(())
    }

    /// Takes back all that AWS has told a node about its host.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn take_back(&self, node: &str) -> Result<(), LabError> {
        let node = self.node(node)?;
        self.shared.announcements.clear(&node.name);
        Ok(())
    }

    /// Makes a node's instance one that was bought like this; without it, it is on demand. AWS never changes that of an instance, so it
    /// counts as another one, which was told nothing yet, and whoever has asked its metadata has to ask again.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn set_market(&self, node: &str, market: Market) -> Result<(), LabError> {
        self.take_back(node)?;
        let instance_id = self.instance_id(node)?;
        self.shared.instances.change(instance_id, |life| life.market = market);
        Ok(())
    }

    /// Launches a node's instance anew as far as EC2 knows: it runs, as of now, with this tag. Until it bears the tag, an instance
    /// is none that anybody looks for.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`], [`LabError::Unsupported`] in front of another EC2.
    pub fn launch_instance(&self, node: &str, (key, value): (&str, &str)) -> Result<(), LabError> {
        self.set_stage(node, Stage::Running)?;
        let instance_id = self.instance_id(node)?;
        let instances = &self.shared.instances;
        instances.change(instance_id, |life| life.launched = Timestamp::now());
        instances.tag(instance_id, key, value);
        Ok(())
    }

    /// Begins to terminate a node's instance as far as EC2 knows: it shuts down, and keeps its address.
    ///
    /// # Errors
    /// As for [`Lab::launch_instance`].
    pub fn shut_instance_down(&self, node: &str) -> Result<(), LabError> {
        self.set_stage(node, Stage::ShuttingDown)
    }

    /// Terminates a node's instance as far as EC2 knows, without releasing its address: EC2 does that by and by.
    ///
    /// # Errors
    /// As for [`Lab::launch_instance`].
    pub fn terminate_instance(&self, node: &str) -> Result<(), LabError> {
        self.set_stage(node, Stage::Terminated)
    }

    /// Gives a resource, an instance or an allocation, a tag.
    ///
    /// # Errors
    /// [`LabError::Upstream`].
    pub async fn tag(&self, resource_id: &str, (key, value): (&str, &str)) -> Result<(), LabError> {
        if let Some(upstream) = &self.shared.upstream {
            let params = [
                ("ResourceId.1", resource_id),
                ("Tag.1.Key", key),
                ("Tag.1.Value", value),
            ];
            let admin = upstream.admin();
            admin.call("CreateTags", &params).await.map_err(LabError::Upstream)?;
        }
        self.shared.instances.tag(resource_id, key, value);
        Ok(())
    }

    /// Makes EC2's reachability check of a node fail.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`], [`LabError::Unsupported`] in front of another EC2.
    pub fn fail_reachability(&self, node: &str) -> Result<(), LabError> {
        self.set_unreachable(node, true)
    }

    /// Makes EC2's reachability check of a node pass.
    ///
    /// # Errors
    /// As for [`Lab::fail_reachability`].
    pub fn restore_reachability(&self, node: &str) -> Result<(), LabError> {
        self.set_unreachable(node, false)
    }

    async fn set_stopped(&self, node: &str, is_stopped: bool) -> Result<(), LabError> {
        let instance_id = self.instance_id(node)?;
        if let Some(upstream) = &self.shared.upstream {
            let action = if is_stopped { "StopInstances" } else { "StartInstances" };
            upstream
                .admin()
                .call(action, &[("InstanceId.1", instance_id)])
                .await
                .map_err(LabError::Upstream)?;
        }
        self.shared.instances.change(instance_id, |life| {
            life.stage = if is_stopped { Stage::Stopped } else { Stage::Running };
            if !is_stopped {
                // A new start of a stopped instance is a new launch to EC2.
                life.launched = Timestamp::now();
            }
        });
        Ok(())
    }

    fn set_stage(&self, node: &str, stage: Stage) -> Result<(), LabError> {
        let instance_id = self.instance_id(node)?;
        if self.shared.upstream.is_some() {
            return Err(LabError::Unsupported("change the life of an instance"));
        }
        self.shared.instances.change(instance_id, |life| life.stage = stage);
        Ok(())
    }

    fn set_unreachable(&self, node: &str, is_unreachable: bool) -> Result<(), LabError> {
        let instance_id = self.instance_id(node)?;
        if self.shared.upstream.is_some() {
            return Err(LabError::Unsupported("fail a reachability check"));
        }
        self.shared
            .instances
            .change(instance_id, |life| life.is_unreachable = is_unreachable);
        Ok(())
    }

    fn address(&self, allocation_id: &str) -> Result<Address, LabError> {
        let address = self.shared.register().address(allocation_id).cloned();
        address.ok_or_else(|| LabError::UnknownAllocation(allocation_id.to_owned()))
    }

    fn target(&self, target: &Target) -> Result<(&Machine, Ipv4Addr), LabError> {
        let primary = |machine: &'_ Machine| machine.private_ip();
        Ok(match target {
            Target::Node(name) => (self.node(name)?, primary(self.node(name)?)),
            Target::At(name, private_ip) => (self.node(name)?, *private_ip),
            Target::Outside => (&self.world().outside, primary(&self.world().outside)),
        })
    }
}
