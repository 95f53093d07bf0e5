//! `cargo xtask template`: a fleet of pairs as a CloudFormation template.
//!
//! ```text
//! network ─ subnets of two zones, security groups, endpoint     once
//! pair    ─ Elastic IP, role, two instances with their user-data  N times
//! names   ─ one name in Route 53 with N values                    once
//! ```
//!
//! `plan` says who is where, the other files what is made of that. The user-data is `deploy/cloud-init/user-data.yaml`, with
//! the values of each node in it, so that what a node does at its first boot stands in one place.

mod names;
mod network;
mod pair;
mod parameters;
mod plan;
mod user_data;
mod yaml;

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, Result};

use self::plan::Plan;
use self::yaml::{Entry, Yaml, map};

pub(crate) use self::plan::Block;

/// How large the fleet is, and where.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many pairs: as many Elastic IPs, and twice as many instances.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50))]
    pairs: u32,
    /// The two availability zones; by default the first two of the region.
    #[arg(long, value_name = "A,B", value_parser = two::<String>)]
    zones: Option<[String; 2]>,
    /// The block of the network that the template makes; its second and third /24 are the subnets.
    #[arg(long, value_name = "BLOCK", default_value = "10.77.0.0/16")]
    network: Block,
    /// Blocks of two public subnets that are there already, and become parameters. The nodes get the addresses from the eleventh on.
    #[arg(long, value_name = "A,B", value_parser = two::<Block>, conflicts_with_all = ["zones", "network"])]
    subnets: Option<[Block; 2]>,
}

/// Prints the template.
///
/// # Errors
/// If the fleet does not fit into its subnets.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    print!("{}", text(args)?);
    Ok(ExitCode::SUCCESS)
}

fn text(args: &Args) -> Result<String> {
    let plan = match args.subnets {
        Some(subnets) => Plan::new(args.pairs, subnets, None, None),
        None => {
            let subnets = args.network.subnets()?;
            Plan::new(args.pairs, subnets, Some(args.network), args.zones.clone())
        }
    }?;
    Ok(format!("{HEADER}{}\n", document(&plan)))
}

/// Reads two values with a comma between them.
fn two<T: FromStr>(text: &str) -> Result<[T; 2]>
where
    anyhow::Error: From<T::Err>,
{
    let (first, second) = text
        .split_once(',')
        .context("two are needed, with a comma between them")?;
    Ok([first.parse()?, second.parse()?])
}

fn document(plan: &Plan) -> Yaml {
    let mut resources = network::resources(plan);
    for pair in &plan.pairs {
        resources.extend(pair::resources(plan, pair));
    }
    resources.extend(names::resources(plan));
    let addresses = plan.pairs.iter().map(|pair| {
        let value = yaml::reference(format!("{}Address", pair.prefix()));
        let description = format!("Elastic IP of {}", pair.name());
        Entry {
            comment: None,
            key: format!("{}Address", pair.prefix()),
            value: map([("Description", description.into()), ("Value", value)]),
        }
    });
    map([
        ("AWSTemplateFormatVersion", "2010-09-09".into()),
        (
            "Description",
            format!("paird - {} over two zones", counted(plan)).into(),
        ),
        ("Parameters", Yaml::Map(parameters::parameters(plan))),
        ("Conditions", parameters::conditions(plan)),
        ("Resources", Yaml::Map(resources)),
        ("Outputs", Yaml::Map(addresses.collect())),
    ])
}

fn counted(plan: &Plan) -> String {
    match plan.pairs.len() {
        1 => "a pair with an Elastic IP".to_owned(),
        count => format!("{count} pairs with an Elastic IP each"),
    }
}

const HEADER: &str = "\
# Made by `cargo xtask template`: change that, or what is here, but not both. docs/TOPOLOGIES.md explains the choices, and its
# section \"Install a fleet\" says how to use it. The user-data is deploy/cloud-init/user-data.yaml, which has the reasons.
";

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn template(line: &str) -> String {
        let words = ["template"].into_iter().chain(line.split_whitespace());
        text(&Line::parse_from(words).args).unwrap()
    }

    /// Whoever changes the template or the user-data prints them again; the message of the assertion would be a page long.
    #[test]
    fn the_checked_in_templates_are_what_is_printed() {
        let one = include_str!("../../../deploy/cloudformation/fleet-1.yaml");
        let three = include_str!("../../../deploy/cloudformation/fleet-3.yaml");
        assert!(
            template("--pairs 1") == one,
            "cargo xtask template --pairs 1 > deploy/cloudformation/fleet-1.yaml"
        );
        assert!(
            template("--pairs 3") == three,
            "cargo xtask template --pairs 3 > deploy/cloudformation/fleet-3.yaml"
        );
    }

    #[test]
    fn given_subnets_are_parameters_and_no_network_is_made() {
        let text = template("--pairs 2 --subnets 10.0.1.0/24,10.0.2.0/24");
        assert!(text.contains("  SubnetA:\n    Type: AWS::EC2::Subnet::Id\n"));
        assert!(!text.contains("AWS::EC2::VPC\n") && !text.contains("InternetGateway"));
        assert!(
            text.contains("PEER='10.0.2.12'\n"),
            "the second pair is beside the first"
        );
    }

    /// A door that nobody has asked for stays shut, and a node is no witness of its own pair.
    #[test]
    fn the_port_of_witnesses_is_open_to_those_only_that_a_parameter_names() {
        let is_optional = |text: &str, rule: &str, condition: &str| {
            let head = format!("  {rule}:\n    Type: AWS::EC2::SecurityGroupIngress\n    Condition: {condition}\n");
            text.contains(&head)
        };
        let one = template("--pairs 1");
        assert!(is_optional(&one, "WitnessesElsewhere", "HasOtherWitnesses"));
        assert!(!one.contains("FleetWitnesses"));
        let two = template("--pairs 2");
        assert!(is_optional(&two, "WitnessesElsewhere", "HasOtherWitnesses"));
        assert!(is_optional(&two, "WitnessesWithin", "HasFleetWitnesses"));
        for text in [one, two] {
            let rules = text.matches("Condition: HasOtherWitnesses").count()
                + text.matches("Condition: HasFleetWitnesses").count();
            assert_eq!(text.matches("FromPort: 7695").count(), rules);
        }
    }

    /// What CloudFormation takes from a bucket (CloudFormation User Guide, "Understand CloudFormation quotas"), and EC2 as user-data
    /// ("Run commands when you launch an EC2 instance").
    #[test]
    fn the_largest_fleet_is_within_the_quotas() {
        const TEMPLATE: usize = 1_000_000;
        const RESOURCES: usize = 500;
        const USER_DATA: usize = 16 * 1024;
        let text = template("--pairs 50");
        assert!(text.len() < TEMPLATE, "{} bytes", text.len());
        let resources = text.lines().filter(|line| line.starts_with("    Type: AWS::")).count();
        assert!(resources < RESOURCES, "{resources} resources");
        let user_data = text.split("Fn::Base64: !Sub |").nth(1).unwrap();
        assert!(user_data.len() < USER_DATA, "{} bytes", user_data.len());
    }

    #[test]
    fn named_zones_are_those_of_the_subnets() {
        let text = template("--pairs 1 --zones eu-central-1b,eu-central-1c");
        assert!(
            text.contains("AvailabilityZone: eu-central-1b\n") && text.contains("AvailabilityZone: eu-central-1c\n")
        );
        assert!(!text.contains("!GetAZs"));
    }
}
