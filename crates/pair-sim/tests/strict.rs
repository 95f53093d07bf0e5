//! A strict takeover is a compare-and-set of two calls: exactly the association that was read is released, and what nobody
//! holds is taken (F-11).

use std::time::Duration;

use pair_core::{Call, CallFault, Event, Holder, Rule};
use pair_sim::{A, ApiFault, B, Owner, Request, Scope, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    let settings = Settings {
        strict: true,
        ..Settings::default()
    };
    World::settled(settings, seed)
}

/// What B has asked for that changes something.
fn changes_of_b(world: &World) -> Vec<&Request> {
    let log = world.ec2().log().iter();
    log.filter(|request| request.by == B && request.is_claim()).collect()
}

/// Lets A die, and stops the world when B's request to release its association is on its way for a second.
fn a_release_under_way(mut world: World) -> World {
    world.slow_api(B, SECOND * 2);
    world.run_for(SECOND * 5);
    world.crash_host(A);
    let releasing = |world: &World| world.told(B, |event| matches!(event, Event::Releasing { .. }));
    assert!(world.run_until(SECOND * 10, releasing).is_some());
    world
}

#[test]
fn exactly_what_was_read_is_released_and_then_taken_from_nobody() {
    for seed in 0..20 {
        let mut world = settled(seed);
        let held = world.ec2().hold().association.unwrap();
        world.crash_host(A);
        let taken = world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 1_250, "seed {seed}: {taken:?}");
        world.run_for(SECOND * 20);
        let calls: Vec<&Call> = changes_of_b(&world).iter().map(|request| &request.call).collect();
        let from_nobody = Call::Associate {
            allow_reassociation: false,
        };
        assert_eq!(calls, [&Call::Release(held), &from_nobody]);
    }
}

#[test]
fn it_is_told_and_counted_like_any_other_takeover() {
    let mut world = settled(1);
    world.crash_host(A);
    world.run_for(SECOND * 5);
    let view = world.view(B);
    let takeover = view.takeover.unwrap();
    assert_eq!((takeover.rule, takeover.from), (Rule::F6a, Holder::Member(A)));
    assert_eq!(takeover.attempts, 2);
    assert_eq!(view.moves, 1);
}

#[test]
fn an_address_that_somebody_moved_in_between_is_not_taken() {
    let mut world = a_release_under_way(settled(2));
    world.put_address(Some(Owner::Stranger));
    world.run_for(SECOND * 120);
    assert_eq!(world.owner(), Some(Owner::Stranger));
    let answers: Vec<bool> = changes_of_b(&world)
        .iter()
        .map(|request| request.answer == Err(CallFault::Gone))
        .collect();
    assert_eq!(answers, [true]);
}

#[test]
fn without_it_such_an_address_is_taken_by_the_call_that_was_under_way() {
    let mut world = World::settled(Settings::default(), 2);
    world.slow_api(B, SECOND * 2);
    world.run_for(SECOND * 5);
    world.crash_host(A);
    let claiming = |world: &World| world.told(B, |event| matches!(event, Event::Claiming { .. }));
    assert!(world.run_until(SECOND * 10, claiming).is_some());
    world.put_address(Some(Owner::Stranger));
    world.run_for(SECOND * 20);
    assert!(world.holds(B), "this is what the strict way is for");
}

#[test]
fn an_address_that_somebody_took_after_the_release_is_not_taken_from_it() {
    let mut world = a_release_under_way(settled(3));
    assert!(world.run_until(SECOND * 5, |world| world.owner().is_none()).is_some());
    world.put_address(Some(Owner::Stranger));
    world.run_for(SECOND * 120);
    assert_eq!(world.owner(), Some(Owner::Stranger));
}

#[test]
fn a_release_whose_reply_is_lost_is_found_by_a_read_and_followed_by_the_claim() {
    for seed in 0..10 {
        let mut world = settled(seed);
        world.lose_reply(B);
        world.crash_host(A);
        assert!(world.run_until(SECOND * 8, |world| world.holds(B)).is_some());
        world.run_for(SECOND * 10);
        assert_eq!(changes_of_b(&world).len(), 2);
    }
}

#[test]
fn what_was_released_by_a_node_that_died_then_is_taken_by_whoever_is_left() {
    let mut world = a_release_under_way(settled(4));
    assert!(world.run_until(SECOND * 5, |world| world.owner().is_none()).is_some());
    world.crash_host(B);
    world.run_for(SECOND * 10);
    world.restart(A);
    assert!(world.run_until(SECOND * 10, |world| world.holds(A)).is_some());
}

#[test]
fn a_hold_that_comes_in_between_does_not_leave_it_without_an_owner() {
    let mut world = a_release_under_way(settled(5));
    assert!(world.run_until(SECOND * 5, |world| world.owner().is_none()).is_some());
    world.hold(B, SECOND * 600);
    world.run_for(SECOND * 20);
    assert!(world.holds(B));
}

#[test]
fn an_order_is_carried_out_and_the_preferred_node_does_not_snatch_what_it_yields() {
    for seed in 0..20 {
        let mut world = settled(seed);
        let before = world.ec2().history().len();
        world.order(A, B);
        world.run_for(SECOND * 30);
        assert!(world.holds(B) && world.is_settled(), "seed {seed}");
        let since = world.ec2().history()[before..].iter().map(|hold| hold.owner);
        assert_eq!(since.collect::<Vec<_>>(), [None, Some(Owner::Member(B))], "seed {seed}");
    }
}

#[test]
fn a_release_that_is_denied_drops_nothing_and_is_told() {
    let mut world = settled(6);
    world.set_api(B, Some((ApiFault::Denied, Scope::Claims)));
    world.crash_host(A);
    world.run_for(SECOND * 300);
    assert!(world.holds(A));
    assert!(world.told(B, |event| matches!(
        event,
        Event::ClaimFailed {
            fault: CallFault::Denied,
            ..
        }
    )));
}
