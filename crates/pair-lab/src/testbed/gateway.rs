//! The router's packet filter: AWS's stateless 1:1 translation of public addresses, and what goes wrong between machines.
//!
//! An Elastic IP is translated to whoever the register says holds it, in both directions and packet by packet, as an internet
//! gateway does: no connection is tracked, so an established one breaks with a move. A node without the Elastic IP has a public
//! address of its own, by which it can probe the Elastic IP from outside. Each change is one transaction of `nft`, by which every
//! packet meets either all of the old rules or all of the new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write as _;
use std::mem;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result, ensure};

use pair_lab::{Clock, Record};

use super::network::{Host, NODE_A, NODE_B, NODE_C};
use super::place::Place;
use super::relay;

/// The filter, and what it is to do at present.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    router: Arc<Place>,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

/// A time in which the gateway began to lead Elastic IPs elsewhere: packets before it went the old way, those after it go the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// When it began, in milliseconds on the lab's clock.
    pub(crate) from_ms: u64,
    /// When it was over, in milliseconds on the lab's clock.
    pub(crate) to_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct State {
    /// The private address that holds each Elastic IP.
    holders: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// When they changed.
    turns: Vec<Turn>,
    /// Machines on whose legs of the router nothing passes.
    cut_hosts: BTreeSet<Host>,
    /// From and to, by private addresses: what is sent by the way of public ones passes.
    cut_paths: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    /// Whether nodes reach no public address of another node.
    is_hairpin_cut: bool,
    /// How much of what is sent from and to these addresses is lost, in percent.
    losses: BTreeMap<(Ipv4Addr, Ipv4Addr), u8>,
    /// Whether heartbeats pass through the relay.
    is_relayed: bool,
}

impl Gateway {
    /// Takes over the router's packet filter; everything passes, and nobody holds an Elastic IP.
    pub(crate) fn open(router: &Arc<Place>, clock: Clock) -> Result<Self> {
        let gateway = Self {
            router: Arc::clone(router),
            clock,
            state: Arc::default(),
        };
        gateway.change(|_| ())?;
        Ok(gateway)
    }

    /// Leads each Elastic IP to the private address that holds it, and any other nowhere.
    pub(crate) fn lead(&self, holders: BTreeMap<Ipv4Addr, Ipv4Addr>) -> Result<()> {
        let mut state = self.state();
        if state.holders == holders {
            return Ok(());
        }
        self.change_held(&mut state, |state| state.holders = holders)
    }

    /// When it began to lead Elastic IPs elsewhere, since it was opened.
    pub(crate) fn turns(&self) -> Vec<Turn> {
        self.state().turns.clone()
    }

    /// Cuts a machine off from everything, at once and silently.
    pub(crate) fn cut_host(&self, host: Host) -> Result<()> {
        self.change(|state| {
            state.cut_hosts.insert(host);
        })
    }

    /// Drops what is sent from one private address to the other.
    pub(crate) fn cut_path(&self, from: Ipv4Addr, to: Ipv4Addr) -> Result<()> {
        self.change(|state| {
            state.cut_paths.insert((from, to));
        })
    }

    /// Lets what is sent from one private address to the other pass again.
    pub(crate) fn heal_path(&self, from: Ipv4Addr, to: Ipv4Addr) -> Result<()> {
        self.change(|state| {
            state.cut_paths.remove(&(from, to));
        })
    }

    /// Keeps nodes from reaching each other by public addresses, too.
    pub(crate) fn cut_hairpin(&self) -> Result<()> {
        self.change(|state| state.is_hairpin_cut = true)
    }

    /// Loses so many percent of the packets between the nodes, each way and each for itself.
    pub(crate) fn lose(&self, percent: u8) -> Result<()> {
        self.change(|state| {
            state.losses.extend(WAYS.map(|way| (way, percent)));
        })
    }

    /// Sends the heartbeats of both nodes through the relay.
    pub(crate) fn relay(&self) -> Result<()> {
        self.change(|state| state.is_relayed = true)
    }

    /// Ends every fault; Elastic IPs stay where they lead.
    pub(crate) fn heal(&self) -> Result<()> {
        self.change(|state| {
            *state = State {
                holders: mem::take(&mut state.holders),
                turns: mem::take(&mut state.turns),
                ..State::default()
            }
        })
    }

    /// Changes the state and the filter with it. The lock is held meanwhile, so that the last change wins in both.
    fn change(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        self.change_held(&mut self.state(), change)
    }

    fn change_held(&self, state: &mut State, change: impl FnOnce(&mut State)) -> Result<()> {
        state.change(self.clock, change, |rules| self.router.run(move || apply(&rules)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether a request was under way then. Its packets came to two nodes, of which the second one knows of no connection.
    pub(crate) fn cuts(&self, request: &Record) -> bool {
        request.started_ms <= self.to_ms && request.ended_ms >= self.from_ms
    }
}

impl State {
    /// Changes what is to be done, and has the filter do it. What failed is as if nobody had asked for it: the filter still does what it
    /// did, and who asks again is not told that it is done.
    fn change(
        &mut self,
        clock: Clock,
        change: impl FnOnce(&mut Self),
        apply: impl FnOnce(String) -> Result<()>,
    ) -> Result<()> {
        let mut changed = self.clone();
        change(&mut changed);
        let from_ms = clock.ms();
        apply(changed.rules())?;
        if changed.holders != self.holders {
            let to_ms = clock.ms();
            changed.turns.push(Turn { from_ms, to_ms });
        }
        *self = changed;
        Ok(())
    }

    /// Writes the whole filter. Its rules replace those before in one transaction, and the chains stay where they are: of two that take
    /// each other's place, a packet could meet both or neither.
    fn rules(&self) -> String {
        let mut rules = format!("{CHAINS}flush table ip lab\ntable ip lab {{\nchain arriving {{\n");
        for host in &self.cut_hosts {
            let legs = legs(*host);
            line(&mut rules, format_args!("iifname {legs} drop"));
        }
        // No connection is tracked: neither does an internet gateway.
        line(&mut rules, format_args!("notrack"));
        for (from, to) in &self.cut_paths {
            line(&mut rules, format_args!("ip saddr {from} ip daddr {to} drop"));
        }
        if self.is_hairpin_cut {
            line(&mut rules, format_args!("ip saddr {NODES} ip daddr {PUBLIC} drop"));
        }
        for ((from, to), percent) in &self.losses {
            line(
                &mut rules,
                format_args!("ip saddr {from} ip daddr {to} numgen random mod 100 < {percent} drop"),
            );
        }
        if self.is_relayed {
            for (from, to) in WAYS {
                let (relay, port) = (relay::address_for(from), relay::HEARTBEATS);
                line(
                    &mut rules,
                    format_args!("ip saddr {from} ip daddr {to} udp dport {port} ip daddr set {relay}"),
                );
            }
        }
        let own = [
            (NODE_A.address, PUBLIC_OF_A),
            (NODE_B.address, PUBLIC_OF_B),
            (NODE_C.address, PUBLIC_OF_C),
        ];
        let own = own
            .into_iter()
            .filter(|(node, _)| !self.holders.values().any(|holder| holder == node));
        let held = self.holders.iter().map(|(elastic, holder)| (*holder, *elastic));
        let public: Vec<_> = held.chain(own).collect();
        // Every source before any destination: by its destination is told whether a packet leaves by the gateway.
        for (node, public) in &public {
            line(
                &mut rules,
                format_args!("ip saddr {node} ip daddr {{ {PUBLIC}, {INTERNET} }} ip saddr set {public}"),
            );
        }
        for (node, public) in public {
            line(&mut rules, format_args!("ip daddr {public} ip daddr set {node}"));
        }
        // What is nobody's goes nowhere, without a word.
        line(&mut rules, format_args!("ip daddr {PUBLIC} drop"));
        rules.push_str("}\nchain leaving {\n");
        for host in &self.cut_hosts {
            let legs = legs(*host);
            line(&mut rules, format_args!("oifname {legs} drop"));
        }
        for (sender, _) in WAYS.into_iter().filter(|_| self.is_relayed) {
            let relay = relay::address_for(sender);
            line(&mut rules, format_args!("ip saddr {relay} ip saddr set {sender}"));
        }
        rules.push_str("}\n}\n");
        rules
    }
}

/// Both legs of a machine, as a set of the filter's; one that it does not have is met by nothing.
fn legs(host: Host) -> String {
    format!("{{ \"{}\", \"{}\" }}", host.name, host.second_leg())
}

fn line(rules: &mut String, line: fmt::Arguments<'_>) {
    fmt::Write::write_fmt(rules, format_args!("{line}\n")).expect("a string takes everything");
}

/// Has `nft` apply rules in one transaction, in the calling thread's network.
pub(super) fn apply(rules: &str) -> Result<()> {
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start nft")?;
    let mut stdin = nft.stdin.take().expect("stdin was asked to be piped");
    stdin.write_all(rules.as_bytes()).context("cannot write to nft")?;
    drop(stdin);
    let output = nft.wait_with_output().context("cannot wait for nft")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "nft refused:\n{rules}{said}");
    Ok(())
}

/// Where the rules stand.
const CHAINS: &str = "table ip lab {
chain arriving { type filter hook prerouting priority raw; policy accept; }
chain leaving { type filter hook postrouting priority filter; policy accept; }
}
";

/// From one node to the other.
const WAYS: [(Ipv4Addr, Ipv4Addr); 2] = [(NODE_A.address, NODE_B.address), (NODE_B.address, NODE_A.address)];

/// The public addresses that the nodes have while they do not hold the Elastic IP.
const PUBLIC_OF_A: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 11);
const PUBLIC_OF_B: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 12);
const PUBLIC_OF_C: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 13);
/// AWS's public addresses in this world, and everybody else's.
const PUBLIC: &str = "203.0.113.0/24";
const INTERNET: &str = "198.51.100.0/24";
const NODES: &str = "{ 10.0.1.10, 10.0.2.10, 10.0.4.10 }";

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use anyhow::bail;
    use pair_lab::Verdict;

    use super::*;

    #[test]
    fn a_turn_cuts_the_requests_that_were_under_way_at_any_moment_of_it() {
        let turn = Turn {
            from_ms: 100,
            to_ms: 110,
        };
        let cases = [
            ("over just before it", 90, 99, false),
            ("answered as it began", 90, 100, true),
            ("under way as it began", 98, 104, true),
            ("longer than it", 90, 120, true),
            ("in the midst of it", 103, 107, true),
            ("as long as it", 100, 110, true),
            ("under way as it ended", 108, 360, true),
            ("begun as it ended", 110, 360, true),
            ("begun just after it", 111, 361, false),
        ];
        for (when, started_ms, ended_ms, is_cut) in cases {
            let verdict = Verdict::Failed;
            let request = Record {
                started_ms,
                ended_ms,
                verdict,
            };
            assert_eq!(turn.cuts(&request), is_cut, "{when}");
        }
    }

    #[test]
    fn what_the_filter_refused_is_as_if_nobody_had_asked_for_it() {
        let clock = Clock::new(Instant::now());
        let elastic = Ipv4Addr::new(203, 0, 113, 10);
        let lead = |state: &mut State| state.holders = BTreeMap::from([(elastic, NODE_A.address)]);
        let mut state = State::default();
        let refused = state.change(clock, lead, |_| bail!("nft refused"));
        assert!(refused.is_err());
        assert_eq!(state, State::default());
        state.change(clock, lead, |_| Ok(())).unwrap();
        assert_eq!(state.holders, BTreeMap::from([(elastic, NODE_A.address)]));
        assert_eq!(state.turns.len(), 1);
    }

    #[test]
    fn a_fault_and_its_end_are_no_turns() {
        let clock = Clock::new(Instant::now());
        let mut state = State::default();
        for is_cut in [true, false] {
            state
                .change(clock, |state| state.is_hairpin_cut = is_cut, |_| Ok(()))
                .unwrap();
        }
        assert_eq!(state, State::default());
    }
}
