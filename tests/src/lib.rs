//! The harness of the end-to-end tests: a pair of real processes, and the verbs to do things to it.
//!
//! ```text
//!   Pair ─┬─ Lab: EC2 and IMDS on loopback, emulated or moto; the published address; faults; request log
//!         ├─ Node a: `paird run`, a service      each in a part of 127.0.0.0/8 that no other test has
//!         ├─ Node b: `paird run`, a service
//!         └─ Watch: reads `pairctl status --json` of both every 50 ms, and compares with who really holds the address
//! ```
//!
//! A test says what happens and what must come of it; nothing in a test sleeps, every wait is for a condition with a
//! deadline. A pair that is dropped ends its processes by their ids, prints for how long a status told a wrong holder,
//! and fails the test if that was longer than [`Watch::BOUND`]. If the test has failed, or `PAIRD_E2E_LOGS` is set, it prints
//! every log as well.

mod backend;
mod beats;
mod binaries;
mod config;
mod cut;
mod doctor;
mod fake_clock;
mod first_config;
mod fleet;
mod flood;
mod full_disk;
mod manual;
mod namespace;
mod node;
mod pair;
mod process;
mod quarter;
mod raw;
mod record;
mod scenario;
mod setup;
mod speaker;
mod turn;
mod user;
mod visitors;
mod wait;
mod watch;
mod witness;
mod witness_flood;

pub use backend::{Backend, NOT_ON_HOST, cfn_lint};
pub use beats::{Beats, Heard};
pub use binaries::{Ran, pair_lab, pair_sim, pairctl, paird, xtask};
pub use config::{PAIR_NAME, PORT, TAG};
pub use cut::Cut;
pub use doctor::{Diagnosed, Doctor};
pub use fake_clock::FakeClock;
pub use fleet::{Fleet, Stack};
pub use flood::{Ammunition, Flood, Sent};
pub use full_disk::FullDisk;
pub use manual::{Block, blocks, repository};
pub use namespace::lab_obstacle;
pub use pair::{Pair, has_problem, of};
pub use pair_lab::{Action, Announcement, Fault, LogEntry, Purchase, Scope, Target};
pub use scenario::{Stage, is_skipped, run};
pub use setup::Setup;
pub use speaker::{Recording, Speaker};
pub use user::User;
pub use visitors::{Visited, Visitors};
pub use wait::{DEADLINE, eventually, stays};
pub use watch::{Disagreement, Findings, Watch, worst_of_all};
pub use witness_flood::WitnessFlood;

/// Makes a test of each scenario on each stage: `on_stages! { emulator, moto: a_scenario, another; }`.
///
/// The tests are called `emulator::a_scenario`, `moto::a_scenario` and so on; a stage is a variant of [`Stage`].
#[macro_export]
macro_rules! on_stages {
    (@stage emulator) => { $crate::Stage::Emulator };
    (@stage moto) => { $crate::Stage::Moto };
    (@stage namespace) => { $crate::Stage::Namespace };
    (@stage haproxy) => { $crate::Stage::Haproxy };
    ($($stage:ident: $($scenario:ident),+ $(,)?;)+) => {
        $(mod $stage {
            $(#[test]
            fn $scenario() {
                $crate::run($crate::on_stages!(@stage $stage), super::$scenario);
            })+
        })+
    };
}
