//! The story, step by step, and what must hold after each.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::console;
use super::stage::{A, At, B, Stage, other};

/// Tells the story to the end, or to what does not hold. The nonce is what the machines say at each boot.
///
/// # Errors
/// What did not hold.
pub(crate) fn tell(stage: &mut Stage, nonce: &str) -> Result<()> {
    println!("nonce of this run: {nonce}");
    first_boot(stage, nonce)?;
    let holder = they_form_a_pair(stage)?;
    let holder = power_fails(stage, holder)?;
    the_agent_is_stopped(stage, holder)?;
    the_agent_is_restarted(stage, holder)?;
    let holder = the_host_reboots(stage, holder)?;
    the_package_is_upgraded(stage, holder)?;
    the_package_is_removed(stage, holder)?;
    println!(
        "\nthe story of nonce {nonce} is told in {}: {} held, nothing failed",
        stage.time(),
        stage.held()
    );
    Ok(())
}

/// What a host does once: cloud-init makes a node of it.
fn first_boot(stage: &mut Stage, nonce: &str) -> Result<()> {
    stage.chapter("both machines are switched on for the first time");
    for at in [A, B] {
        stage.machine(at).switch_on()?;
    }
    for at in [A, B] {
        stage.machine(at).await_agent(BOOT_PATIENCE)?;
        let outcome = stage
            .machine(at)
            .run("cloud-init status --wait --long", BOOT_PATIENCE)?;
        let console = stage.machine(at).console();
        let name = stage.name(at);
        for (what, line) in [
            ("systemd[1]", console::first_line(&console, "systemd[1]")),
            ("the nonce", console::last_line(&console, &format!("nonce: {nonce}"))),
            (
                "the last line of cloud-init",
                console::last_line(&console, "finished at"),
            ),
        ] {
            let line = line.with_context(|| format!("{what} is not on the console of {name}"))?;
            stage.holds(&format!("the console of {name} has {what}"));
            println!("      {}", line.trim());
        }
        ensure!(outcome.text.contains("status: done"), "cloud-init on {name}: {outcome}");
        stage.holds(&format!("cloud-init is done on {name}"));
        stage.show(at, "cat /proc/1/comm /sys/devices/virtual/dmi/id/product_name")?;
        stage.show(at, "dpkg --status paird | sed '/^Description/,$d'")?;
        stage.show(at, "systemctl is-active haproxy.service paird.service")?;
    }
    Ok(())
}

/// One of them has taken the address, which nobody had.
fn they_form_a_pair(stage: &mut Stage) -> Result<At> {
    stage.chapter("they form a pair");
    stage.both_are_healthy()?;
    let holder = stage.holder()?;
    stage.is_served_by(holder)?;
    Ok(holder)
}

/// The host is gone without a word, and comes back with the disk that it had.
fn power_fails(stage: &mut Stage, holder: At) -> Result<At> {
    let (name, other) = (stage.name(holder), other(holder));
    stage.chapter(&format!("the power of {name}, which holds the address, fails"));
    let moves = stage.moves();
    // Seconds after its first boot a host has not written everything, as it has when it fails some day.
    stage.ask(holder, "sync")?;
    let qemu = stage.machine(holder).pull_the_plug()?;
    println!("      qemu of {name} is killed: pid {}", qemu.as_raw_nonzero());
    stage.show(other, "pairctl wait --active --timeout 10m")?;
    stage.is_served_by(other)?;
    stage.has_moved(moves, 1)?;
    // Degraded: there is no standby.
    stage.look(other, "pairctl status")?;
    stage.show(other, "pairctl why | tail -n 12")?;

    stage.chapter(&format!("{name} is switched on again"));
    stage.machine(holder).switch_on()?;
    stage.machine(holder).await_agent(BOOT_PATIENCE)?;
    stage.both_are_healthy()?;
    stage.has_moved(moves, 1)?;
    stage.is_served_by(other)?;
    Ok(other)
}

/// Stopping the agent is no failover.
fn the_agent_is_stopped(stage: &mut Stage, holder: At) -> Result<()> {
    let name = stage.name(holder);
    stage.chapter(&format!("systemctl stop paird on {name}, which holds the address"));
    let moves = stage.moves();
    stage.show(holder, "systemctl stop paird.service")?;
    stage.show(holder, "systemctl is-active paird-leave.service haproxy.service")?;
    stage.await_in(other(holder), "pairctl status", "silent-but-serving")?;
    stage.look(other(holder), "pairctl status")?;
    stage.has_moved(moves, 0)?;
    stage.is_served_by(holder)?;
    stage.show(holder, "systemctl start paird.service")?;
    stage.both_are_healthy()?;
    stage.has_moved(moves, 0)
}

/// Nor is a restart.
fn the_agent_is_restarted(stage: &mut Stage, holder: At) -> Result<()> {
    let name = stage.name(holder);
    stage.chapter(&format!("systemctl restart paird on {name}, which holds the address"));
    let moves = stage.moves();
    let before = stage.agent_process(holder)?;
    stage.show(holder, "systemctl restart paird.service")?;
    ensure!(stage.agent_process(holder)? != before, "it is the same process");
    stage.holds("it is another process");
    stage.both_are_healthy()?;
    stage.has_moved(moves, 0)?;
    stage.is_served_by(holder)
}

/// The address goes before HAProxy does, and the node is back in the pair by itself.
fn the_host_reboots(stage: &mut Stage, holder: At) -> Result<At> {
    let (name, other) = (stage.name(holder), other(holder));
    stage.chapter(&format!("systemctl reboot on {name}, which holds the address"));
    let moves = stage.moves();
    let boot = stage.ask(holder, "cat /proc/sys/kernel/random/boot_id")?;
    println!("{name}# systemctl reboot");
    stage.machine(holder).start("systemctl reboot")?;
    stage.show(other, "pairctl wait --active --timeout 10m")?;
    stage.is_served_by(other)?;
    stage.was_handed_over(other)?;
    let deadline = Instant::now() + BOOT_PATIENCE;
    loop {
        stage.machine(holder).await_agent(BOOT_PATIENCE)?;
        // It may be going down still, and not answer to the end.
        let now = stage
            .machine(holder)
            .run("cat /proc/sys/kernel/random/boot_id", STEP_PATIENCE);
        if now.is_ok_and(|now| now.is_success() && now.text != boot) {
            break;
        }
        ensure!(Instant::now() < deadline, "{name} has not booted again");
    }
    stage.holds(&format!("{name} has booted again"));
    stage.both_are_healthy()?;
    stage.has_moved(moves, 1)?;
    stage.is_served_by(other)?;
    Ok(other)
}

/// An upgrade is a restart with another program.
fn the_package_is_upgraded(stage: &mut Stage, holder: At) -> Result<()> {
    let name = stage.name(holder);
    stage.chapter(&format!("the package is upgraded on {name}, which holds the address"));
    let moves = stage.moves();
    let before = stage.agent_process(holder)?;
    let files = stage.ask(holder, "sha256sum /etc/paird/paird.toml /etc/paird/key")?;
    stage.show(holder, NEXT_VERSION)?;
    stage.show(holder, "dpkg --install /var/tmp/next.deb")?;
    stage.show(holder, "dpkg-query --show paird")?;
    ensure!(stage.agent_process(holder)? != before, "the old process still runs");
    stage.holds("the agent runs anew");
    let now = stage.ask(holder, "sha256sum /etc/paird/paird.toml /etc/paird/key")?;
    ensure!(now == files, "configuration or key has changed:\n{files}{now}");
    stage.holds("configuration and key are as they were");
    stage.both_are_healthy()?;
    stage.has_moved(moves, 0)?;
    stage.is_served_by(holder)
}

/// A removal hands over and keeps what the operator made; a purge does not.
fn the_package_is_removed(stage: &mut Stage, holder: At) -> Result<()> {
    let (name, other) = (stage.name(holder), other(holder));
    stage.chapter(&format!("the package is removed from {name}, which holds the address"));
    let moves = stage.moves();
    stage.show(holder, "dpkg --remove paird")?;
    stage.is_served_by(other)?;
    stage.has_moved(moves, 1)?;
    stage.was_handed_over(other)?;
    stage.show(holder, "! pgrep --exact --list-full paird")?;
    stage.show(holder, "! systemctl is-active paird.service paird-leave.service")?;
    stage.show(
        holder,
        "test ! -e /usr/bin/paird && ls -l /etc/paird/paird.toml /etc/paird/key",
    )?;
    stage.await_in(other, "pairctl status", "peer-silent")?;
    stage.show(holder, "dpkg --purge paird")?;
    stage.show(holder, "test ! -e /etc/paird && test ! -e /var/lib/paird")?;
    stage.is_served_by(other)?;
    stage.has_moved(moves, 1)
}

/// The package of the seed again, with a version that is the next one.
const NEXT_VERSION: &str = "set -e
rm -rf /var/tmp/next
dpkg-deb --raw-extract /seed/paird.deb /var/tmp/next
sed -i '/^Version:/s/$/+next/' /var/tmp/next/DEBIAN/control
dpkg-deb -Znone --build /var/tmp/next /var/tmp/next.deb";

/// How long a machine may take to boot and to become a node: some minutes on a host that has other things to do.
const BOOT_PATIENCE: Duration = Duration::from_secs(20 * 60);

/// How long a step may take that a real machine does in seconds.
const STEP_PATIENCE: Duration = Duration::from_secs(5 * 60);
