//! The image that both machines start from: Debian 12 by debootstrap, and what a node of a pair has before paird is installed.
//!
//! It is kept in the cache together with the recipe that it was made by, and made anew when the recipe is another one. Nothing is
//! mounted and no loop device is needed: `mkfs.ext4 -d` fills the disk from a folder, and qemu is handed kernel and initial RAM disk.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::tools::Tools;
use crate::testbed::place::ran;

/// A disk with its kernel, to be copied and not to be written to.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    folder: PathBuf,
}

impl Image {
    /// Finds the image in the cache, or makes it, which takes a minute or two and needs a Debian mirror.
    ///
    /// # Errors
    /// If something of it cannot be made; the cache then has no part of it.
    pub(crate) fn prepare(cache: &Path, tools: &Tools) -> Result<Self> {
        let image = Self {
            folder: cache.join("vm"),
        };
        let recipe = fs::read_to_string(image.folder.join(RECIPE_FILE));
        if recipe.is_ok_and(|recipe| recipe == RECIPE) {
            return Ok(image);
        }
        eprintln!("making {}, which takes a minute or two", image.folder.display());
        fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
        let minimal = minimal_debian(cache, tools)?;
        let scratch = tempfile::tempdir_in(cache).context("no room for an image")?;
        let root = scratch.path().join("root");
        fs::create_dir(&root).context("cannot make a root folder")?;
        ran(Command::new("tar").arg("-xpf").arg(minimal).arg("-C").arg(&root))?;
        fs::copy("/etc/resolv.conf", root.join("etc/resolv.conf")).context("cannot tell the image its name servers")?;
        install(&root, &scratch.path().join("log"))?;
        let finished = scratch.path().join("vm");
        fs::create_dir(&finished).context("cannot make a folder for the image")?;
        for name in [KERNEL, INITRD] {
            fs::rename(root.join("boot").join(name), finished.join(name))
                .with_context(|| format!("the image has no {name}"))?;
        }
        ran(Command::new(&tools.mkfs)
            .args(["-q", "-L", "root", "-E", "lazy_itable_init=1", "-d"])
            .arg(&root)
            .arg(finished.join(DISK))
            .arg(DISK_SIZE))?;
        fs::write(finished.join(RECIPE_FILE), RECIPE).context("cannot write the recipe down")?;
        if image.folder.exists() {
            fs::remove_dir_all(&image.folder).context("cannot remove the image of another recipe")?;
        }
        // Renamed when complete: an interrupted run leaves no half of an image behind.
        fs::rename(&finished, &image.folder).context("cannot keep the image")?;
        Ok(image)
    }

    /// Where its kernel is.
    pub(crate) fn kernel(&self) -> PathBuf {
        self.folder.join(KERNEL)
    }

    /// Where its initial RAM disk is.
    pub(crate) fn initrd(&self) -> PathBuf {
        self.folder.join(INITRD)
    }

    /// Makes a disk of it; what is empty takes no room.
    ///
    /// # Errors
    /// If there is no room.
    pub(crate) fn copy_disk(&self, to: &Path) -> Result<()> {
        ran(Command::new("cp")
            .arg("--sparse=always")
            .arg(self.folder.join(DISK))
            .arg(to))
        .map(drop)
    }
}

/// Finds the archive of a minimal Debian in the cache, where the test of the package has it, too; or makes it.
fn minimal_debian(cache: &Path, tools: &Tools) -> Result<PathBuf> {
    let archive = cache.join("bookworm-minbase.tar");
    if archive.exists() {
        return Ok(archive);
    }
    let scratch = tempfile::tempdir_in(cache).context("no room for a Debian")?;
    let (root, unfinished) = (scratch.path().join("root"), scratch.path().join("tar"));
    ran(Command::new(&tools.debootstrap)
        .args(["--variant=minbase", "bookworm"])
        .arg(&root))?;
    ran(Command::new("tar")
        .arg("-cf")
        .arg(&unfinished)
        .args([
            "--exclude=./proc/*",
            "--exclude=./sys/*",
            "--exclude=./var/cache/apt/archives/*.deb",
        ])
        .arg("-C")
        .arg(&root)
        .arg("."))?;
    fs::rename(&unfinished, &archive).context("cannot keep the minimal Debian")?;
    Ok(archive)
}

/// Follows the recipe in a folder, whose `/proc` shows no other process and is gone afterwards.
fn install(root: &Path, log: &Path) -> Result<()> {
    let out = File::create(log).context("cannot write down how the image is made")?;
    let again = out.try_clone().context("cannot share a log file")?;
    let proc = format!("--mount-proc={}", root.join("proc").display());
    let mut shell = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--kill-child", &proc, "chroot"])
        .arg(root)
        .args(["/bin/sh", "-eu"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(again)
        .spawn()
        .context("cannot start unshare, which is in util-linux")?;
    let mut stdin = shell.stdin.take().context("stdin was asked to be piped")?;
    stdin
        .write_all(RECIPE.as_bytes())
        .context("the shell in the image does not listen")?;
    drop(stdin);
    let status = shell.wait().context("cannot wait for the image")?;
    if !status.success() {
        let said = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        let end = lines[lines.len().saturating_sub(30)..].join("\n");
        bail!("the image could not be made ({status}):\n{end}");
    }
    Ok(())
}

/// What is done in a minimal Debian, as root.
const RECIPE: &str = include_str!("image.sh");

const RECIPE_FILE: &str = "recipe";
const DISK: &str = "disk";
const KERNEL: &str = "kernel";
const INITRD: &str = "initrd";

/// Three times what the image takes: room for the package, for the journal, and for what HAProxy says.
const DISK_SIZE: &str = "1500M";
