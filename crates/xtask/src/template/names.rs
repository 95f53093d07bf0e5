//! The name of the fleet in Route 53: one record with all addresses, or a record with a health check for each.

use super::network::{resource, with};
use super::plan::Plan;
use super::yaml::{Entry, list, map, reference};

/// How long resolvers may keep an answer, in seconds. An address stays when its pair fails over, so this only bounds how long
/// clients try one whose whole pair is dead, or miss a new one; docs/DNS.md weighs it.
const TTL: &str = "60";

/// Both kinds, each under its condition.
pub(super) fn resources(plan: &Plan) -> Vec<Entry> {
    let address = |prefix: &str| reference(format!("{prefix}Address"));
    let mut resources = vec![with(
        resource(
            "Name",
            "One name with all addresses. Clients that know of several try the next one when the first does not answer.",
            "AWS::Route53::RecordSet",
            map([
                ("HostedZoneId", reference("HostedZoneId")),
                ("Name", reference("RecordName")),
                ("Type", "A".into()),
                ("TTL", TTL.into()),
                (
                    "ResourceRecords",
                    list(plan.pairs.iter().map(|pair| address(&pair.prefix()))),
                ),
            ]),
        ),
        "Condition",
        "HasOneRecord",
    )];
    for pair in &plan.pairs {
        let prefix = pair.prefix();
        resources.push(with(
            resource(
                &format!("{prefix}Health"),
                "",
                "AWS::Route53::HealthCheck",
                map([(
                    "HealthCheckConfig",
                    map([
                        ("Type", "HTTP".into()),
                        ("IPAddress", address(&prefix)),
                        ("Port", 8404.into()),
                        ("ResourcePath", "/health".into()),
                        // Slower than any failover within the pair, which is not its business.
                        ("RequestInterval", 30.into()),
                        ("FailureThreshold", 3.into()),
                    ]),
                )]),
            ),
            "Condition",
            "HasRecordEach",
        ));
        resources.push(with(
            resource(
                &format!("{prefix}Name"),
                "",
                "AWS::Route53::RecordSet",
                map([
                    ("HostedZoneId", reference("HostedZoneId")),
                    ("Name", reference("RecordName")),
                    ("Type", "A".into()),
                    ("TTL", TTL.into()),
                    ("SetIdentifier", pair.name().into()),
                    ("MultiValueAnswer", true.into()),
                    ("HealthCheckId", reference(format!("{prefix}Health"))),
                    ("ResourceRecords", list([address(&prefix)])),
                ]),
            ),
            "Condition",
            "HasRecordEach",
        ));
    }
    resources
}
