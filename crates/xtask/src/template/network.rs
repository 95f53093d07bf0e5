//! What all pairs share: two public subnets, who may send what to whom, and a way to EC2 that needs no internet.

use super::plan::{Plan, SIDES};
use super::yaml::{Entry, Yaml, list, map, reference, substituted, tagged};

/// The network, unless it is there already, the security groups and the endpoint.
pub(super) fn resources(plan: &Plan) -> Vec<Entry> {
    let mut resources = Vec::new();
    if plan.network.is_some() {
        resources.extend(network(plan));
    }
    resources.extend(groups());
    resources.extend(witnesses(plan));
    resources.extend(endpoint());
    resources
}

/// A resource with a comment, which may be empty.
pub(super) fn resource(name: &str, comment: &str, kind: &str, properties: Yaml) -> Entry {
    Entry {
        comment: (!comment.is_empty()).then(|| comment.to_owned()),
        key: name.to_owned(),
        value: map([("Type", kind.into()), ("Properties", properties)]),
    }
}

/// Adds an attribute such as `Condition` in front of a resource's properties.
pub(super) fn with(mut resource: Entry, attribute: &str, value: impl Into<Yaml>) -> Entry {
    if let Yaml::Map(entries) = &mut resource.value {
        let entry = Entry {
            comment: None,
            key: attribute.to_owned(),
            value: value.into(),
        };
        entries.insert(1, entry);
    }
    resource
}

/// The tag that people see in the console.
pub(super) fn named(name: &str) -> Yaml {
    list([map([
        ("Key", "Name".into()),
        ("Value", substituted(format!("${{AWS::StackName}} {name}"))),
    ])])
}

fn network(plan: &Plan) -> Vec<Entry> {
    let block = plan.network.map(|block| block.to_string()).unwrap_or_default();
    let mut resources = vec![
        resource(
            "Vpc",
            "A public network: the nodes are reached from outside, and reach EC2 by their own public IPv4.",
            "AWS::EC2::VPC",
            map([
                ("CidrBlock", block.into()),
                // Both for the private name of an interface endpoint.
                ("EnableDnsSupport", true.into()),
                ("EnableDnsHostnames", true.into()),
                ("Tags", named("network")),
            ]),
        ),
        resource(
            "Gateway",
            "",
            "AWS::EC2::InternetGateway",
            map([("Tags", named("gateway"))]),
        ),
        resource(
            "GatewayAttachment",
            "",
            "AWS::EC2::VPCGatewayAttachment",
            map([("VpcId", reference("Vpc")), ("InternetGatewayId", reference("Gateway"))]),
        ),
        resource(
            "Routes",
            "",
            "AWS::EC2::RouteTable",
            map([("VpcId", reference("Vpc")), ("Tags", named("routes"))]),
        ),
        with(
            resource(
                "RouteOut",
                "",
                "AWS::EC2::Route",
                map([
                    ("RouteTableId", reference("Routes")),
                    ("DestinationCidrBlock", "0.0.0.0/0".into()),
                    ("GatewayId", reference("Gateway")),
                ]),
            ),
            "DependsOn",
            "GatewayAttachment",
        ),
    ];
    for (index, (side, block)) in (0_u32..).zip(SIDES.iter().zip(plan.subnets)) {
        let zone = match &plan.zones {
            Some(zones) => zones[usize::from(index == 1)].as_str().into(),
            None => tagged("!Select", list([index.into(), tagged("!GetAZs", "")])),
        };
        resources.push(resource(
            &format!("Subnet{side}"),
            "",
            "AWS::EC2::Subnet",
            map([
                ("VpcId", reference("Vpc")),
                ("CidrBlock", block.to_string().into()),
                ("AvailabilityZone", zone),
                ("Tags", named(&format!("subnet {side}"))),
            ]),
        ));
        resources.push(resource(
            &format!("Subnet{side}Routes"),
            "",
            "AWS::EC2::SubnetRouteTableAssociation",
            map([
                ("SubnetId", reference(format!("Subnet{side}"))),
                ("RouteTableId", reference("Routes")),
            ]),
        ));
    }
    resources
}

fn groups() -> Vec<Entry> {
    let port = |number: u32, cidr: &str, why: &str| {
        map([
            ("IpProtocol", "tcp".into()),
            ("FromPort", number.into()),
            ("ToPort", number.into()),
            ("CidrIp", reference(cidr)),
            ("Description", why.into()),
        ])
    };
    vec![
        resource(
            "NodeGroup",
            "What reaches the nodes from outside. No port is open for people.",
            "AWS::EC2::SecurityGroup",
            map([
                ("GroupDescription", "Nodes of the fleet".into()),
                ("VpcId", reference("Vpc")),
                (
                    "SecurityGroupIngress",
                    list([
                        port(80, "ClientCidr", "Clients"),
                        port(443, "ClientCidr", "Clients"),
                        port(8404, "ProbeCidr", "Probes of the Elastic IP"),
                    ]),
                ),
                ("Tags", named("nodes")),
            ]),
        ),
        resource(
            "Heartbeats",
            "Heartbeats come from nodes of the fleet and from nobody else.",
            "AWS::EC2::SecurityGroupIngress",
            within("udp", 7694, "Heartbeats"),
        ),
        resource(
            "Probes",
            "A node asks its peer's health frontend at its private address, whoever may do so from outside.",
            "AWS::EC2::SecurityGroupIngress",
            within("tcp", 8404, "Probes of the peer"),
        ),
        resource(
            "Refusals",
            "Port unreachable, by which a node learns at once that the peer's agent is gone.",
            "AWS::EC2::SecurityGroupIngress",
            within("icmp", 3, "Port unreachable"),
        ),
    ]
}

/// The port of `[witness]`, closed unless a parameter opens it: nobody has to be able to send what nobody answers.
fn witnesses(plan: &Plan) -> Vec<Entry> {
    let mut rules = Vec::new();
    if plan.has_witnesses() {
        let among = resource(
            "WitnessesWithin",
            "Questions about a silent peer, by way of nodes of the other pairs, and what they pass on.",
            "AWS::EC2::SecurityGroupIngress",
            within("udp", 7695, "Witnesses of the fleet"),
        );
        rules.push(with(among, "Condition", "HasFleetWitnesses"));
    }
    let elsewhere = resource(
        "WitnessesElsewhere",
        "What witnesses outside of the fleet pass on comes as a question of theirs, so answers alone are not enough.",
        "AWS::EC2::SecurityGroupIngress",
        ingress("udp", 7695, "Witnesses elsewhere", ("CidrIp", reference("WitnessCidr"))),
    );
    rules.push(with(elsewhere, "Condition", "HasOtherWitnesses"));
    rules
}

/// What the nodes of the fleet may send each other.
fn within(protocol: &str, port: u32, why: &str) -> Yaml {
    let nodes = tagged("!GetAtt", "NodeGroup.GroupId");
    ingress(protocol, port, why, ("SourceSecurityGroupId", nodes))
}

/// What a source may send the nodes at a port, or as ICMP of a type.
fn ingress(protocol: &str, port: u32, why: &str, source: (&str, Yaml)) -> Yaml {
    map([
        ("GroupId", tagged("!GetAtt", "NodeGroup.GroupId")),
        source,
        ("IpProtocol", protocol.into()),
        ("FromPort", port.into()),
        ("ToPort", port.into()),
        ("Description", why.into()),
    ])
}

fn endpoint() -> Vec<Entry> {
    vec![
        with(
            resource(
                "EndpointGroup",
                "",
                "AWS::EC2::SecurityGroup",
                map([
                    ("GroupDescription", "Endpoint of the EC2 API".into()),
                    ("VpcId", reference("Vpc")),
                    (
                        "SecurityGroupIngress",
                        list([map([
                            ("IpProtocol", "tcp".into()),
                            ("FromPort", 443.into()),
                            ("ToPort", 443.into()),
                            ("SourceSecurityGroupId", tagged("!GetAtt", "NodeGroup.GroupId")),
                            ("Description", "Calls of the nodes".into()),
                        ])]),
                    ),
                    ("Tags", named("endpoint")),
                ]),
            ),
            "Condition",
            "HasEndpoint",
        ),
        with(
            resource(
                "Endpoint",
                "In both zones, so that the death of one leaves the other its own way.",
                "AWS::EC2::VPCEndpoint",
                map([
                    ("VpcEndpointType", "Interface".into()),
                    ("ServiceName", substituted("com.amazonaws.${AWS::Region}.ec2")),
                    ("VpcId", reference("Vpc")),
                    ("SubnetIds", list(SIDES.map(|side| reference(format!("Subnet{side}"))))),
                    ("SecurityGroupIds", list([tagged("!GetAtt", "EndpointGroup.GroupId")])),
                    ("PrivateDnsEnabled", true.into()),
                ]),
            ),
            "Condition",
            "HasEndpoint",
        ),
    ]
}
