//! A pair: its address, what its nodes may do, and the two instances.

use super::network::{named, resource, with};
use super::plan::{Node, Pair, Plan, SIDES};
use super::user_data;
use super::yaml::{Entry, Yaml, attribute, list, map, reference, substituted};

/// The tag by which a role knows the instances of its pair.
const TAG: &str = "paird-pair";

/// Everything of one pair.
pub(super) fn resources(plan: &Plan, pair: &Pair) -> Vec<Entry> {
    let prefix = pair.prefix();
    let mut resources = vec![
        with(
            with(
                resource(
                    &format!("{prefix}Address"),
                    &format!(
                        "Pair {}. Its address stays when the stack goes. Nothing here associates it: a fit node takes it.",
                        pair.name()
                    ),
                    "AWS::EC2::EIP",
                    map([("Domain", "vpc".into()), ("Tags", named(&pair.name()))]),
                ),
                "UpdateReplacePolicy",
                "Retain",
            ),
            "DeletionPolicy",
            "Retain",
        ),
        resource(
            &format!("{prefix}Role"),
            "What a node may do: look, take the address of this pair, and fetch the key. It can drop no address.",
            "AWS::IAM::Role",
            map([
                ("AssumeRolePolicyDocument", trust()),
                (
                    "Policies",
                    list([map([("PolicyName", "paird".into()), ("PolicyDocument", policy(pair))])]),
                ),
            ]),
        ),
        resource(
            &format!("{prefix}Profile"),
            "",
            "AWS::IAM::InstanceProfile",
            map([("Roles", list([reference(format!("{prefix}Role"))]))]),
        ),
    ];
    for (index, side) in SIDES.iter().enumerate() {
        let instance = instance(pair, index, side);
        // Its first boot needs the way out.
        resources.push(if plan.network.is_some() {
            let needs = ["RouteOut".to_owned(), format!("Subnet{side}Routes")];
            with(instance, "DependsOn", list(needs))
        } else {
            instance
        });
    }
    resources
}

fn instance(pair: &Pair, index: usize, side: &str) -> Entry {
    let prefix = pair.prefix();
    let (node, peer) = (&pair.nodes[index], &pair.nodes[1 - index]);
    let name = format!("{} {}", pair.name(), side.to_ascii_lowercase());
    let address = |ip: &std::net::Ipv4Addr, is_primary: bool| {
        map([
            ("PrivateIpAddress", ip.to_string().into()),
            ("Primary", is_primary.into()),
        ])
    };
    let Node { private_ip, landing } = node;
    let mut tags = named(&name);
    if let Yaml::List(tags) = &mut tags {
        tags.push(map([("Key", TAG.into()), ("Value", tag_value(pair))]));
    }
    resource(
        &format!("{prefix}Node{side}"),
        if index == 0 {
            "A public IPv4 on the primary private IP, the Elastic IP on the secondary one: the way to EC2 does not move with it."
        } else {
            ""
        },
        "AWS::EC2::Instance",
        map([
            ("ImageId", reference("ImageId")),
            ("InstanceType", reference("InstanceType")),
            ("IamInstanceProfile", reference(format!("{prefix}Profile"))),
            (
                "MetadataOptions",
                map([("HttpTokens", "required".into()), ("HttpPutResponseHopLimit", 1.into())]),
            ),
            (
                "NetworkInterfaces",
                list([map([
                    ("DeviceIndex", "0".into()),
                    ("SubnetId", reference(format!("Subnet{side}"))),
                    ("GroupSet", list([attribute("NodeGroup", "GroupId")])),
                    ("AssociatePublicIpAddress", true.into()),
                    (
                        "PrivateIpAddresses",
                        list([address(private_ip, true), address(landing, false)]),
                    ),
                ])]),
            ),
            ("Tags", tags),
            ("UserData", user_data::of(pair, node, peer)),
        ]),
    )
}

fn tag_value(pair: &Pair) -> Yaml {
    substituted(format!("${{AWS::StackName}}/{}", pair.name()))
}

fn trust() -> Yaml {
    map([
        ("Version", POLICY_VERSION.into()),
        (
            "Statement",
            list([map([
                ("Effect", "Allow".into()),
                ("Principal", map([("Service", substituted("ec2.${AWS::URLSuffix}"))])),
                ("Action", "sts:AssumeRole".into()),
            ])]),
        ),
    ])
}

/// One statement for each kind of resource that `AssociateAddress` is checked against, since a condition that fits one kind
/// would never hold for another (Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2").
/// Which kinds EC2 asks about for a call by interface is written nowhere, so all three are here.
fn policy(pair: &Pair) -> Yaml {
    let arn = |kind: &str, what: &str| {
        substituted(format!(
            "arn:${{AWS::Partition}}:ec2:${{AWS::Region}}:${{AWS::AccountId}}:{kind}/{what}"
        ))
    };
    let allow = |id: &str, actions: &[&str], resource: Yaml| {
        let actions = match actions {
            [action] => (*action).into(),
            several => list(several.iter().copied()),
        };
        vec![
            ("Sid", id.into()),
            ("Effect", "Allow".into()),
            ("Action", actions),
            ("Resource", resource),
        ]
    };
    let prefix = pair.prefix();
    let statements = [
        // `Describe…` knows no resources.
        allow("Look", &LOOK, "*".into()),
        allow(
            "TakeThisAddress",
            &[TAKE],
            arn("elastic-ip", &format!("${{{prefix}Address.AllocationId}}")),
        ),
        {
            let mut statement = allow("OnInterfacesOfTheseSubnets", &[TAKE], arn("network-interface", "*"));
            let subnets = SIDES.map(|side| arn("subnet", &format!("${{Subnet{side}}}")));
            statement.push(("Condition", map([("ArnEquals", map([("ec2:Subnet", list(subnets))]))])));
            statement
        },
        {
            let mut statement = allow("OnInstancesOfThisPair", &[TAKE], arn("instance", "*"));
            let tag = format!("aws:ResourceTag/{TAG}");
            statement.push((
                "Condition",
                map([("StringEquals", map([(tag.as_str(), tag_value(pair))]))]),
            ));
            statement
        },
        allow(
            "FetchTheKey",
            &["ssm:GetParameter"],
            substituted(format!(
                "arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter${{KeyPrefix}}/{}/key",
                pair.name()
            )),
        ),
    ];
    let statement = |entries: Vec<(&str, Yaml)>| {
        Yaml::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    comment: None,
                    key: key.to_owned(),
                    value,
                })
                .collect(),
        )
    };
    map([
        ("Version", POLICY_VERSION.into()),
        ("Statement", list(statements.map(statement))),
    ])
}

/// What the daemon reads: who holds the address, and how the peer's instance is.
const LOOK: [&str; 2] = ["ec2:DescribeAddresses", "ec2:DescribeInstanceStatus"];
/// The one call that changes something.
const TAKE: &str = "ec2:AssociateAddress";

/// The version of the policy language.
const POLICY_VERSION: &str = "2012-10-17";
