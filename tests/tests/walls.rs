//! The walls between the crates: who may depend on whom, and what must stay out of where.
//!
//! A wall that nobody checks is a wish. These tests read `cargo metadata`, so an arrow in a `Cargo.toml` is enough to fail
//! them; development dependencies are free, since no shipped binary has them.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// The arrows between the crates of the workspace, all of them: an arrow that is missing here is forbidden, and one that
/// only stands here is outdated.
const ARROWS: [(&str, &[&str]); 10] = [
    // Drives the real binaries; the libraries are its second voice on the wire and its way to read a status.
    ("e2e", &["pair-core", "pair-lab", "pair-wire", "pairctl"]),
    ("pair-core", &[]),
    ("pair-ec2", &[]),
    ("pair-lab", &[]),
    // Nothing that is shipped depends on it, so the generators of pages and completions are in no program.
    ("pair-manual", &["pairctl", "paird"]),
    ("pair-sim", &["pair-core", "pair-wire"]),
    ("pair-wire", &["pair-core"]),
    ("pairctl", &["pair-wire"]),
    ("paird", &["pair-core", "pair-ec2", "pair-wire"]),
    ("xtask", &[]),
];

/// Everything that may be compiled for pair-core: serialisation and error derives, none of which can do I/O.
const ALLOWED_IN_CORE: [&str; 9] = [
    "proc-macro2",
    "quote",
    "serde",
    "serde_core",
    "serde_derive",
    "syn",
    "thiserror",
    "thiserror-impl",
    "unicode-ident",
];

#[test]
fn every_arrow_is_one_of_the_design() {
    assert_eq!(violations(&metadata()), Vec::<String>::new());
}

#[test]
fn an_added_arrow_is_found() {
    let metadata = metadata();
    let finds = |from: &str, to: &str, complaint: &str| {
        let found = violations(&with_arrow(metadata.clone(), from, to));
        assert!(
            found.iter().any(|line| line == complaint),
            "{from} -> {to}: {complaint:?} is not in {found:?}"
        );
    };
    finds(
        "pair-core",
        "pair-wire",
        "pair-core depends on {\"pair-wire\"}, and the design says {}",
    );
    finds("pair-core", "getrandom", "pair-core is compiled with getrandom");
    finds("pair-core", "tokio", "pair-core is compiled with tokio");
    finds("pairctl", "tokio", "pairctl is compiled with tokio");
    finds("pairctl", "pair-ec2", "pairctl is compiled with aws-sdk-ec2");
    finds("pair-wire", "pair-ec2", "pairctl is compiled with aws-sdk-ec2");
    finds("paird", "aws-sdk-ec2", "paird depends on aws-sdk-ec2 itself");
    finds(
        "pair-lab",
        "pair-core",
        "pair-lab depends on {\"pair-core\"}, and the design says {}",
    );
}

#[test]
fn every_member_obeys_the_lints_of_the_workspace() {
    for package in metadata().workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true\n"),
            "{} does not opt in",
            package.manifest_path
        );
    }
}

#[test]
fn the_core_has_neither_std_nor_unsafe_code() {
    let metadata = metadata();
    let core = package(&metadata, "pair-core");
    let root = core.manifest_path.parent().unwrap().join("src/lib.rs");
    let source = fs::read_to_string(&root).unwrap();
    for attribute in ["#![no_std]", "#![forbid(unsafe_code)]"] {
        assert!(source.lines().any(|line| line == attribute), "{root} lacks {attribute}");
    }
}

/// The AWS SDK takes minutes to compile, and a development dependency that adds a feature to something below it makes
/// `cargo test` compile it once more than `cargo build`.
#[test]
fn the_sdk_is_compiled_once_for_builds_and_tests() {
    let below_the_sdk = cargo_tree(&["--package", "aws-sdk-ec2", "--edges", "normal,build", "--format", "{p}"]);
    let built = cargo_tree(&["--workspace", "--edges", "normal,build", "--format", "{p} {f}"]);
    let tested = cargo_tree(&["--workspace", "--edges", "normal,build,dev", "--format", "{p} {f}"]);
    let is_below = |line: &&String| below_the_sdk.iter().any(|name| line.starts_with(name.as_str()));
    let compiled_twice: Vec<&String> = built.difference(&tested).filter(is_below).collect();
    assert_eq!(compiled_twice, Vec::<&String>::new());
}

/// A release builds both programs together with what draws their pages, and that must not give them a feature which only the drawing
/// asks for.
#[test]
fn drawing_the_pages_adds_nothing_to_what_is_shipped() {
    let shipped = ["--package", "paird", "--package", "pairctl"];
    let rest = ["--edges", "normal,build", "--format", "{p} {f}"];
    let alone = cargo_tree(&[&shipped[..], &rest].concat());
    let together = cargo_tree(&[&shipped[..], &["--package", "pair-manual"], &rest].concat());
    assert_eq!(alone.difference(&together).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Returns a sentence for everything that the walls forbid and the metadata shows.
fn violations(metadata: &Metadata) -> Vec<String> {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ARROWS
        .iter()
        .map(|(from, to)| (*from, to.iter().copied().collect()))
        .collect();
    let members: BTreeSet<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut found = Vec::new();

    for gone in allowed.keys().filter(|name| !members.contains(**name)) {
        found.push(format!("{gone} has a wall and does not exist"));
    }
    for member in metadata.workspace_packages() {
        let name = member.name.as_str();
        let direct = direct_dependencies(metadata, &member.id);
        let inside: BTreeSet<&str> = direct.intersection(&members).copied().collect();
        match allowed.get(name) {
            None => found.push(format!("{name} is a crate without a wall")),
            Some(allowed) if *allowed != inside => {
                found.push(format!("{name} depends on {inside:?}, and the design says {allowed:?}"));
            }
            Some(_) => {}
        }
        if name != "pair-ec2" {
            for aws in direct.iter().filter(|dependency| is_aws(dependency)) {
                found.push(format!("{name} depends on {aws} itself"));
            }
        }
    }
    for stranger in closure(metadata, "pair-core").difference(&BTreeSet::from(ALLOWED_IN_CORE)) {
        found.push(format!("pair-core is compiled with {stranger}"));
    }
    for heavy in closure(metadata, "pairctl")
        .into_iter()
        .filter(|name| is_tokio(name) || is_aws(name))
    {
        found.push(format!("pairctl is compiled with {heavy}"));
    }
    found
}

fn is_aws(name: &str) -> bool {
    name.starts_with("aws-")
}

fn is_tokio(name: &str) -> bool {
    name == "tokio" || name.starts_with("tokio-")
}

/// Returns the names of all packages that are compiled for a package, without itself and without development dependencies.
fn closure<'a>(metadata: &'a Metadata, name: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut to_visit = vec![&package(metadata, name).id];
    while let Some(id) = to_visit.pop() {
        to_visit.extend(dependency_ids(metadata, id).filter(|dependency| seen.insert(*dependency)));
    }
    seen.into_iter().map(|id| metadata[id].name.as_str()).collect()
}

fn direct_dependencies<'a>(metadata: &'a Metadata, id: &PackageId) -> BTreeSet<&'a str> {
    dependency_ids(metadata, id)
        .map(|dependency| metadata[dependency].name.as_str())
        .collect()
}

fn dependency_ids<'a>(metadata: &'a Metadata, id: &PackageId) -> impl Iterator<Item = &'a PackageId> {
    let dependencies = &metadata.resolve.as_ref().unwrap()[id].deps;
    dependencies
        .iter()
        .filter(|dependency| {
            dependency
                .dep_kinds
                .iter()
                .any(|info| info.kind != DependencyKind::Development)
        })
        .map(|dependency| &dependency.pkg)
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata.packages.iter().find(|package| package.name == name).unwrap()
}

fn metadata() -> Metadata {
    let options = ["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned);
    MetadataCommand::new().other_options(options).exec().unwrap()
}

/// Returns the packages of a dependency tree, one each.
fn cargo_tree(arguments: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "tree",
        "--locked",
        "--quiet",
        "--prefix",
        "none",
        "--target",
        "x86_64-unknown-linux-gnu",
    ]);
    let output = cargo.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    // "(*)" marks what was shown in full before.
    tree.lines()
        .map(|line| line.trim_end_matches("(*)").trim_end().to_owned())
        .collect()
}

/// Returns the metadata with one dependency more.
fn with_arrow(mut metadata: Metadata, from: &str, to: &str) -> Metadata {
    let from = package(&metadata, from).id.clone();
    let to = package(&metadata, to).id.clone();
    let nodes = &mut metadata.resolve.as_mut().unwrap().nodes;
    // The types of the metadata cannot be built outside of their crate: any ordinary dependency serves as a mould.
    let is_ordinary = |dependency: &&cargo_metadata::NodeDep| {
        dependency
            .dep_kinds
            .iter()
            .any(|info| info.kind == DependencyKind::Normal && info.target.is_none())
    };
    let mut dependency = nodes
        .iter()
        .flat_map(|node| &node.deps)
        .find(is_ordinary)
        .unwrap()
        .clone();
    dependency.pkg = to;
    nodes
        .iter_mut()
        .find(|node| node.id == from)
        .unwrap()
        .deps
        .push(dependency);
    metadata
}
