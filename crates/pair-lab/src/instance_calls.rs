//! What the emulated EC2 says of instances.

use crate::api_error::ApiError;
use crate::emulator::{invalid_filter, reply};
use crate::instances::{Life, Stage};
use crate::query::Query;
use crate::shared::Shared;
use crate::world::Machine;
use crate::xml::Element;

pub(crate) fn describe_instance_status(shared: &Shared, query: &Query) -> Result<Element, ApiError> {
    if let Some((filter, _)) = query.filters().first() {
        return Err(invalid_filter(filter));
    }
    let wanted = wanted(shared, query)?;
    let set = shared
        .world
        .machines()
        .filter(|machine| wanted.is_empty() || wanted.contains(&machine.instance_id.as_str()))
        .map(|machine| (machine, shared.instances.life(&machine.instance_id)))
        .filter(|(_, life)| query.is_set("IncludeAllInstances") || life.stage == Stage::Running)
        .map(|(machine, life)| status_item(machine, life))
        .fold(Element::new("instanceStatusSet"), Element::child);
    Ok(reply("DescribeInstanceStatusResponse").child(set))
}

/// Pages are numbered by the first machine of the next one.
pub(crate) fn describe_instances(shared: &Shared, query: &Query) -> Result<Element, ApiError> {
    let wanted = wanted(shared, query)?;
    let filters = query.filters();
    let mut found = Vec::new();
    for machine in shared.world.machines() {
        let is_wanted = wanted.is_empty() || wanted.contains(&machine.instance_id.as_str());
        if is_wanted && matches_all(shared, machine, &filters)? {
            found.push(machine);
        }
    }
    let first = number(query, "NextToken")?.unwrap_or(0);
    let size = number(query, "MaxResults")?.unwrap_or(found.len().max(1));
    let page = found.iter().skip(first).take(size);
    let set = page.fold(Element::new("reservationSet"), |set, machine| {
        let instances = Element::new("instancesSet").child(instance_item(shared, machine));
        let reservation = Element::new("item").text("reservationId", &machine.instance_id.replacen('i', "r", 1));
        set.child(reservation.child(instances))
    });
    let next = (first + size < found.len()).then(|| (first + size).to_string());
    Ok(reply("DescribeInstancesResponse")
        .child(set)
        .maybe("nextToken", next.as_deref()))
}

/// The instances that are asked for by their ids, each of which must exist.
fn wanted<'query>(shared: &Shared, query: &'query Query) -> Result<Vec<&'query str>, ApiError> {
    let wanted = query.list("InstanceId");
    match wanted.iter().find(|id| shared.world.by_instance(id).is_none()) {
        None => Ok(wanted),
        Some(unknown) => Err(ApiError::client(
            "InvalidInstanceID.NotFound",
            format!("The instance ID '{unknown}' does not exist"),
        )),
    }
}

fn number(query: &Query, name: &str) -> Result<Option<usize>, ApiError> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| ApiError::client("InvalidParameterValue", format!("{name} cannot be {text}")))
    };
    query.param(name).map(parse).transpose()
}

fn matches_all(shared: &Shared, machine: &Machine, filters: &[(&str, Vec<&str>)]) -> Result<bool, ApiError> {
    let tags = shared.instances.tags(&machine.instance_id);
    for (name, values) in filters {
        let value = match (*name, name.strip_prefix("tag:")) {
            (_, Some(key)) => tags.get(key).cloned(),
            ("instance-state-name", None) => {
                let (_, state) = shared.instances.life(&machine.instance_id).stage.wire();
                Some(state.to_owned())
            }
            ("availability-zone", None) => Some(machine.availability_zone.clone()),
            (other, None) => return Err(invalid_filter(other)),
        };
        if !value.is_some_and(|value| values.contains(&value.as_str())) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn instance_item(shared: &Shared, machine: &Machine) -> Element {
    let life = shared.instances.life(&machine.instance_id);
    let tags = shared.instances.tags(&machine.instance_id);
    let tags = tags.iter().fold(Element::new("tagSet"), |set, (key, value)| {
        set.child(Element::new("item").text("key", key).text("value", value))
    });
    // EC2 takes the interfaces of an instance away when it is terminated.
    let interfaces = if life.stage == Stage::Terminated {
        Element::new("networkInterfaceSet")
    } else {
        Element::new("networkInterfaceSet").child(interface_item(machine))
    };
    Element::new("item")
        .text("instanceId", &machine.instance_id)
        .child(state(life.stage))
        .text(
            "launchTime",
            &life.launched.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        )
        .child(Element::new("placement").text("availabilityZone", &machine.availability_zone))
        .child(tags)
        .child(interfaces)
}

fn interface_item(machine: &Machine) -> Element {
    let addresses = machine.private_ips.iter().enumerate();
    let addresses = addresses.fold(Element::new("privateIpAddressesSet"), |set, (at, ip)| {
        let primary = if at == 0 { "true" } else { "false" };
        set.child(
            Element::new("item")
                .text("privateIpAddress", &ip.to_string())
                .text("primary", primary),
        )
    });
    Element::new("item")
        .text("networkInterfaceId", &machine.network_interface_id)
        .text("privateIpAddress", &machine.private_ip().to_string())
        .child(Element::new("attachment").text("deviceIndex", "0"))
        .child(addresses)
}

fn status_item(machine: &Machine, life: Life) -> Element {
    // The system under the instance is always well here; EC2 tests nothing while the instance does not run.
    let (instance, system) = match (life.stage, life.is_unreachable) {
        (Stage::Stopped | Stage::ShuttingDown | Stage::Terminated, _) => {
            (("not-applicable", None), ("not-applicable", None))
        }
        (Stage::Running, true) => (("impaired", Some("failed")), ("ok", Some("passed"))),
        (Stage::Running, false) => (("ok", Some("passed")), ("ok", Some("passed"))),
    };
    Element::new("item")
        .text("instanceId", &machine.instance_id)
        .text("availabilityZone", &machine.availability_zone)
        .child(state(life.stage))
        .child(summary("instanceStatus", instance))
        .child(summary("systemStatus", system))
}

fn state(stage: Stage) -> Element {
    let (code, word) = stage.wire();
    Element::new("instanceState").text("code", code).text("name", word)
}

fn summary(name: &str, (status, reachability): (&str, Option<&str>)) -> Element {
    let summary = Element::new(name).text("status", status);
    match reachability {
        Some(verdict) => summary.child(
            Element::new("details").child(
                Element::new("item")
                    .text("name", "reachability")
                    .text("status", verdict),
            ),
        ),
        None => summary,
    }
}
