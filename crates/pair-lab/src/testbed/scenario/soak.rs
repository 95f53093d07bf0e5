//! Random faults for as long as one likes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pair_lab::{Action, Fault, Scope};
use rustix::process::Signal;

use super::super::bed::Testbed;
use super::super::chance::Chance;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::super::network::{NODE_A, NODE_B};
use super::{PATIENCE, Scenario, count, ms};

/// One fault after the other, those that kill and those that must not matter.
pub(super) const SOAK: Scenario = Scenario {
    name: "soak",
    story: "random faults for 30 min (--minutes, --seed): every death fails over, nothing else moves the address, and no agent grows by \
            more than 5 %",
    runs: 1,
    limits: |_| {
        vec![
            Limit::every("lost_failovers", 0),
            Limit::every("needless_moves", 0),
            Limit::every("growth_permille", 50),
        ]
    },
    play: |bed| {
        let (time, seed) = bed.soak();
        eprintln!("soak: {} min, seed {seed}", time.as_secs() / 60);
        Soak::new(seed).go_on(bed, time)
    },
};

/// What has been seen so far.
struct Soak {
    chance: Chance,
    faults: usize,
    deaths: usize,
    lost: usize,
    needless: usize,
    last_death_ms: Option<u64>,
    /// The resident size of each agent by its process: when it had warmed up, and the last one.
    sizes: BTreeMap<i32, Size>,
}

struct Size {
    born_ms: u64,
    warm: Option<u64>,
    last: u64,
}

/// What does not move the address.
#[derive(Debug, Clone, Copy)]
enum Nuisance {
    KilledAgent,
    PausedAgent,
    RestartedAgent,
    CutPath,
    OneWayPath,
    Loss,
    SlowApi,
    ThrottledApi,
    NoImds,
}

impl Soak {
    fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
            faults: 0,
            deaths: 0,
            lost: 0,
            needless: 0,
            last_death_ms: None,
            sizes: BTreeMap::new(),
        }
    }

    fn go_on(mut self, bed: &mut Testbed, time: Duration) -> Result<Figures> {
        let until_ms = bed.lab().clock_ms() + ms(time);
        while bed.lab().clock_ms() < until_ms {
            let now_ms = bed.lab().clock_ms();
            // Three moves in ten minutes are what the budget has (F-15); more deaths would wait for it.
            let may_kill = self.last_death_ms.is_none_or(|last| now_ms - last > ms(BETWEEN_DEATHS));
            self.faults += 1;
            if may_kill && self.chance.below(4) == 0 {
                self.kill(bed)?;
            } else {
                self.annoy(bed)?;
            }
            self.recover(bed)?;
            self.weigh(bed)?;
        }
        Ok(Figures::from([
            ("faults", count(self.faults)),
            ("deaths", count(self.deaths)),
            ("lost_failovers", count(self.lost)),
            ("needless_moves", count(self.needless)),
            ("growth_permille", self.growth_permille()),
            (
                "size_kib",
                self.sizes.values().map(|size| size.last).max().unwrap_or_default(),
            ),
        ]))
    }

    /// A host dies, and the other one must take over.
    fn kill(&mut self, bed: &mut Testbed) -> Result<()> {
        let holder = bed.holder()?;
        let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
        self.deaths += 1;
        self.last_death_ms = Some(bed.lab().clock_ms());
        if !takeover.came_to_pass() {
            self.lost += 1;
            eprintln!("soak: the death of {holder} did not fail over\n{}", bed.logs());
        }
        Ok(())
    }

    /// Something goes wrong that must not matter.
    fn annoy(&mut self, bed: &mut Testbed) -> Result<()> {
        const NUISANCES: [Nuisance; 9] = [
            Nuisance::KilledAgent,
            Nuisance::PausedAgent,
            Nuisance::RestartedAgent,
            Nuisance::CutPath,
            Nuisance::OneWayPath,
            Nuisance::Loss,
            Nuisance::SlowApi,
            Nuisance::ThrottledApi,
            Nuisance::NoImds,
        ];
        let choice = self.chance.below(NUISANCES.len() as u64);
        let nuisance = NUISANCES[usize::try_from(choice).context("an index is small")?];
        let (node, other) = if self.chance.below(2) == 0 {
            (NODE_A, NODE_B)
        } else {
            (NODE_B, NODE_A)
        };
        let time = self.chance.between(Duration::from_secs(2), Duration::from_secs(12));
        let since_ms = bed.lab().clock_ms();
        match nuisance {
            Nuisance::KilledAgent => bed.node_mut(node.name)?.kill_agent(),
            Nuisance::RestartedAgent => {
                bed.node(node.name)?.signal_agent(Signal::TERM)?;
                bed.pass(Duration::from_millis(500))?;
                bed.revive()?;
            }
            Nuisance::PausedAgent => bed.node(node.name)?.signal_agent(Signal::STOP)?,
            Nuisance::CutPath => {
                bed.gateway().cut_path(node.address, other.address)?;
                bed.gateway().cut_path(other.address, node.address)?;
            }
            Nuisance::OneWayPath => bed.gateway().cut_path(node.address, other.address)?,
            Nuisance::Loss => bed.gateway().lose(30)?,
            Nuisance::SlowApi => {
                let slow = Fault::Latency(Duration::from_secs(2));
                bed.lab().faults().set(Scope::All, Action::Any, slow);
            }
            Nuisance::ThrottledApi => bed.lab().faults().set(Scope::All, Action::Any, Fault::Throttle),
            Nuisance::NoImds => bed.lab().faults().set(Scope::All, Action::Imds, Fault::Refuse),
        }
        bed.pass(time)?;
        if matches!(nuisance, Nuisance::PausedAgent) {
            bed.node(node.name)?.signal_agent(Signal::CONT)?;
        }
        bed.gateway().heal()?;
        bed.lab().faults().clear_all();
        // What a fault sets off may come after it.
        bed.pass(AFTERWARDS)?;
        let moves = bed.moves(since_ms).len();
        if moves > 0 {
            self.needless += moves;
            eprintln!(
                "soak: {nuisance:?} on {} for {time:?} moved the address\n{}",
                node.name,
                bed.logs()
            );
        }
        Ok(())
    }

    /// Whatever is dead is started again, and everybody comes to rest.
    fn recover(&self, bed: &mut Testbed) -> Result<()> {
        bed.gateway().heal()?;
        bed.revive()?;
        bed.settle()
    }

    /// Notes how large the agents are.
    fn weigh(&mut self, bed: &Testbed) -> Result<()> {
        let now_ms = bed.lab().clock_ms();
        for node in bed.nodes() {
            let agent = node.agent()?;
            let resident = agent.resident_kib().context("cannot weigh an agent")?;
            let size = self.sizes.entry(agent.id().as_raw_nonzero().get()).or_insert(Size {
                born_ms: now_ms,
                warm: None,
                last: resident,
            });
            size.last = resident;
            if now_ms - size.born_ms >= ms(WARM_UP) {
                size.warm.get_or_insert(resident);
            }
        }
        Ok(())
    }

    /// How much the agent that grew most has grown since it was warm, in thousandths.
    fn growth_permille(&self) -> u64 {
        let growths = self.sizes.values().filter_map(|size| {
            let warm = size.warm?;
            Some(size.last.saturating_sub(warm) * 1000 / warm)
        });
        growths.max().unwrap_or_default()
    }
}

/// Four deaths in ten minutes are never reached.
const BETWEEN_DEATHS: Duration = Duration::from_secs(210);
/// More than the holdtime, and than the pauses between attempts.
const AFTERWARDS: Duration = Duration::from_secs(3);
/// After this an agent has done everything once, and its flight recorder holds a good part of what it will.
const WARM_UP: Duration = Duration::from_secs(120);
