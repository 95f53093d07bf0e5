//! The emulated EC2: the five actions that paird and its operators use, on the register.
//!
//! Where AWS's behaviour is undocumented or a setting of the account, the emulator is strict: reassociation is off
//! unless asked for, a private address must be the interface's own, a repeated association gets a new id.

use std::net::Ipv4Addr;

use crate::api_error::ApiError;
use crate::instance_calls::{describe_instance_status, describe_instances};
use crate::instances::Instances;
use crate::query::Query;
use crate::register::{Address, unknown_allocation, unknown_association};
use crate::shared::Shared;
use crate::world::{Machine, World};
use crate::xml::Element;

/// An answer of the emulator.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) document: Element,
    /// The association that the call made.
    pub(crate) association_id: Option<String>,
}

/// Carries a query out.
pub(crate) fn answer(shared: &Shared, query: &Query) -> Result<Answer, ApiError> {
    match query.action.as_str() {
        "AssociateAddress" => associate_address(shared, query),
        "DisassociateAddress" => disassociate_address(shared, query),
        "DescribeAddresses" => describe_addresses(shared, shared.register().addresses(), query).map(Answer::read),
        "DescribeInstanceStatus" => describe_instance_status(shared, query).map(Answer::read),
        "DescribeInstances" => describe_instances(shared, query).map(Answer::read),
        other => Err(ApiError::client(
            "InvalidAction",
            format!("The action {other} is not valid for this web service."),
        )),
    }
}

/// Answers `DescribeAddresses` from a state of the addresses, which need not be the present one.
pub(crate) fn describe_addresses(shared: &Shared, addresses: &[Address], query: &Query) -> Result<Element, ApiError> {
    let Shared { world, instances, .. } = shared;
    let wanted = query.list("AllocationId");
    if let Some(unknown) = wanted
        .iter()
        .find(|id| addresses.iter().all(|address| address.allocation_id != **id))
    {
        return Err(unknown_allocation(unknown));
    }
    let filters = query.filters();
    let mut set = Element::new("addressesSet");
    for address in addresses {
        let is_wanted = wanted.is_empty() || wanted.contains(&address.allocation_id.as_str());
        if is_wanted && matches_all(world, instances, address, &filters)? {
            set = set.child(address_item(world, instances, address));
        }
    }
    Ok(reply("DescribeAddressesResponse").child(set))
}

fn associate_address(shared: &Shared, query: &Query) -> Result<Answer, ApiError> {
    let allocation_id = required(query, "AllocationId")?;
    if shared.register().address(allocation_id).is_none() {
        return Err(unknown_allocation(allocation_id));
    }
    let machine = target(&shared.world, query)?;
    let private_ip = private_ip(machine, query)?;
    refuse_dry_run(query)?;
    let association_id = shared.register().associate(
        shared.clock.ms(),
        allocation_id,
        &machine.network_interface_id,
        private_ip,
        query.is_set("AllowReassociation"),
    )?;
    let document = reply("AssociateAddressResponse")
        .text("return", "true")
        .text("associationId", &association_id);
    Ok(Answer {
        document,
        association_id: Some(association_id),
    })
}

fn disassociate_address(shared: &Shared, query: &Query) -> Result<Answer, ApiError> {
    let association_id = required(query, "AssociationId")?;
    if shared.register().by_association(association_id).is_none() {
        return Err(unknown_association(association_id));
    }
    refuse_dry_run(query)?;
    shared.register().disassociate(shared.clock.ms(), association_id)?;
    Ok(Answer::read(
        reply("DisassociateAddressResponse").text("return", "true"),
    ))
}

/// Finds the machine that an association is for: by its interface, or by the instance that has it.
fn target<'world>(world: &'world World, query: &Query) -> Result<&'world Machine, ApiError> {
    if let Some(interface) = query.param("NetworkInterfaceId") {
        return world.by_interface(interface).ok_or_else(|| {
            ApiError::client(
                "InvalidNetworkInterfaceID.NotFound",
                format!("The networkInterface ID '{interface}' does not exist"),
            )
        });
    }
    let instance = required(query, "InstanceId").map_err(|_| {
        ApiError::client(
            "MissingParameter",
            "Either NetworkInterfaceId or InstanceId must be specified",
        )
    })?;
    world.by_instance(instance).ok_or_else(|| {
        ApiError::client(
            "InvalidInstanceID.NotFound",
            format!("The instance ID '{instance}' does not exist"),
        )
    })
}

/// Chooses the private address: the one named, which must be the interface's own, or the primary one.
fn private_ip(machine: &Machine, query: &Query) -> Result<Ipv4Addr, ApiError> {
    let Some(named) = query.param("PrivateIpAddress") else {
        return Ok(machine.private_ip());
    };
    machine
        .private_ips
        .iter()
        .copied()
        .find(|ip| ip.to_string() == named)
        .ok_or_else(|| {
            let interface = &machine.network_interface_id;
            ApiError::client(
                "InvalidParameterValue",
                format!("The private IP address {named} is not assigned to interface {interface}"),
            )
        })
}

/// Ends a dry run, once all that could be wrong with its parameters has been said.
fn refuse_dry_run(query: &Query) -> Result<(), ApiError> {
    if query.is_set("DryRun") {
        Err(ApiError::dry_run())
    } else {
        Ok(())
    }
}

fn required<'query>(query: &'query Query, name: &str) -> Result<&'query str, ApiError> {
    query.param(name).ok_or_else(|| {
        ApiError::client(
            "MissingParameter",
            format!("The request must contain the parameter {name}"),
        )
    })
}

pub(crate) fn invalid_filter(name: &str) -> ApiError {
    ApiError::client("InvalidParameterValue", format!("The filter '{name}' is invalid"))
}

fn matches_all(
    world: &World,
    instances: &Instances,
    address: &Address,
    filters: &[(&str, Vec<&str>)],
) -> Result<bool, ApiError> {
    let held = address.association.as_ref();
    let tags = instances.tags(&address.allocation_id);
    for (name, values) in filters {
        let value = match *name {
            "allocation-id" => Some(address.allocation_id.clone()),
            "public-ip" => Some(address.public_ip.to_string()),
            "association-id" => held.map(|held| held.id.clone()),
            "network-interface-id" => held.map(|held| held.network_interface_id.clone()),
            "private-ip-address" => held.map(|held| held.private_ip.to_string()),
            "instance-id" => held
                .and_then(|held| world.by_interface(&held.network_interface_id))
                .map(|machine| machine.instance_id.clone()),
            other => match other.strip_prefix("tag:") {
                Some(key) => tags.get(key).cloned(),
                None => return Err(invalid_filter(other)),
            },
        };
        if !value.is_some_and(|value| values.contains(&value.as_str())) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn address_item(world: &World, instances: &Instances, address: &Address) -> Element {
    let tags = instances.tags(&address.allocation_id);
    let tags = tags.iter().fold(Element::new("tagSet"), |set, (key, value)| {
        set.child(Element::new("item").text("key", key).text("value", value))
    });
    let item = Element::new("item")
        .text("publicIp", &address.public_ip.to_string())
        .text("allocationId", &address.allocation_id)
        .text("domain", "vpc")
        .child(tags);
    let Some(held) = &address.association else {
        return item;
    };
    let machine = world.by_interface(&held.network_interface_id);
    item.text("associationId", &held.id)
        .maybe("instanceId", machine.map(|machine| machine.instance_id.as_str()))
        .text("networkInterfaceId", &held.network_interface_id)
        .text("networkInterfaceOwnerId", &world.account_id)
        .text("privateIpAddress", &held.private_ip.to_string())
}

pub(crate) fn reply(name: &str) -> Element {
    Element::new(name).text("requestId", "lab")
}

impl Answer {
    fn read(document: Element) -> Self {
        Self {
            document,
            association_id: None,
        }
    }
}
