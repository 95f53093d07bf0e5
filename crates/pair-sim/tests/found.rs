//! Members that are found by their tag: an instance comes with a private IP of its own, and the old one is known for what it was (F-9).

use std::time::Duration;

use pair_core::{Alarm, Holder, Link, Member, Rule, Verdict};
use pair_sim::{A, B, Fault, Owner, Pair, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn found() -> Settings {
    Settings {
        is_found: true,
        ..Settings::default()
    }
}

fn settled(seed: u64) -> World {
    World::settled(found(), seed)
}

#[test]
fn a_replaced_standby_joins_and_takes_over_when_the_holder_dies() {
    let mut world = settled(1);
    world.replace(B);
    world.run_for(SECOND * 4);
    assert_eq!(
        world.view(A).link,
        Link::PresumedDead,
        "the new instance is not found yet"
    );
    world.run_for(SECOND * 16);
    assert_eq!(world.view(A).link, Link::Up);
    assert_eq!(world.claims().len(), 1, "nothing has moved");
    world.crash_host(A);
    world.run_for(SECOND * 10);
    assert_eq!(world.owner(), Some(Owner::Member(B)));
    assert_eq!(world.view(B).takeover.unwrap().rule, Rule::F6a);
}

/// By EC2's word the preferred one takes it, which is the new instance here; the survivor would by the silence, a moment later.
#[test]
fn what_the_replaced_holder_held_is_taken_once_and_the_pair_is_one_again() {
    let mut world = settled(2);
    world.replace(A);
    world.run_for(SECOND * 30);
    assert_eq!(world.owner(), Some(Owner::Member(A)));
    assert_eq!(
        world.claims().len(),
        2,
        "one claim at the start, and one for the replacement"
    );
    assert_eq!((world.view(A).link, world.view(B).link), (Link::Up, Link::Up));
    world.crash_host(A);
    world.run_for(SECOND * 10);
    assert_eq!(world.owner(), Some(Owner::Member(B)));
}

/// Both instances are replaced, and the address is with one that is gone: neither of the new ones ever heard it.
#[test]
fn what_is_with_a_former_member_is_taken_by_a_pair_that_never_heard_it() {
    let mut world = settled(3);
    world.crash_host(B);
    world.replace(A);
    world.replace(B);
    assert_eq!(world.owner(), Some(Owner::Former(A)));
    world.run_for(SECOND * 30);
    assert_eq!(world.owner(), Some(Owner::Member(A)), "the preferred one takes it");
    assert_eq!(world.view(A).takeover.unwrap().rule, Rule::F9);
    assert_eq!(world.view(B).fact.unwrap().holder, Holder::Member(Member::First));
}

#[test]
fn where_members_are_configured_it_is_a_strangers_to_such_a_pair() {
    let mut world = World::settled(Settings::default(), 4);
    world.crash_host(B);
    world.replace(A);
    world.replace(B);
    world.run_for(SECOND * 30);
    assert_eq!(world.owner(), Some(Owner::Former(A)));
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::HeldByStranger));
}

#[test]
fn one_replacement_after_the_other_leaves_a_pair_that_fails_over() {
    let mut world = settled(5);
    for round in 0..4 {
        let next = if round % 2 == 0 { A } else { B };
        world.replace(next);
        world.run_for(SECOND * 120);
        assert_eq!(world.view(A).link, Link::Up, "round {round}");
        assert!(matches!(world.owner(), Some(Owner::Member(_))), "round {round}");
    }
    let holder = match world.owner() {
        Some(Owner::Member(member)) => member,
        other => panic!("{other:?}"),
    };
    world.crash_host(holder);
    world.run_for(SECOND * 60);
    assert_eq!(world.owner(), Some(Owner::Member(holder.peer())));
}

/// It bears the tag beside a member that runs: both nodes are told of it, and go on as they were.
#[test]
fn a_third_instance_changes_nothing() {
    for beside in [A, B] {
        let mut world = settled(6);
        world.spare(beside);
        world.run_for(SECOND * 3_600);
        assert_eq!(world.claims().len(), 1, "beside {beside:?}");
        assert!(world.holds(A) && world.is_settled());
        world.crash_host(A);
        let taken = world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 1_150, "a death is served as ever: {taken:?}");
        world.run_for(SECOND * 600);
        assert_eq!(world.claims().len(), 2, "beside {beside:?}");
    }
}

#[test]
fn the_one_that_waited_comes_in_the_place_of_the_one_that_is_gone() {
    for replaced in [A, B] {
        let mut world = settled(7);
        world.spare(replaced);
        world.run_for(SECOND * 60);
        world.replace(replaced);
        world.run_for(SECOND * 60);
        assert!(world.is_settled(), "{replaced:?}");
        let moves = usize::from(replaced == A);
        assert_eq!(world.claims().len(), 1 + moves, "what the old one held is taken, once");
        let holder = if world.holds(A) { A } else { B };
        world.crash_host(holder);
        world.run_for(SECOND * 10);
        assert_eq!(world.owner(), Some(Owner::Member(holder.peer())));
    }
}

#[test]
fn of_two_addresses_a_replacement_moves_the_one_that_was_held_there() {
    for seed in 0..5 {
        for replaced in [A, B] {
            let mut pair = Pair::mutual(&found(), seed);
            pair.strike(Fault::Replace(replaced));
            pair.run_for(SECOND * 60);
            assert!(pair.is_settled(), "seed {seed}");
            let mut claims = [1, 1];
            claims[replaced.index()] += 1;
            assert_eq!(pair.claims(), claims, "seed {seed}");
            let kept = pair.address(replaced.peer().index());
            assert!(kept.holds(replaced.peer()));
            assert_eq!(
                kept.ec2().history().len(),
                2,
                "nobody's at first, and the survivor's since"
            );
        }
    }
}
