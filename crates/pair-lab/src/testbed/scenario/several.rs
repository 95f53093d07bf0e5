//! A pair with two addresses, one on each node: either survives alone.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pair_lab::{Client, Holder, LogEntry, Target};

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::network::SECOND_ELASTIC_IP;
use super::super::paird;
use super::super::traffic::failed;
use super::{PATIENCE, Scenario, count, ms};

/// Either host dies, and exactly its address moves.
pub(super) const MUTUAL_BACKUP: Scenario = Scenario {
    name: "mutual-backup",
    story: "each node holds one of two addresses; the host of one dies, comes back and gets its address again by order, then the host of \
            the other: each time exactly its address moves, and the survivor's own is neither moved nor claimed nor once unanswered",
    runs: 10,
    limits: |holdtime| {
        vec![
            Limit::median("outage_ms", ms(holdtime) + 60),
            Limit::median("second_outage_ms", ms(holdtime) + 60),
            Limit::every("moves", 2),
            Limit::every("others_moves", 0),
            Limit::every("others_claims", 0),
            Limit::every("others_failed", 0),
        ]
    },
    play: |bed| {
        let holder = bed.holder()?;
        let other = bed.other(&holder);
        let pair = Pair::share_out(bed, other)?;
        let mut figures = Figures::from([
            ("moves", 0),
            ("others_moves", 0),
            ("others_claims", 0),
            ("others_failed", 0),
        ]);
        let [first, second] = [&pair.first, &pair.second].map(Clone::clone);
        strike(bed, &holder, &first, &second, "outage_ms", &mut figures)?;
        bed.gateway().heal()?;
        bed.revive()?;
        bed.settle()?;
        let ordered = bed
            .node(other)?
            .pairctl(&["failover", "--address", &first, "--to", &holder])?;
        let said = String::from_utf8_lossy(&ordered.stderr);
        ensure!(ordered.status.success(), "the first address did not come back: {said}");
        bed.settle()?;
        bed.pass(WATCHED)?;
        strike(bed, other, &second, &first, "second_outage_ms", &mut figures)?;
        bed.traffic_mut().ask_second(false);
        paird::prepare_second(bed, None)?;
        Ok(figures)
    },
};

/// The allocation ids of the two addresses.
struct Pair {
    first: String,
    second: String,
}

impl Pair {
    /// Gives the pair a second address, held by this node, and waits until both nodes are content.
    fn share_out(bed: &mut Testbed, holder: &str) -> Result<Self> {
        let first = bed.lab().allocation_id().to_owned();
        // The third host, of other scenarios, needs none.
        let mut pair = bed.lab().world().nodes.iter().take(2);
        let has_room = pair.all(|node| node.private_ips.len() > 1);
        ensure!(
            has_room,
            "two addresses need a second private address, which only the emulator knows of"
        );
        let addresses = bed.lab().addresses();
        let known = addresses.iter().find(|address| address.public_ip == SECOND_ELASTIC_IP);
        let second = match known {
            Some(address) => address.allocation_id.clone(),
            None => bed.lab().allocate_address(SECOND_ELASTIC_IP)?,
        };
        let host = bed.node(holder)?.host();
        bed.lab()
            .place_address(&second, &Target::At(holder.to_owned(), host.second()))?;
        paird::prepare_second(bed, Some(&second))?;
        bed.traffic_mut().ask_second(true);
        for at in 0..bed.nodes().len() {
            bed.start_agent(at)?;
        }
        bed.settle()?;
        bed.pass(WATCHED)?;
        Ok(Self { first, second })
    }
}

/// Lets a host die, waits until the other one answers at its address, and looks at what became of the other address meanwhile.
fn strike(
    bed: &mut Testbed,
    host: &str,
    its: &str,
    others: &str,
    outage: &'static str,
    figures: &mut Figures,
) -> Result<()> {
    let by = bed.other(host);
    bed.pass_by_chance()?;
    let struck_ms = bed.lab().clock_ms();
    bed.kill_host(host)?;
    let landed = bed.interrupt().until("the takeover", PATIENCE, || {
        let is_there = bed.lab().holder_of(its) == Some(Holder::Node(by.to_owned()));
        let found = client_of(bed, its)?.outage_of_move(by, struck_ms);
        Ok(found.filter(|_| is_there))
    })?;
    figures.insert(outage, landed.ms());
    // As long again, in which nothing more may move.
    bed.pass(WATCHED)?;
    let until_ms = bed.lab().clock_ms();
    let log = bed.lab().log();
    let is_others = |entry: &&LogEntry| {
        let is_claim = entry.action == "AssociateAddress" || entry.action == "DisassociateAddress";
        let is_about_its = entry.params.get("AllocationId").is_some_and(|id| id == its);
        entry.ms >= struck_ms && is_claim && !entry.dry_run && !is_about_its
    };
    let counted = [
        ("moves", bed.moves_of(its, struck_ms).len()),
        ("others_moves", bed.moves_of(others, struck_ms).len()),
        ("others_claims", log.iter().filter(is_others).count()),
        (
            "others_failed",
            failed(client_of(bed, others)?, struck_ms, until_ms - ANSWERED),
        ),
    ];
    for (name, more) in counted {
        *figures.entry(name).or_default() += count(more);
    }
    Ok(())
}

/// The client of an address.
fn client_of<'b>(bed: &'b Testbed, allocation_id: &str) -> Result<&'b Client> {
    if allocation_id == bed.lab().allocation_id() {
        return Ok(bed.traffic().client());
    }
    bed.traffic().second().context("nobody asks the second address")
}

/// How long is looked on before and after a strike.
const WATCHED: Duration = Duration::from_secs(3);

/// What began so many milliseconds ago has been answered or given up.
const ANSWERED: u64 = 300;
