//! What a node does at its first boot: `deploy/cloud-init/user-data.yaml` with the values of this node.

use super::plan::{Node, Pair};
use super::yaml::{Yaml, map, tagged};

const SOURCE: &str = include_str!("../../../../deploy/cloud-init/user-data.yaml");

/// The user-data of a node, in which CloudFormation puts what only it knows.
pub(super) fn of(pair: &Pair, node: &Node, peer: &Node) -> Yaml {
    let values = [
        ("PAIR", pair.name()),
        ("PEER", peer.private_ip.to_string()),
        ("LANDING", node.landing.to_string()),
        ("PEER_LANDING", peer.landing.to_string()),
        ("ADDRESS", format!("${{{}Address.AllocationId}}", pair.prefix())),
        ("PREFERRED", ["a", "b"][pair.preferred].to_owned()),
        ("KEY_PARAMETER", format!("${{KeyPrefix}}/{}/key", pair.name())),
        ("REGION", "${AWS::Region}".to_owned()),
        ("BACKEND", "${Backend}".to_owned()),
        ("PACKAGE_URL", "${PackageUrl}".to_owned()),
        ("PACKAGE_SHA256", "${PackageSha256}".to_owned()),
    ];
    map([("Fn::Base64", tagged("!Sub", Yaml::Block(filled(SOURCE, &values))))])
}

/// Replaces the value of each variable, and leaves out what is for readers of the source only: user-data may have 16 KiB, and
/// a template has it twice for each pair.
fn filled(source: &str, values: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut missing: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    for line in source.lines() {
        let words = line.trim_start();
        if words.starts_with("# ") || words == "#" {
            continue;
        }
        let indent = &line[..line.len() - words.len()];
        let value = words
            .split_once('=')
            .and_then(|(name, _)| values.iter().find(|(known, _)| *known == name));
        match value {
            Some((name, value)) => {
                missing.retain(|known| known != name);
                text.push_str(&format!("{indent}{name}='{value}'"));
            }
            // `${` would be CloudFormation's.
            None => text.push_str(&line.replace("${", "${!")),
        }
        text.push('\n');
    }
    assert!(missing.is_empty(), "the user-data has no line for {missing:?}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_comments_go_and_the_shell_keeps_its_braces() {
        let source = "#cloud-config\n# Why.\na: |\n  #!/bin/sh\n  # Why.\n  A=1\n\n  echo ${A} A=2\n";
        let values = [("A", "${Given}".to_owned())];
        assert_eq!(
            filled(source, &values),
            "#cloud-config\na: |\n  #!/bin/sh\n  A='${Given}'\n\n  echo ${!A} A=2\n"
        );
    }
}
