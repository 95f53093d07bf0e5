//! What whoever creates the stack has to say, or may.

use super::plan::{Plan, SIDES};
use super::yaml::{Entry, Yaml, list, reference, tagged};

/// The parameters, those without a default first.
pub(super) fn parameters(plan: &Plan) -> Vec<Entry> {
    let mut parameters = vec![
        parameter(
            "ImageId",
            "Image of Debian 12. Fixed on purpose, since another one would replace all instances at once.",
            "AWS::EC2::Image::Id",
            &[],
        ),
        parameter(
            "PackageUrl",
            "Where the nodes fetch paird's Debian package from.",
            "String",
            &[("AllowedPattern", "https://[^']+".into())],
        ),
        parameter(
            "PackageSha256",
            "What the package must be.",
            "String",
            &[("AllowedPattern", "[0-9a-f]{64}".into())],
        ),
        parameter(
            "Backend",
            "Address and port that HAProxy passes requests to, until a configuration of your own is on the nodes.",
            "String",
            &[("AllowedPattern", "[0-9A-Za-z.-]+:[0-9]+".into())],
        ),
    ];
    if plan.network.is_none() {
        parameters.push(parameter("Vpc", "Network of the subnets.", "AWS::EC2::VPC::Id", &[]));
        for (side, block) in SIDES.iter().zip(plan.subnets) {
            let description = format!("Public subnet {block}; the two are in different zones.");
            parameters.push(parameter(
                &format!("Subnet{side}"),
                &description,
                "AWS::EC2::Subnet::Id",
                &[],
            ));
        }
    }
    parameters.extend([
        parameter(
            "KeyPrefix",
            "Where the keys are in the Parameter Store, as SecureString, such as /paird/lb-1/key; one for each pair.",
            "String",
            &[("Default", "/paird".into()), ("AllowedPattern", "/.*[^/]".into())],
        ),
        parameter(
            "InstanceType",
            "Type of all instances. One without CPU credits, since a host without them misses heartbeats.",
            "String",
            &[("Default", "c6i.large".into())],
        ),
        parameter(
            "ClientCidr",
            "Who may reach ports 80 and 443.",
            "String",
            &[("Default", "0.0.0.0/0".into())],
        ),
        parameter(
            "ProbeCidr",
            "Who may reach the health port 8404 from outside. The nodes probe the Elastic IP from public addresses that change \
             when they are stopped, and Route 53 from many.",
            "String",
            &[("Default", "0.0.0.0/0".into())],
        ),
        parameter(
            "WitnessCidr",
            "Where witnesses outside of the fleet are, such as 10.0.3.10/32, which opens UDP 7695 to them; empty for none.",
            "String",
            &[
                ("Default", "".into()),
                ("AllowedPattern", "([0-9]{1,3}[.]){3}[0-9]{1,3}/[0-9]{1,2}|".into()),
            ],
        ),
        parameter(
            "InterfaceEndpoint",
            "Whether the EC2 API is also reached without the internet gateway.",
            "String",
            &[
                ("Default", "no".into()),
                ("AllowedValues", list(["no", "yes"])),
            ],
        ),
        parameter(
            "HostedZoneId",
            "Zone of Route 53 that gets the name; empty for no name.",
            "String",
            &[("Default", "".into())],
        ),
        parameter(
            "RecordName",
            "The name that has all addresses.",
            "String",
            &[("Default", "".into())],
        ),
        parameter(
            "RecordKind",
            "One record with all addresses, or an answer with those whose health check passes.",
            "String",
            &[
                ("Default", "values".into()),
                ("AllowedValues", list(["values", "multivalue"])),
            ],
        ),
    ]);
    if plan.has_witnesses() {
        parameters.push(parameter(
            "FleetWitnesses",
            "Whether nodes bear witness for other pairs, which opens UDP 7695 between all nodes.",
            "String",
            &[("Default", "no".into()), ("AllowedValues", list(["no", "yes"]))],
        ));
    }
    parameters
}

/// What depends on the parameters.
pub(super) fn conditions(plan: &Plan) -> Yaml {
    let is = |name: &str, value: &str| tagged("!Equals", list([reference(name), value.into()]));
    let is_given = |name: &str| tagged("!Not", list([is(name, "")]));
    let has_record = |kind: &str| tagged("!And", list([is_given("HostedZoneId"), is("RecordKind", kind)]));
    let mut conditions = vec![
        entry("HasEndpoint", is("InterfaceEndpoint", "yes")),
        entry("HasOneRecord", has_record("values")),
        entry("HasRecordEach", has_record("multivalue")),
        entry("HasOtherWitnesses", is_given("WitnessCidr")),
    ];
    if plan.has_witnesses() {
        conditions.push(entry("HasFleetWitnesses", is("FleetWitnesses", "yes")));
    }
    Yaml::Map(conditions)
}

fn parameter(name: &str, description: &str, kind: &str, more: &[(&str, Yaml)]) -> Entry {
    let mut entries = vec![("Type", kind.into()), ("Description", description.into())];
    entries.extend(more.iter().cloned());
    let entries = entries.into_iter().map(|(key, value)| entry(key, value));
    entry(name, Yaml::Map(entries.collect()))
}

fn entry(key: &str, value: Yaml) -> Entry {
    Entry {
        comment: None,
        key: key.to_owned(),
        value,
    }
}
