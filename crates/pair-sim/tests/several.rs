//! A pair with two addresses: each fails over by itself, and what a host or its network suffers is suffered by both.

use std::time::Duration;

use pair_core::{Alarm, Event, Link, Member, Reason, Rule, Verdict};
use pair_sim::{A, Action, B, Fault, Limit, Limits, Owner, Pair, Service, Settings};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// Each node holds one address, and backs the other one up.
fn mutual(seed: u64) -> Pair {
    Pair::mutual(&Settings::default(), seed)
}

fn unprobed(seed: u64) -> Pair {
    let settings = Settings {
        probe_timeout: None,
        ..Settings::default()
    };
    Pair::mutual(&settings, seed)
}

fn at(members: [Member; 2]) -> Vec<Option<Owner>> {
    members.map(|member| Some(Owner::Member(member))).to_vec()
}

/// The address that a member holds in a mutual backup.
const fn own(member: Member) -> usize {
    member.index()
}

/// Whether a node says that it holds an address, and would say so if it had ever doubted it.
fn has_served_throughout(pair: &Pair, address: usize, member: Member) -> bool {
    let world = pair.address(address);
    let lost = world.told(member, |event| {
        matches!(event, Event::HolderChanged { from: Some(from), .. } if *from == pair_core::Holder::Member(member))
    });
    world.view(member).is_active == Some(true) && !lost
}

fn await_owners(pair: &mut Pair, limit: Duration, owners: [Member; 2]) -> Duration {
    let taken = pair.run_until(limit, |pair| pair.owners() == at(owners));
    taken.unwrap_or_else(|| panic!("{:?} within {limit:?}", pair.owners()))
}

#[test]
fn the_death_of_either_node_moves_exactly_its_address() {
    for seed in 0..10 {
        for dead in Member::BOTH {
            let mut pair = mutual(seed);
            assert_eq!(
                pair.owners(),
                at([A, B]),
                "each is at the member that is preferred for it"
            );
            let survivor = dead.peer();
            let holds = pair.address(own(survivor)).ec2().history().len();
            pair.strike(Fault::CrashHost(dead));
            let taken = await_owners(&mut pair, SECOND * 3, [survivor; 2]);
            assert!(taken <= MS * 1_150, "seed {seed}: {taken:?}");
            pair.run_for(SECOND * 600);
            assert_eq!(pair.owners(), at([survivor; 2]));
            let decision = &pair.address(own(dead)).claims()[1].decision;
            assert_eq!(decision.rule, Rule::F6a, "seed {seed}");
            let mut claims = [1, 1];
            claims[own(dead)] += 1;
            assert_eq!(
                pair.claims(),
                claims,
                "the survivor's own is neither claimed nor released"
            );
            assert_eq!(pair.address(own(survivor)).ec2().history().len(), holds);
            assert!(has_served_throughout(&pair, own(survivor), survivor));
        }
    }
}

#[test]
fn one_after_the_other_dies_and_nothing_but_what_the_dead_held_moves() {
    for seed in 0..5 {
        let mut pair = mutual(seed);
        pair.strike(Fault::CrashHost(A));
        await_owners(&mut pair, SECOND * 3, [B, B]);
        pair.strike(Fault::Restart(A));
        pair.run_for(SECOND * 30);
        assert!(pair.is_settled());
        pair.strike(Fault::CrashHost(B));
        let taken = await_owners(&mut pair, SECOND * 3, [A, A]);
        assert!(taken <= MS * 1_150, "seed {seed}: {taken:?}");
        assert_eq!(pair.claims(), [3, 2], "both moved with the host that held both");
    }
}

#[test]
fn a_cut_path_between_two_holders_that_serve_moves_nothing() {
    for seed in 0..10 {
        for cut in [Fault::Partition, Fault::PartitionOneway(A), Fault::PartitionOneway(B)] {
            let mut pair = mutual(seed);
            pair.strike(cut);
            pair.run_for(SECOND * 60);
            assert_eq!(
                (pair.owners(), pair.claims()),
                (at([A, B]), vec![1, 1]),
                "seed {seed}: {cut:?}"
            );
            pair.strike(Fault::Heal);
            pair.run_for(SECOND * 60);
            assert_eq!(pair.claims(), [1, 1]);
            assert!(pair.is_settled());
            assert!(has_served_throughout(&pair, 0, A) && has_served_throughout(&pair, 1, B));
        }
    }
}

#[test]
fn a_witness_keeps_both_where_they_are_through_a_cut_in_which_nothing_is_probed() {
    let settings = Settings {
        probe_timeout: None,
        ..Settings::default()
    };
    for seed in 0..10 {
        let mut pair = Pair::mutual(&settings.clone().with_witnesses(1), seed);
        pair.strike(Fault::Partition);
        pair.run_for(SECOND * 60);
        assert_eq!((pair.owners(), pair.claims()), (at([A, B]), vec![1, 1]), "seed {seed}");
    }
}

/// Each takes what the other one holds: to a node that nothing contradicts, a silence is a death. Each silence does so once.
#[test]
fn a_cut_that_nothing_contradicts_moves_each_of_them_once_and_never_back() {
    for seed in 0..10 {
        let mut pair = unprobed(seed);
        pair.strike(Fault::Partition);
        pair.run_for(SECOND * 600);
        assert_eq!((pair.owners(), pair.claims()), (at([B, A]), vec![2, 2]), "seed {seed}");
        pair.strike(Fault::Heal);
        pair.run_for(SECOND * 600);
        assert_eq!((pair.owners(), pair.claims()), (at([B, A]), vec![2, 2]), "seed {seed}");
    }
}

#[test]
fn a_host_that_stood_still_loses_its_own_address_and_takes_nothing_when_it_goes_on() {
    for seed in 0..10 {
        for frozen in Member::BOTH {
            let mut pair = mutual(seed);
            pair.strike(Fault::Suspend(frozen));
            await_owners(&mut pair, SECOND * 70, [frozen.peer(); 2]);
            pair.strike(Fault::Resume(frozen));
            pair.run_for(SECOND * 120);
            assert_eq!(pair.owners(), at([frozen.peer(); 2]), "seed {seed}");
            for address in pair.addresses() {
                assert!(address.claims()[1..].iter().all(|claim| claim.by != frozen));
                assert_eq!(address.view(frozen).is_active, Some(false));
            }
            assert!(pair.is_settled());
        }
    }
}

#[test]
fn a_budget_that_is_spent_on_one_address_does_not_stop_the_other() {
    let mut pair = mutual(1);
    // The first address moves at the three deaths, the second one at the last of them only.
    for (dead, brought_back) in [(A, true), (B, true), (A, false)] {
        pair.strike(Fault::CrashHost(dead));
        await_owners(&mut pair, SECOND * 3, [dead.peer(); 2]);
        pair.strike(Fault::Restart(dead));
        pair.run_for(SECOND * 10);
        if brought_back {
            pair.strike_at(1, Fault::Order(dead, dead));
            pair.run_for(SECOND * 5);
            assert!(pair.address(1).holds(dead));
            pair.strike_at(1, Fault::Order(dead.peer(), dead.peer()));
            pair.run_for(SECOND * 5);
        }
    }
    let moves = [0, 1].map(|address| pair.address(address).view(B).moves);
    assert_eq!(pair.owners(), at([B, B]));
    assert!(moves[0] == 3 && moves[1] < 3, "{moves:?}");
    pair.strike(Fault::CrashHost(B));
    let taken = pair.run_until(SECOND * 3, |pair| pair.address(1).holds(A)).unwrap();
    assert!(taken <= MS * 1_150, "{taken:?}");
    pair.run_for(SECOND * 10);
    let waiting = pair.address(0).view(A).decision;
    assert_eq!(
        (waiting.rule, waiting.verdict),
        (Rule::F15, Verdict::Alarm(Alarm::OverBudget))
    );
    let taken = await_owners(&mut pair, SECOND * 60, [A, A]);
    assert!(taken >= SECOND * 15, "half a minute and a holdtime in all: {taken:?}");
}

#[test]
fn a_hold_on_one_address_keeps_that_one_alone() {
    let mut pair = mutual(2);
    let settled = pair.claims();
    pair.strike(Fault::CrashHost(B));
    await_owners(&mut pair, SECOND * 3, [A, A]);
    pair.strike(Fault::Restart(B));
    pair.run_for(SECOND * 20);
    pair.strike_at(1, Fault::HoldFor(B, SECOND * 300));
    pair.run_for(SECOND * 5);
    pair.strike(Fault::CrashHost(A));
    pair.run_for(SECOND * 60);
    assert_eq!(pair.owners(), at([B, A]));
    let held = pair.address(1).view(B).decision;
    assert_eq!((held.rule, held.verdict), (Rule::F14, Verdict::Alarm(Alarm::OnHold)));
    assert_eq!(pair.claims(), [settled[0] + 1, settled[1] + 1]);
}

#[test]
fn an_order_moves_the_address_that_it_names() {
    let mut pair = mutual(3);
    pair.strike_at(1, Fault::Order(A, A));
    let taken = await_owners(&mut pair, SECOND * 5, [A, A]);
    assert!(taken <= SECOND, "{taken:?}");
    pair.run_for(SECOND * 600);
    assert_eq!((pair.owners(), pair.claims()), (at([A, A]), vec![1, 2]));
}

#[test]
fn who_leaves_hands_over_what_it_holds_and_the_other_one_keeps_its_own() {
    for seed in 0..10 {
        for leaver in Member::BOTH {
            let (mut pair, stays) = (mutual(seed), leaver.peer());
            pair.strike(Fault::Leave(leaver));
            let taken = await_owners(&mut pair, SECOND * 5, [stays; 2]);
            assert!(taken <= SECOND, "seed {seed}: {taken:?}");
            assert_eq!(pair.address(own(leaver)).claims()[1].decision.rule, Rule::F6b);
            let is_away = |pair: &Pair| pair.addresses().iter().all(|address| address.view(leaver).is_leaving);
            assert!(is_away(&pair), "of both addresses");
            pair.run_for(SECOND * 60);
            pair.strike(Fault::Join(leaver));
            pair.run_for(SECOND * 60);
            assert!(!is_away(&pair));
            assert_eq!(pair.owners(), at([stays; 2]), "unasked it goes to nobody (F-19)");
            let mut claims = [1, 1];
            claims[own(leaver)] += 1;
            assert_eq!(pair.claims(), claims, "seed {seed}");
            assert!(has_served_throughout(&pair, own(stays), stays));
        }
    }
}

/// What an operator is told is a refusal: one of them is still here. What could go has gone.
#[test]
fn an_address_that_cannot_go_does_not_keep_the_other_one() {
    let mut pair = mutual(4);
    pair.strike_at(0, Fault::Order(B, B));
    pair.run_for(SECOND * 5);
    assert_eq!(pair.owners(), at([B, B]));
    pair.strike_at(1, Fault::Ready(A, false));
    pair.run_for(SECOND);
    pair.strike(Fault::Leave(B));
    pair.run_for(SECOND * 60);
    assert_eq!(pair.owners(), at([A, B]));
    let leaving = [0, 1].map(|address| pair.address(address).view(B).is_leaving);
    assert_eq!(leaving, [true, false]);
}

#[test]
fn a_host_that_ends_hands_over_what_it_holds() {
    for ending in Member::BOTH {
        let (mut pair, stays) = (mutual(5), ending.peer());
        pair.strike(Fault::EndHost(ending, true));
        let taken = await_owners(&mut pair, SECOND * 5, [stays; 2]);
        assert!(taken <= SECOND, "{taken:?}");
        pair.strike(Fault::CrashHost(ending));
        pair.run_for(SECOND * 60);
        assert_eq!(pair.claims().iter().sum::<usize>(), 3);
        assert!(has_served_throughout(&pair, own(stays), stays));
    }
}

#[test]
fn a_service_that_dies_takes_both_addresses_of_its_host_with_it_and_none_of_the_other() {
    let mut pair = mutual(6);
    pair.strike_at(1, Fault::Order(A, A));
    pair.run_for(SECOND * 5);
    pair.strike(Fault::Service(A, Service::Gone));
    let taken = await_owners(&mut pair, SECOND * 2, [B, B]);
    assert!(taken <= MS * 400, "{taken:?}");
    let by = pair
        .addresses()
        .iter()
        .map(|address| address.claims().last().unwrap().decision.rule);
    assert_eq!(by.collect::<Vec<_>>(), [Rule::F6c; 2]);

    let mut pair = mutual(7);
    pair.strike(Fault::Service(A, Service::Gone));
    await_owners(&mut pair, SECOND * 2, [B, B]);
    assert_eq!(pair.claims(), [2, 1]);
}

#[test]
fn a_restart_of_the_agent_is_announced_for_each_address_and_moves_none() {
    for seed in 0..10 {
        let mut pair = unprobed(seed);
        for _ in 0..10 {
            pair.strike(Fault::Stop(A));
            let is_over = |pair: &Pair| pair.addresses().iter().all(|address| address.host(A).node().is_none());
            let took = pair.run_until(SECOND, is_over).unwrap();
            assert!(took <= MS * 30, "{took:?}");
            pair.run_for(SECOND * 3);
            for address in pair.addresses() {
                let expected = if address.holds(A) {
                    Verdict::Wait(Reason::PeerRestarts)
                } else {
                    Verdict::Serve
                };
                assert_eq!(address.view(B).decision.verdict, expected);
            }
            pair.run_for(SECOND * 3);
            pair.start(A);
            pair.run_for(SECOND * 10);
        }
        assert_eq!((pair.owners(), pair.claims()), (at([A, B]), vec![1, 1]), "seed {seed}");
    }
}

/// One core has nothing left to do at once, the other one is not heard: the daemon waits for the slower of them, and no longer.
#[test]
fn a_daemon_ends_when_each_of_its_cores_may() {
    let mut pair = unprobed(8);
    pair.strike(Fault::Partition);
    pair.strike(Fault::Stop(A));
    let nodes = |pair: &Pair| [0, 1].map(|address| pair.address(address).host(A).node().is_some());
    while nodes(&pair) == [true; 2] {
        pair.run_for(MS);
    }
    assert_eq!(nodes(&pair), [false; 2], "one process");
}

#[test]
fn a_node_that_returns_gets_its_address_back_where_that_is_asked_for_and_no_other() {
    let settings = Settings {
        preempt_delay: Some(SECOND * 60),
        ..Settings::default()
    };
    for seed in 0..10 {
        for dead in Member::BOTH {
            let mut pair = Pair::mutual(&settings, seed);
            pair.strike(Fault::CrashHost(dead));
            await_owners(&mut pair, SECOND * 3, [dead.peer(); 2]);
            pair.strike(Fault::Restart(dead));
            let taken = await_owners(&mut pair, SECOND * 100, [A, B]);
            assert!(taken >= SECOND * 60 && taken <= SECOND * 63, "seed {seed}: {taken:?}");
            assert_eq!(
                pair.address(own(dead)).claims().last().unwrap().decision.rule,
                Rule::F6f
            );
            pair.run_for(SECOND * 600);
            let mut claims = [1, 1];
            claims[own(dead)] += 2;
            assert_eq!(
                (pair.owners(), pair.claims()),
                (at([A, B]), claims.to_vec()),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_node_that_returns_unasked_backs_up_both() {
    let mut pair = mutual(9);
    pair.strike(Fault::CrashHost(A));
    await_owners(&mut pair, SECOND * 3, [B, B]);
    pair.strike(Fault::Restart(A));
    pair.run_for(SECOND * 7_200);
    assert_eq!((pair.owners(), pair.claims()), (at([B, B]), vec![2, 1]));
    let links = pair.addresses().iter().map(|address| address.view(B).link);
    assert!(links.eq([Link::Up; 2]) && pair.is_settled());
}

/// B cannot hear A, claims what A holds with requests that land late, and dies: they take that address back twice (F-11).
#[test]
fn an_address_that_slips_back_is_taken_again_and_the_other_one_moves_once() {
    for seed in 0..10 {
        let mut pair = unprobed(seed);
        pair.strike(Fault::PartitionOneway(A));
        for claims in [2, 3] {
            pair.strike_at(0, Fault::LandLate(B, SECOND * 20));
            let has_claimed = |pair: &Pair| pair.address(0).claims().len() == claims;
            pair.run_until(SECOND * 9, has_claimed).expect("B claims");
            pair.run_for(SECOND);
        }
        pair.strike(Fault::CrashHost(B));
        let taken = pair.run_until(SECOND * 3, |pair| pair.address(1).holds(A)).unwrap();
        assert!(taken <= MS * 1_150, "seed {seed}: {taken:?}");
        for holder in [B, A, B] {
            pair.run_until(SECOND * 25, |pair| pair.address(0).holds(holder))
                .expect("it lands, is announced and taken, and slips back");
        }
        let taken = pair.run_until(SECOND * 100, |pair| pair.address(0).holds(A)).unwrap();
        assert!(taken >= SECOND * 60 && taken <= SECOND * 72, "seed {seed}: {taken:?}");
        assert_eq!(pair.address(1).claims().len(), 2, "seed {seed}");
        assert!(pair.address(1).holds(A));
    }
}

/// One bucket, as for two pairs: the second claim is throttled, comes again, and the first one does not wait for it.
#[test]
fn two_claims_at_once_share_one_bucket_and_both_get_through() {
    for seed in 0..10 {
        let mut pair = mutual(seed);
        pair.strike_at(1, Fault::Order(A, A));
        pair.run_for(SECOND * 5);
        let one = Limit {
            burst: 1,
            per_second: 1,
        };
        let now = pair.now();
        pair = pair.limited(Limits::new(one, Limit::DESCRIBES, now));
        pair.strike(Fault::CrashHost(A));
        let first = pair.run_until(SECOND * 3, |pair| {
            pair.addresses().iter().any(|address| address.holds(B))
        });
        assert!(first.unwrap() <= MS * 1_150, "seed {seed}: {first:?}");
        let second = await_owners(&mut pair, SECOND * 10, [B, B]);
        assert!(second >= MS * 500, "seed {seed}: {second:?}");
        pair.run_for(SECOND * 60);
        assert!(pair.limits().unwrap().calls(Action::Associate).throttled > 0);
        assert_eq!(pair.owners(), at([B, B]));
    }
}

#[test]
fn a_pair_with_one_address_is_the_world_of_its_seed() {
    let settings = Settings::default();
    for seed in 0..5 {
        let mut world = pair_sim::World::dark(settings.clone(), seed).traced();
        let mut pair = Pair::dark(std::slice::from_ref(&settings), seed).traced();
        for member in Member::BOTH {
            world.start(member);
            pair.start(member);
        }
        for (after, fault) in [(3, Fault::Lose(30)), (7, Fault::Stop(A)), (9, Fault::CrashHost(B))] {
            world.plan(SECOND * after, fault);
            pair.plan(SECOND * after, 0, fault);
        }
        world.run_for(SECOND * 30);
        pair.run_for(SECOND * 30);
        assert_eq!(pair.trace(), world.trace(), "seed {seed}");
    }
}
