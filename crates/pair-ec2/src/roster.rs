//! Who bears a tag: the instances of a pair that finds its members, whatever has become of them.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use aws_sdk_ec2::types::{self, Filter};

use crate::address::{Address, present};
use crate::call_error::CallError;
use crate::ec2::{ADDRESSES, Connection, Ec2, unclear};
use crate::instance::InstanceState;

const INSTANCES: &str = "DescribeInstances";

/// Instances on one page of an answer: a pair has two, and what it was before.
const PAGE: i32 = 100;

/// The most pages that are read: a tag on more instances than they hold is no pair's.
const PAGES: usize = 10;

/// One tag of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its key; EC2 tells upper case from lower.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// An instance that bears a tag, as one `DescribeInstances` said. EC2 lists a terminated one for about an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedInstance {
    /// `i-…`.
    pub instance_id: String,
    /// Its availability zone.
    pub availability_zone: String,
    /// Its state.
    pub state: InstanceState,
    /// When it was last started, in seconds since 1970: a new start of a stopped instance counts.
    pub launched_at_s: i64,
    /// The private addresses of its first interface (device index 0), the primary one first, the others in their order as numbers.
    /// Empty once it is terminated.
    pub private_ips: Vec<Ipv4Addr>,
}

impl Ec2 {
    /// Reads which instances bear the tag, in whatever state, page by page; `timeout` counts for all pages together.
    ///
    /// # Errors
    /// [`CallError`]. An error never means that there are none; nor does an answer prove it: reads are eventually consistent.
    pub async fn tagged_instances(
        &self,
        tag: &Tag,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Vec<TaggedInstance>, CallError> {
        let started = Instant::now();
        let mut found = Vec::new();
        let mut next = None;
        for _ in 0..PAGES {
            let left = timeout.saturating_sub(started.elapsed());
            let output = self
                .attempt(INSTANCES, left, connection, async |client, journey| {
                    client
                        .describe_instances()
                        .filters(tag.filter())
                        .max_results(PAGE)
                        .set_next_token(next.clone())
                        .customize()
                        .interceptor(journey)
                        .send()
                        .await
                })
                .await?;
            let instances = output.reservations().iter().flat_map(types::Reservation::instances);
            for instance in instances {
                found.push(TaggedInstance::from_sdk(instance).map_err(|cause| unclear(INSTANCES, cause))?);
            }
            next = present(output.next_token());
            if next.is_none() {
                return Ok(found);
            }
        }
        Err(unclear(
            INSTANCES,
            format!("more than {} instances bear the tag", found.len()),
        ))
    }

    /// Reads which Elastic IPs bear the tag.
    ///
    /// # Errors
    /// [`CallError`]. An error never means that there are none.
    pub async fn tagged_addresses(
        &self,
        tag: &Tag,
        timeout: Duration,
        connection: Connection,
    ) -> Result<Vec<Address>, CallError> {
        let output = self
            .attempt(ADDRESSES, timeout, connection, async |client, journey| {
                client
                    .describe_addresses()
                    .filters(tag.filter())
                    .customize()
                    .interceptor(journey)
                    .send()
                    .await
            })
            .await?;
        let read = output.addresses().iter().map(Address::from_sdk);
        read.collect::<Result<_, _>>()
            .map_err(|cause| unclear(ADDRESSES, cause))
    }
}

impl Tag {
    fn filter(&self) -> Filter {
        Filter::builder()
            .name(format!("tag:{}", self.key))
            .values(&self.value)
            .build()
    }
}

impl TaggedInstance {
    /// Reads an instance out of EC2's answer, or says what the answer lacks.
    pub(crate) fn from_sdk(instance: &types::Instance) -> Result<Self, String> {
        let instance_id = present(instance.instance_id()).ok_or("an instance without id")?;
        let lacks = |what: &str| format!("{instance_id} without {what}");
        let availability_zone = instance
            .placement()
            .and_then(|placement| present(placement.availability_zone()))
            .ok_or_else(|| lacks("availability zone"))?;
        let launched_at = instance.launch_time().ok_or_else(|| lacks("launch time"))?;
        let state = instance
            .state()
            .and_then(types::InstanceState::name)
            .map_or(InstanceState::Unknown, InstanceState::from_sdk);
        Ok(Self {
            availability_zone,
            state,
            launched_at_s: launched_at.secs(),
            private_ips: private_ips(instance)?,
            instance_id,
        })
    }

    /// Whether it runs, or is about to: whatever else it is, it has a place that nobody else can have.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        match self.state {
            InstanceState::Pending | InstanceState::Running | InstanceState::Unknown => true,
            InstanceState::Stopping
            | InstanceState::Stopped
            | InstanceState::ShuttingDown
            | InstanceState::Terminated => false,
        }
    }
}

fn private_ips(instance: &types::Instance) -> Result<Vec<Ipv4Addr>, String> {
    let first = instance.network_interfaces().iter().find(|interface| {
        interface
            .attachment()
            .is_some_and(|attachment| attachment.device_index() == Some(0))
    });
    let Some(first) = first else { return Ok(Vec::new()) };
    let mut addresses = Vec::new();
    for address in first.private_ip_addresses() {
        let Some(text) = present(address.private_ip_address()) else {
            continue;
        };
        let ip: Ipv4Addr = text.parse().map_err(|_| format!("{text:?} as an IPv4 address"))?;
        addresses.push((address.primary() != Some(true), ip));
    }
    addresses.sort_unstable();
    Ok(addresses.into_iter().map(|(_, ip)| ip).collect())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime;

    use super::*;

    fn address(ip: &str, primary: bool) -> types::InstancePrivateIpAddress {
        types::InstancePrivateIpAddress::builder()
            .private_ip_address(ip)
            .primary(primary)
            .build()
    }

    fn interface(index: i32, addresses: &[(&str, bool)]) -> types::InstanceNetworkInterface {
        let attachment = types::InstanceNetworkInterfaceAttachment::builder()
            .device_index(index)
            .build();
        let addresses = addresses.iter().map(|(ip, primary)| address(ip, *primary)).collect();
        types::InstanceNetworkInterface::builder()
            .attachment(attachment)
            .set_private_ip_addresses(Some(addresses))
            .build()
    }

    fn instance(state: types::InstanceStateName) -> types::builders::InstanceBuilder {
        let placement = types::Placement::builder().availability_zone("us-east-1a").build();
        types::Instance::builder()
            .instance_id("i-1")
            .placement(placement)
            .launch_time(DateTime::from_secs(1_700_000_000))
            .state(types::InstanceState::builder().name(state).build())
    }

    #[test]
    fn the_addresses_are_those_of_the_first_interface_and_the_primary_one_comes_first() {
        let instance = instance(types::InstanceStateName::Running)
            .network_interfaces(interface(1, &[("10.0.9.9", true)]))
            .network_interfaces(interface(
                0,
                &[("10.0.1.12", false), ("10.0.1.20", true), ("10.0.1.3", false)],
            ))
            .build();
        let tagged = TaggedInstance::from_sdk(&instance).unwrap();
        let ips: [Ipv4Addr; 3] = ["10.0.1.20", "10.0.1.3", "10.0.1.12"].map(|ip| ip.parse().unwrap());
        assert_eq!(tagged.private_ips, ips);
        assert_eq!(tagged.launched_at_s, 1_700_000_000);
        assert!(tagged.is_alive());
    }

    #[test]
    fn who_is_on_its_way_down_is_not_alive_and_has_perhaps_no_address_left() {
        use types::InstanceStateName::{Pending, ShuttingDown, Stopped, Stopping, Terminated};
        for state in [ShuttingDown, Stopped, Stopping, Terminated] {
            let tagged = TaggedInstance::from_sdk(&instance(state.clone()).build()).unwrap();
            assert!(!tagged.is_alive(), "{state:?}");
            assert_eq!(tagged.private_ips, Vec::<Ipv4Addr>::new());
        }
        assert!(TaggedInstance::from_sdk(&instance(Pending).build()).unwrap().is_alive());
    }

    #[test]
    fn an_answer_that_lacks_what_tells_members_apart_is_no_answer() {
        let lacking = types::Instance::builder().instance_id("i-1").build();
        assert_eq!(
            TaggedInstance::from_sdk(&lacking),
            Err("i-1 without availability zone".to_owned())
        );
    }
}
