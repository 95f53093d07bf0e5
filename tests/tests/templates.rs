//! What is deployed with: templates that CloudFormation's linter and user-data that cloud-init's schema have nothing to say
//! about. That the checked-in templates are what `cargo xtask template` prints is a test of xtask.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{cfn_lint, is_skipped, pairctl, paird, xtask};

#[test]
fn the_linter_has_nothing_to_say_about_any_template() {
    let Some(cfn_lint) = cfn_lint() else {
        let obstacle = Some("PAIRD_MOTO does not say where cfn-lint is");
        assert!(is_skipped("the linter of CloudFormation", obstacle));
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let within = folder.path().join("within-given-subnets.yaml");
    let printed = xtask(&["template", "--pairs", "2", "--subnets", "10.0.1.0/24,10.0.2.0/24"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    fs::write(&within, printed.stdout).unwrap();
    let templates = root().join("deploy/cloudformation");
    let linted = Command::new(cfn_lint)
        .args([within, templates.join("fleet-1.yaml"), templates.join("fleet-3.yaml")])
        .arg(templates.join("autoscaling-pair.yaml"))
        .args(["--include-checks", "I"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&linted.stdout);
    assert_eq!((linted.status.code(), said.trim()), (Some(0), ""), "{linted:?}");
}

#[test]
fn the_configuration_of_an_autoscaling_pair_is_one() {
    let template = fs::read_to_string(root().join("deploy/cloudformation/autoscaling-pair.yaml")).unwrap();
    let (_, text) = template
        .split_once("/etc/paird/paird.toml\n                content: |\n")
        .unwrap();
    let (text, _) = text.split_once("            runcmd:").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let made = pairctl(&["key", "generate"]);
    fs::write(&key, made.stdout).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    let text = text
        .replace("                  ", "")
        .replace("${Pair}", "lb-1")
        .replace("${ZoneA}", "us-east-1a")
        .replace("${ZoneB}", "us-east-1b")
        .replace("/etc/paird/key", &key.display().to_string());
    let config = folder.path().join("paird.toml");
    fs::write(&config, text).unwrap();
    let checked = paird(&["check", "--config", &config.display().to_string()]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

/// What the programs call is `scenarios/role.rs`; the rest of the role is for the first boot.
#[test]
fn beside_ec2_the_role_allows_what_the_user_data_calls() {
    let template = fs::read_to_string(root().join("deploy/cloudformation/fleet-1.yaml")).unwrap();
    let others: Vec<&str> = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Action: "))
        .filter(|action| !action.starts_with("ec2:"))
        .collect();
    // The first lets instances have the role at all.
    assert_eq!(others, ["sts:AssumeRole", "ssm:GetParameter"]);
    let user_data = fs::read_to_string(root().join("deploy/cloud-init/user-data.yaml")).unwrap();
    let calls: Vec<&str> = user_data.split("$(aws ").skip(1).collect();
    assert_eq!(calls.len(), user_data.matches("aws ").count());
    assert!(calls.iter().all(|call| call.starts_with("ssm get-parameter ")));
}

#[test]
fn the_stack_policy_is_json_and_protects_what_must_not_change_at_once() {
    let policy = fs::read(root().join("deploy/cloudformation/stack-policy.json")).unwrap();
    let policy: serde_json::Value = serde_json::from_slice(&policy).unwrap();
    let denied = &policy["Statement"][1];
    assert_eq!(denied["Effect"], "Deny");
    let types = &denied["Condition"]["StringEquals"]["ResourceType"];
    assert_eq!(types, &serde_json::json!(["AWS::EC2::Instance", "AWS::EC2::EIP"]));
}

/// systemd.service(5): `$NAME` is replaced as a word of its own only, and `${NAME}` is CloudFormation's.
#[test]
fn the_unit_of_the_user_data_names_variables_as_words_of_their_own() {
    let user_data = fs::read_to_string(root().join("deploy/cloud-init/user-data.yaml")).unwrap();
    let words = user_data
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ExecStart="))
        .flat_map(str::split_whitespace);
    let variables: Vec<&str> = words.filter(|word| word.contains('$')).collect();
    assert_eq!(variables, ["$LANDING"]);
}

#[test]
fn the_user_data_has_the_schema_of_cloud_init() {
    let on_path =
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join("cloud-init").is_file());
    let obstacle = (!on_path).then_some("cloud-init is not installed");
    if is_skipped("the schema of cloud-init", obstacle) {
        return;
    }
    let user_data = root().join("deploy/cloud-init/user-data.yaml");
    let checked = Command::new("cloud-init")
        .args(["schema", "--config-file"])
        .arg(&user_data)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(said.starts_with("Valid"), "{said}");
}

#[test]
fn the_script_of_the_user_data_is_one() {
    let user_data = fs::read_to_string(root().join("deploy/cloud-init/user-data.yaml")).unwrap();
    let (_, script) = user_data.split_once("      #!/bin/sh\n").unwrap();
    let (script, _) = script.split_once("\nruncmd:").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bootstrap");
    fs::write(&file, script).unwrap();
    let parsed = Command::new("sh").arg("-n").arg(&file).output().unwrap();
    assert!(parsed.status.success(), "{parsed:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}
