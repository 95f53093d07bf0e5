//! `pair-lab`: the lab's parts as processes, for demo, tests and hands.

mod demo;
mod process;
mod storm;
mod testbed;
mod vm;
mod wait;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use clap::{Parser, Subcommand};
use pair_lab::{Lab, LabConfig, NodeSpec, Service};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A pair on one machine: an emulated EC2 and IMDS over HTTP, and the service behind the address.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer every HTTP request with 200 and the node's name, until killed.
    ///
    /// Prints one JSON line with the address once it listens.
    Service {
        /// Where to listen; port 0 chooses one.
        #[arg(long, value_name = "IP:PORT")]
        listen: SocketAddr,
        /// The node's name.
        #[arg(long)]
        node: String,
    },
    /// Serve an emulated EC2, and an IMDS for each node, until standard input closes or SIGTERM comes.
    ///
    /// Prints one JSON line with endpoints and ids.
    Ec2 {
        /// A node with its private addresses and zone, such as a=127.0.0.1@us-east-1a; once for each node.
        #[arg(long = "node", value_name = "NAME=IP[,IP…]@ZONE", required = true)]
        nodes: Vec<NodeSpec>,
    },
    /// Show a failover: a whole pair on loopback, its holder killed, the takeover with its measured times.
    Demo(demo::Args),
    /// Measure failovers of a whole pair in network namespaces: real HAProxy, real packets, faults of every kind.
    Lab(testbed::Args),
    /// Compare paird with what people run today, in the lab.
    #[command(subcommand)]
    Bench(testbed::bench::Bench),
    /// Try the package in two emulated machines, with a systemd and a cloud-init of their own.
    Vm(vm::Args),
    /// Kill the holders of many real pairs at one moment, which share the request limits of one emulated account.
    Storm(storm::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match Cli::parse().command {
        Command::Service { listen, node } => runtime()?.block_on(serve(listen, &node))?,
        Command::Ec2 { nodes } => runtime()?.block_on(emulate(&nodes))?,
        Command::Demo(args) => return demo::run(&args),
        Command::Bench(bench) => return testbed::bench::run(&bench),
        Command::Lab(args) => return testbed::run(&args),
        Command::Storm(args) => return storm::run(&args),
        Command::Vm(args) => return vm::run(&args),
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(listen: SocketAddr, node: &str) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let service = Service::start(listen, node)
        .await
        .with_context(|| format!("could not listen at {listen}"))?;
    print_line(&json!({ "node": node, "listen": service.addr().to_string() }))?;
    terminated.recv().await;
    Ok(())
}

async fn emulate(nodes: &[NodeSpec]) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let lab = Lab::start(LabConfig::emulated(nodes)).await?;
    print_line(&describe(&lab)?)?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = end_of_input() => {}
    }
    Ok(())
}

fn describe(lab: &Lab) -> anyhow::Result<Value> {
    let mut nodes = Vec::new();
    for machine in &lab.world().nodes {
        let mut node = serde_json::to_value(machine)?;
        node["ec2_endpoint"] = lab.ec2_endpoint_of(&machine.name)?.into();
        node["imds_endpoint"] = lab.imds_endpoint(&machine.name)?.into();
        nodes.push(node);
    }
    Ok(json!({
        "ec2_endpoint": lab.ec2_endpoint(),
        "allocation_id": lab.allocation_id(),
        "public_ip": lab.public_ip(),
        "nodes": nodes,
        "outside": lab.world().outside,
    }))
}

/// Resolves when standard input ends. The read blocks, so it has a thread of its own, which the process does not wait
/// for.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        // An unreadable input has ended as well.
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        ended.send(()).ok();
    });
    end
}

fn print_line(line: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
