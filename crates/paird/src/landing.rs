//! Whether an Elastic IP could land on this host (rule F-21).
//!
//! EC2 moves an address onto a private IP without asking whether the host has that IP configured or anything listens on it;
//! packets are then dropped, and nothing reports it. So a node looks before it calls itself ready.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection to an address of this host may take; the kernel refuses in microseconds.
const CONNECT_MAX: Duration = Duration::from_millis(250);

/// An address configured on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAddress {
    /// The address.
    pub address: IpAddr,
    /// Which of its bits name the network; `None` where the interface does not say.
    pub netmask: Option<IpAddr>,
    /// Whether it stands on a loopback interface.
    pub is_loopback: bool,
}

/// Why an address could not land here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Which of the few.
    pub kind: ObstacleKind,
    /// What is wrong and what to do about it.
    pub detail: String,
}

/// The ways in which an address cannot land.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObstacleKind {
    /// The private IP is on no interface.
    AddressNotOnHost,
    /// The private IP is there, but connections to the probed port are refused.
    NothingListens,
}

impl ObstacleKind {
    /// Its stable name for machines.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::AddressNotOnHost => "address-not-on-host",
            Self::NothingListens => "nothing-listens",
        }
    }
}

/// Lists the addresses of every interface that is up.
///
/// # Errors
/// When the kernel's list cannot be read.
pub fn local_addresses() -> io::Result<Vec<LocalAddress>> {
    Ok(getifaddrs()?
        .filter_map(|interface| local_address(&interface))
        .collect())
}

/// Lists why an Elastic IP could not land on `private_ip` of this host, which has the addresses `local`, for a service on
/// `port` (`None`: no port is known, so none is asked). Empty means that it can. Takes a quarter of a second at most.
pub async fn obstacles(private_ip: Ipv4Addr, port: Option<u16>, local: &[LocalAddress]) -> Vec<Obstacle> {
    if !is_local(private_ip.into(), local) {
        let detail = format!("{private_ip} is on no interface of this host: configure it in the operating system");
        return vec![Obstacle {
            kind: ObstacleKind::AddressNotOnHost,
            detail,
        }];
    }
    let Some(port) = port else { return Vec::new() };
    // Only a refusal is proof that nobody listens: a full queue, which times out, belongs to somebody.
    let target = SocketAddr::from((private_ip, port));
    match timeout(CONNECT_MAX, TcpStream::connect(target)).await {
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            let detail = format!("nothing listens on {target}: bind the service to it or to every address");
            vec![Obstacle {
                kind: ObstacleKind::NothingListens,
                detail,
            }]
        }
        Ok(Ok(_) | Err(_)) | Err(_) => Vec::new(),
    }
}

/// Whether the host answers for `address`: it is configured, or lies in the network of a loopback interface, which owns its
/// whole prefix (127.0.1.10 is local wherever 127.0.0.1/8 is).
#[must_use]
pub fn is_local(address: IpAddr, local: &[LocalAddress]) -> bool {
    local.iter().any(|entry| {
        entry.address == address || (entry.is_loopback && is_in_network(address, entry.address, entry.netmask))
    })
}

fn is_in_network(address: IpAddr, of: IpAddr, netmask: Option<IpAddr>) -> bool {
    match (address, of, netmask) {
        (IpAddr::V4(address), IpAddr::V4(of), Some(IpAddr::V4(mask))) => {
            address.to_bits() & mask.to_bits() == of.to_bits() & mask.to_bits()
        }
        // An IPv6 loopback is one address, whatever its mask says; mixed families never match.
        (IpAddr::V4(_) | IpAddr::V6(_), IpAddr::V4(_) | IpAddr::V6(_), _) => false,
    }
}

fn local_address(interface: &InterfaceAddress) -> Option<LocalAddress> {
    interface.flags.contains(InterfaceFlags::IFF_UP).then_some(())?;
    Some(LocalAddress {
        address: ip_of(interface.address.as_ref()?)?,
        netmask: interface.netmask.as_ref().and_then(ip_of),
        is_loopback: interface.flags.contains(InterfaceFlags::IFF_LOOPBACK),
    })
}

fn ip_of(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn entry(address: [u8; 4], netmask: [u8; 4], is_loopback: bool) -> LocalAddress {
        LocalAddress {
            address: address.into(),
            netmask: Some(netmask.into()),
            is_loopback,
        }
    }

    #[test]
    fn a_loopback_interface_owns_its_prefix_and_another_only_its_address() {
        let local = [
            entry([127, 0, 0, 1], [255, 0, 0, 0], true),
            entry([10, 0, 1, 10], [255, 255, 255, 0], false),
        ];
        for (address, expected) in [
            ([127, 0, 1, 10], true),
            ([10, 0, 1, 10], true),
            ([10, 0, 1, 11], false),
            ([128, 0, 0, 1], false),
        ] {
            assert_eq!(is_local(address.into(), &local), expected, "{address:?}");
        }
        assert!(!is_local("::1".parse().expect("literal"), &local));
    }

    #[test]
    fn this_host_has_its_loopback_address() {
        let local = local_addresses().expect("readable");
        let loopback = local
            .iter()
            .find(|entry| entry.address == IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert!(loopback.is_some_and(|entry| entry.is_loopback), "{local:?}");
        assert!(is_local([127, 0, 1, 10].into(), &local));
    }

    #[tokio::test]
    async fn an_address_that_is_not_here_is_named() {
        let found = obstacles(
            Ipv4Addr::new(192, 0, 2, 1),
            Some(80),
            &local_addresses().expect("readable"),
        )
        .await;
        let [obstacle] = &found[..] else { panic!("{found:?}") };
        assert_eq!(obstacle.kind.id(), "address-not-on-host");
        assert_eq!(
            obstacle.detail,
            "192.0.2.1 is on no interface of this host: configure it in the operating system"
        );
    }

    #[tokio::test]
    async fn a_port_nobody_listens_on_is_named_and_one_with_a_listener_is_not() {
        let address = Ipv4Addr::new(127, 0, 1, 10);
        let local = local_addresses().expect("readable");
        let listener = TcpListener::bind((address, 0)).await.expect("bind");
        let port = listener.local_addr().expect("address").port();
        assert_eq!(obstacles(address, Some(port), &local).await, []);
        assert_eq!(obstacles(address, None, &local).await, []);
        drop(listener);
        let found = obstacles(address, Some(port), &local).await;
        let [obstacle] = &found[..] else { panic!("{found:?}") };
        assert_eq!(obstacle.kind.id(), "nothing-listens");
    }
}
