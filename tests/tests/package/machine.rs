//! A Debian that is booted: its own systemd as the first process, in namespaces of its own.
//!
//! It shares the kernel, and with it the id of the boot, with the host; processes, mounts, control groups, network and name are its own.
//! It has a loopback interface and no other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use e2e::eventually;

use crate::debian::Debian;
use crate::packages::{successful, text};

/// A booted Debian. Its processes end with it.
pub(crate) struct Machine<'a> {
    debian: &'a Debian,
    /// Ends all processes in the namespaces when it ends.
    unshare: Child,
    /// The first process, as seen from outside.
    first: u32,
}

impl<'a> Machine<'a> {
    /// Boots, and waits until systemd has started all that it starts by itself.
    pub(crate) fn boot(debian: &'a Debian) -> Self {
        let told = debian.path("var/tmp/first");
        let _ = fs::remove_file(&told);
        let unshare = Command::new("unshare")
            .args([
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--uts",
                "--ipc",
                "--net",
                "--cgroup",
            ])
            .args(["sh", "-euc", BOOT, "boot"])
            .arg(debian.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let first = eventually("the first process has started", || {
            fs::read_to_string(&told).ok()?.trim().parse().ok()
        });
        let machine = Self { debian, unshare, first };
        eventually("the machine has booted", || {
            let state = machine.output(&["systemctl", "is-system-running"]);
            // Something of a real machine may be missed; it is not what is looked at here.
            ["running", "degraded"]
                .contains(&text(&state.stdout).trim())
                .then_some(())
        });
        machine
    }

    /// Runs a program in it, which must succeed, and returns what it prints.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        successful(&self.output(words), &words.join(" "))
    }

    /// Runs a program in it.
    pub(crate) fn output(&self, words: &[&str]) -> Output {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["--target", &self.first.to_string()]);
        nsenter.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]);
        nsenter
            .args(words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .unwrap()
    }

    /// Returns the path, as seen from outside, of what lies at `path` in it, memory file systems included.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.first)).join(path)
    }

    /// Shuts down as an operator does, and returns what was logged from then on.
    pub(crate) fn power_off(mut self) -> Vec<String> {
        let log = self.debian.path("var/log/journal");
        let before = journal(&log).len();
        self.run(&["systemctl", "--no-block", "poweroff"]);
        // There is no power to switch off: the kernel ends the first process, and all others with it.
        eventually("the machine is off", || self.unshare.try_wait().unwrap());
        journal(&log).split_off(before)
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}

/// Returns what was logged, a line for each message.
fn journal(folder: &Path) -> Vec<String> {
    let mut journalctl = Command::new("journalctl");
    let output = journalctl
        .args(["--no-pager", "--quiet", "--output=cat", "--directory"])
        .arg(folder)
        .output()
        .unwrap();
    text(&output.stdout).lines().map(str::to_owned).collect()
}

/// Makes the root a file system of its own with what a container has, and becomes systemd.
const BOOT: &str = r#"
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
# As the outer system counts it, by whose /proc it is read.
read first rest </proc/self/stat
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 dev dev
for node in null zero full random urandom tty; do
    touch dev/$node
    mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm
ln -s pts/ptmx dev/ptmx
ip link set lo up
mkdir -p var/log/journal
pivot_root . mnt
umount -l mnt
mount --make-rshared /
echo $first >var/tmp/first
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --log-target=journal
"#;
