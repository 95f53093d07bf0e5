//! A copy of the sources, at a place of its own, on which mutants are tried.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::mutant::Mutant;
use super::verdict::{self, Verdict};
use crate::brood::Brood;
use crate::workspace::Workspace;

/// The copy.
pub(super) struct Sources {
    original: PathBuf,
    copy: PathBuf,
    target: PathBuf,
    invariants: Vec<String>,
    jobs: Option<u32>,
}

impl Sources {
    /// Chooses the place: always the same, so that the build of one run serves the next one.
    ///
    /// # Errors
    /// If the sources cannot be read.
    pub(super) fn of(workspace: &Workspace, jobs: Option<u32>) -> Result<Self> {
        let place = workspace.target.join("mutants-of-rules");
        Ok(Self {
            original: workspace.root.clone(),
            copy: place.join("source"),
            target: place.join("target"),
            invariants: verdict::invariants(&workspace.root)?,
            jobs,
        })
    }

    /// Where the copy is.
    pub(super) fn folder(&self) -> &Path {
        &self.copy
    }

    /// Makes the copy what the sources are. What is so already is not written again, and so not compiled again.
    ///
    /// Once, before the first mutant: what somebody changes in the sources meanwhile is none of its business.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub(super) fn refresh(&self) -> Result<()> {
        fs::create_dir_all(&self.copy).with_context(|| format!("cannot make {}", self.copy.display()))?;
        for entry in fs::read_dir(&self.original).with_context(|| format!("cannot read {}", self.original.display()))? {
            let name = entry?.file_name();
            // The history, the settings of tools, and what was built.
            if !name.as_encoded_bytes().starts_with(b".") && name != "target" {
                mirror(&self.original.join(&name), &self.copy.join(&name))?;
            }
        }
        Ok(())
    }

    /// Applies a mutant to the copy, tries it, and takes it back.
    ///
    /// # Errors
    /// If it does not apply, cargo cannot be started, or a file cannot be written.
    pub(super) fn try_out(&self, brood: &Brood, mutant: &Mutant) -> Result<Verdict> {
        let mutated = mutant.apply(|path| self.read(path))?;
        let original: BTreeMap<&str, String> = mutated
            .keys()
            .map(|path| Ok((*path, self.read(path)?)))
            .collect::<Result<_>>()?;
        self.write(&mutated)?;
        let verdict = self.test(brood, mutant.touches("crates/pair-wire/"));
        self.write(&original)?;
        verdict
    }

    /// Runs the tests, the quick ones first, up to the first failure.
    ///
    /// # Errors
    /// If cargo cannot be started, or a file cannot be read or written.
    pub(super) fn test(&self, brood: &Brood, with_wire: bool) -> Result<Verdict> {
        let output = self.target.join("output.txt");
        for (package, args) in self.stages(with_wire)? {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let compile = [args.as_slice(), &["--no-run"]].concat();
            if !self
                .cargo(brood, package, &compile, &output, PATIENCE_WITH_COMPILER)?
                .is_success()
            {
                eprintln!("{}", fs::read_to_string(&output).unwrap_or_default());
                return Ok(Verdict::Uncompiled(package));
            }
            let end = self.cargo(brood, package, &args, &output, PATIENCE_WITH_TESTS)?;
            if !end.is_success() {
                let said = fs::read(&output).with_context(|| format!("cannot read {}", output.display()))?;
                let said = String::from_utf8_lossy(&said);
                return Ok(match end {
                    End::Late => Verdict::Endless(package),
                    End::Success | End::Failure => Verdict::read(&self.copy, package, &said, &self.invariants),
                });
            }
        }
        Ok(Verdict::Survived)
    }

    /// Whose tests are run, in this order, and which of them.
    fn stages(&self, with_wire: bool) -> Result<Vec<(&'static str, Vec<String>)>> {
        let all = || vec!["--lib".to_owned(), "--tests".to_owned()];
        let mut stages = vec![(CORE, all())];
        if with_wire {
            stages.push((WIRE, all()));
        }
        let (mut quick, mut slow) = (vec!["--lib".to_owned()], Vec::new());
        let folder = self.copy.join("crates").join(SIM).join("tests");
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if let Some(test) = name.strip_suffix(".rs") {
                let stage = if SLOW.contains(&test) { &mut slow } else { &mut quick };
                stage.push(format!("--test={test}"));
            }
        }
        stages.extend([(SIM, quick), (SIM, slow)]);
        Ok(stages)
    }

    fn read(&self, path: &str) -> Result<String> {
        let path = self.copy.join(path);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn write(&self, files: &BTreeMap<&str, String>) -> Result<()> {
        for (path, text) in files {
            let path = self.copy.join(path);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Runs `cargo test` for a package.
    fn cargo(&self, brood: &Brood, package: &str, args: &[&str], output: &Path, patience: Duration) -> Result<End> {
        fs::create_dir_all(&self.target).with_context(|| format!("cannot make {}", self.target.display()))?;
        let file = File::create(output).with_context(|| format!("cannot write {}", output.display()))?;
        let both = file.try_clone().context("cannot share a file with cargo")?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(&self.copy)
            .env("CARGO_TARGET_DIR", &self.target)
            // Nobody looks at a mutant with a debugger.
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .env("RUST_BACKTRACE", "0")
            .args(["test", "--offline", "--package", package])
            .args(args)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(both);
        if package == CORE {
            // Its own tests play no hours, and are compiled anew for each mutant.
            cargo.arg("--config=profile.dev.package.pair-core.opt-level=0");
        }
        if let Some(jobs) = self.jobs {
            cargo.arg("--jobs").arg(jobs.to_string());
        }
        let began = Instant::now();
        let mut child = brood.house(&mut cargo).spawn().context("cannot start cargo")?;
        loop {
            if let Some(status) = child.try_wait().context("cannot wait for cargo")? {
                return Ok(if status.success() { End::Success } else { End::Failure });
            }
            if began.elapsed() > patience {
                brood.end();
                child.wait().context("cannot wait for cargo")?;
                return Ok(End::Late);
            }
            thread::sleep(POLL);
        }
    }
}

/// How a run of cargo ended.
#[derive(Clone, Copy)]
enum End {
    Success,
    Failure,
    Late,
}

impl End {
    const fn is_success(self) -> bool {
        matches!(self, Self::Success)
    }
}

/// Makes a file or folder what another one is.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
        for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
            let name = entry?.file_name();
            mirror(&from.join(&name), &to.join(&name))?;
        }
        for entry in fs::read_dir(to).with_context(|| format!("cannot read {}", to.display()))? {
            let entry = entry?;
            if !from.join(entry.file_name()).exists() {
                let path = entry.path();
                let removed = if path.is_dir() {
                    fs::remove_dir_all(&path)
                } else {
                    fs::remove_file(&path)
                };
                removed.with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        return Ok(());
    }
    let wanted = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if fs::read(to).is_ok_and(|present| present == wanted) {
        return Ok(());
    }
    fs::write(to, wanted).with_context(|| format!("cannot write {}", to.display()))
}

const CORE: &str = "pair-core";
const WIRE: &str = "pair-wire";
const SIM: &str = "pair-sim";

/// Tests of pair-sim that take as long as all others together: they come last.
const SLOW: [&str; 3] = ["detection", "model", "random"];

/// How long the tests of a package may take: some times what they need, the model included. Beyond it a mutant has made an
/// endless loop.
const PATIENCE_WITH_TESTS: Duration = Duration::from_secs(900);

/// How long the compiler may take where nothing is compiled yet.
const PATIENCE_WITH_COMPILER: Duration = Duration::from_secs(1_800);

const POLL: Duration = Duration::from_millis(20);
