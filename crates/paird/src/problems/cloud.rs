//! What EC2 and IMDS give to complain about: the same words for a status and for an examination.

use std::net::Ipv4Addr;

use pair_ec2::{Address, CallError};
use pair_wire::control::Problem;

use super::{critical, degraded};

/// IMDS does not answer.
#[must_use]
pub fn imds_unreachable(error: &str) -> Problem {
    degraded(
        "imds-unreachable",
        format!("IMDS does not answer: {error}"),
        "enable IMDSv2 for the instance (hop limit 1 is enough) and allow 169.254.169.254 in local firewalls",
    )
}

/// Nothing is there to sign calls with.
#[must_use]
pub fn no_role(error: &str) -> Problem {
    degraded(
        "no-role",
        format!("there are no credentials: {error}"),
        "attach an instance profile with a role that allows ec2:AssociateAddress and ec2:DescribeAddresses",
    )
}

/// No interface of the instance has the private IP.
#[must_use]
pub fn no_interface(private_ip: Ipv4Addr) -> Problem {
    degraded(
        "no-interface",
        format!("no interface of this instance has {private_ip}, on which the address lands"),
        "correct node.addresses or address.private_ips, or assign the private IP to an interface",
    )
}

/// EC2 cannot be asked, or does not say what was asked.
#[must_use]
pub fn ec2_unreadable(error: &str) -> Problem {
    degraded(
        "ec2-unreadable",
        format!("the rehearsal of a takeover failed: {error}"),
        "check the route to EC2 (public IP, NAT or interface endpoint), and the security group of an interface endpoint",
    )
}

/// A call of a rehearsal failed.
#[must_use]
pub fn of_call(error: &CallError) -> Problem {
    match error {
        CallError::Denied { .. } => degraded(
            "ec2-denied",
            format!("this node may not take the address: {error}"),
            "attach an instance role that allows ec2:AssociateAddress and ec2:DescribeAddresses, and with takeover.strict \
             ec2:DisassociateAddress",
        ),
        CallError::Gone { reply, .. } if reply.code.is_empty() || reply.code.starts_with("InvalidAllocationID") => {
            critical(
                "allocation-unknown",
                format!("EC2 knows no such address: {error}"),
                "correct address.allocation_id, or the region (ec2.region): an allocation belongs to one region and account",
            )
        }
        CallError::NoCredentials { cause, .. } => no_role(cause),
        CallError::Gone { .. }
        | CallError::Throttled { .. }
        | CallError::AlreadyAssociated { .. }
        | CallError::Retry { .. }
        | CallError::Unclear { .. }
        | CallError::Unanswered { .. } => ec2_unreadable(&error.to_string()),
    }
}

/// Another address is where the pair's would land.
#[must_use]
pub fn place_taken(neighbour: &Address) -> Problem {
    degraded(
        "place-taken",
        format!(
            "{} ({}) is on the private IP on which the address would land: it would be knocked off",
            neighbour.public_ip, neighbour.allocation_id
        ),
        "give the pair's address a private IP of its own on each node (address.private_ips), or move the other one away",
    )
}

/// Somebody outside the pair holds the address.
#[must_use]
pub fn held_by_stranger(holder: Option<&str>) -> Problem {
    critical(
        "held-by-stranger",
        match holder {
            Some(holder) => format!("the address is held by {holder}, outside the pair"),
            None => "the address is held outside the pair".to_owned(),
        },
        "paird never touches it: move it to a node of the pair by hand, or correct the allocation id",
    )
}

/// A node holds the address, and not where it should.
#[must_use]
pub fn misplaced(node: &str) -> Problem {
    critical(
        "misplaced",
        format!("the address is on a wrong interface or private IP of {node}"),
        "move it by hand to the configured private IP, or correct address.private_ips",
    )
}

/// The environment of the process sends the calls elsewhere.
#[must_use]
pub fn redirected(service: &str, url: &str, variable: &str) -> Problem {
    degraded(
        "endpoint-redirected",
        format!("{variable} sends calls of {service} to {url}"),
        "unset the variable; if it is meant, write ec2.endpoint or ec2.imds_endpoint into the configuration",
    )
}

/// How far a clock may be off, in seconds. Signatures are good for five minutes (AWS General Reference, "Signing AWS API
/// requests"); a minute is no jitter of the network, and leaves time to set it right.
const CLOCK_OFF_S: u64 = 60;

/// This host's clock is that many seconds ahead of EC2's, if that is too much.
#[must_use]
pub fn of_clock(ahead_s: i64) -> Option<Problem> {
    if ahead_s.unsigned_abs() <= CLOCK_OFF_S {
        return None;
    }
    let off = humantime::format_duration(std::time::Duration::from_secs(ahead_s.unsigned_abs()));
    let way = if ahead_s < 0 { "behind" } else { "ahead of" };
    Some(degraded(
        "clock-off",
        format!("this host's clock is {off} {way} EC2's, and EC2 refuses what is signed five minutes off"),
        "let chrony or systemd-timesyncd follow 169.254.169.123, and step the clock",
    ))
}
