//! A world created in moto by plain calls.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use crate::query_client::{QueryClient, QueryError, required};
use crate::upstream::ADMIN_KEY;
use crate::world::{ACCOUNT_ID, Machine, NodeSpec, REGION, World};

/// Creates the nodes, a machine outside the pair, and an address that is `public_ip` or of moto's choice (a loopback
/// one), and gives their ids.
///
/// Each machine has a subnet of its own in its zone, just large enough for its primary address, so loopback addresses
/// side by side can be in different zones: AWS would refuse such subnets, moto does not. Secondary addresses are put
/// on the interface, but moto reports any association on the primary one.
///
/// # Errors
/// [`QueryError`] of the first call that failed; what was created before stays.
pub async fn create_world(
    moto: SocketAddr,
    nodes: &[NodeSpec],
    public_ip: Option<Ipv4Addr>,
) -> Result<World, QueryError> {
    let client = QueryClient::new(moto, ADMIN_KEY);
    let mut networks = BTreeMap::new();
    let outside = create_machine(&client, &mut networks, 0, &NodeSpec::outside()).await?;
    let mut machines = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        machines.push(create_machine(&client, &mut networks, at + 1, node).await?);
    }
    let chosen = public_ip.map(|ip| ip.to_string());
    let mut params = vec![("Domain", "vpc")];
    params.extend(chosen.as_deref().map(|ip| ("Address", ip)));
    let allocated = client.call("AllocateAddress", &params).await?;
    let public_ip = required(&allocated, "AllocateAddress", "publicIp")?;
    Ok(World {
        account_id: ACCOUNT_ID.to_owned(),
        region: REGION.to_owned(),
        allocation_id: required(&allocated, "AllocateAddress", "allocationId")?,
        public_ip: public_ip
            .parse()
            .map_err(|_| unreadable("AllocateAddress", "a valid publicIp"))?,
        nodes: machines,
        outside,
    })
}

/// Adds an address to the account and gives its allocation id.
pub(crate) async fn allocate(client: &QueryClient, public_ip: Ipv4Addr) -> Result<String, QueryError> {
    let params = [("Domain", "vpc"), ("Address", &public_ip.to_string())];
    client.call_for("AllocateAddress", &params, "allocationId").await
}

async fn create_machine(
    client: &QueryClient,
    networks: &mut BTreeMap<[u8; 2], String>,
    index: usize,
    node: &NodeSpec,
) -> Result<Machine, QueryError> {
    let [first, second, ..] = node.private_ip.octets();
    let network = match networks.get(&[first, second]) {
        Some(network) => network.clone(),
        None => {
            let block = format!("{first}.{second}.0.0/16");
            let network = client.call_for("CreateVpc", &[("CidrBlock", &block)], "vpcId").await?;
            networks.insert([first, second], network.clone());
            network
        }
    };
    let private_ip = node.private_ip.to_string();
    let block = format!("{private_ip}/32");
    let params = [
        ("VpcId", network.as_str()),
        ("CidrBlock", &block),
        ("AvailabilityZone", &node.availability_zone),
    ];
    let subnet_id = client.call_for("CreateSubnet", &params, "subnetId").await?;
    let params = [
        ("ImageId", "ami-12345678"),
        ("InstanceType", "t3.micro"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("SubnetId", &subnet_id),
        ("PrivateIpAddress", &private_ip),
    ];
    let started = client.call("RunInstances", &params).await?;
    let network_interface_id = required(&started, "RunInstances", "networkInterfaceId")?;
    for extra in &node.extra_private_ips {
        let params = [
            ("NetworkInterfaceId", network_interface_id.as_str()),
            ("PrivateIpAddress.1", &extra.to_string()),
        ];
        client.call("AssignPrivateIpAddresses", &params).await?;
    }
    Ok(Machine {
        name: node.name.clone(),
        instance_id: required(&started, "RunInstances", "instanceId")?,
        network_interface_id,
        subnet_id,
        mac: required(&started, "RunInstances", "macAddress")?.to_lowercase(),
        private_ips: node.private_ips(),
        availability_zone: node.availability_zone.clone(),
        access_key_id: Machine::access_key_for(index),
    })
}

fn unreadable(action: &str, missing: &str) -> QueryError {
    QueryError::Unreadable {
        action: action.to_owned(),
        missing: missing.to_owned(),
    }
}
