//! What users of other programs reported, as stories that end well here: keepalived with a hook around the aws CLI, Pacemaker
//! with `awseip`, and what EC2 itself does to whoever believes it too soon.

use std::time::Duration;

use pair_core::{Alarm, Event, Link, Rule, Verdict};
use pair_sim::{A, ApiFault, B, Owner, Scope, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);

/// Worlds that differ in all that chance decides, each with the address at A.
fn worlds() -> impl Iterator<Item = World> {
    (0..10).map(|seed| World::settled(Settings::default(), seed))
}

/// Kills the holder and demands that the other one replaces it as if nothing had ever happened.
fn the_next_death_fails_over(world: &mut World) {
    let holder = if world.holds(A) { A } else { B };
    let moves = world.moves();
    world.crash_host(holder);
    let taken = world.run_until(SECOND * 3, |world| world.holds(holder.peer()));
    assert!(
        taken.is_some_and(|taken| taken <= MS * 1_150),
        "{holder:?} died: {taken:?}"
    );
    world.run_for(SECOND * 5);
    assert_eq!(world.moves(), moves + 1);
}

/// keepalived#950: both nodes become master because the security group lacks the protocol.
#[test]
fn a_security_group_without_the_heartbeat_port_makes_one_active_node() {
    for seed in 0..10 {
        let mut world = World::dark(Settings::default(), seed);
        world.partition();
        world.start(A);
        world.start(B);
        world.run_for(MINUTE * 10);
        assert!(world.holds(A));
        assert_eq!(world.moves(), 1);
        assert_eq!(world.view(A).is_active, Some(true));
        assert_eq!(world.view(B).is_active, Some(false));
        assert!(matches!(world.view(B).decision.verdict, Verdict::Alarm(_)));
    }
}

/// keepalived#2087, #957: the true master never runs its hook again after the other one stole the address.
#[test]
fn whoever_lost_its_address_to_a_hook_elsewhere_takes_over_again_when_that_one_dies() {
    for mut world in worlds() {
        world.put_address(Some(Owner::Member(B)));
        world.run_for(SECOND * 20);
        assert_eq!(world.view(A).is_active, Some(false), "belief follows fact");
        the_next_death_fails_over(&mut world);
        assert!(world.holds(A));
    }
}

/// netcup tutorials#146: two hooks race, and the call of the loser lands last.
#[test]
fn a_call_that_lands_last_leaves_one_owner_and_both_know_it() {
    for mut world in worlds() {
        world.land_late(B, SECOND * 4);
        world.crash_host(A);
        world.run_for(SECOND * 2);
        world.restart(A);
        world.run_for(MINUTE);
        assert!(world.is_settled());
        let owner = if world.holds(A) { A } else { B };
        assert_eq!(world.view(owner).is_active, Some(true));
        assert_eq!(world.view(owner.peer()).is_active, Some(false));
    }
}

/// keepalived#166, #220: a snapshot or a pause of the virtual machine.
#[test]
fn a_snapshot_of_the_standby_moves_nothing() {
    for mut world in worlds() {
        for seconds in [1, 3, 5, 60, 3_600] {
            world.suspend(B);
            world.run_for(SECOND * seconds);
            world.resume(B);
            world.run_for(SECOND * 10);
        }
        assert_eq!(world.moves(), 1);
        the_next_death_fails_over(&mut world);
    }
}

/// keepalived#211, #2066, #1955: input and output stall, timers come late.
#[test]
fn timers_that_come_seconds_late_move_nothing() {
    for mut world in worlds() {
        world.starve(A, SECOND * 3);
        world.starve(B, SECOND * 3);
        world.run_for(MINUTE * 5);
        assert_eq!(world.moves(), 1);
    }
}

/// keepalived#1529: the clock is stepped.
#[test]
fn a_clock_that_steps_an_hour_moves_nothing() {
    for mut world in worlds() {
        for host in [A, B] {
            world.jump_clock(host, MINUTE * 60);
            world.run_for(SECOND * 10);
        }
        assert_eq!(world.moves(), 1);
        the_next_death_fails_over(&mut world);
    }
}

/// keepalived#1143: the network comes up after the agent.
#[test]
fn an_agent_that_boots_before_its_network_takes_nothing_from_a_living_holder() {
    for mut world in worlds() {
        world.crash_host(B);
        world.run_for(MINUTE);
        world.isolate(B);
        world.restart(B);
        world.run_for(SECOND * 40);
        world.heal();
        world.heal_api(B);
        world.run_for(MINUTE);
        assert_eq!(world.moves(), 1);
        assert!(world.is_settled() && world.holds(A));
    }
}

/// resource-agents#1794: a missing permission shows when the failover needs it. Here it is told, retried and cured.
#[test]
fn a_permission_that_is_missing_in_the_failover_is_told_and_retried_until_it_is_there() {
    for mut world in worlds() {
        world.deny(B);
        world.crash_host(A);
        world.run_for(MINUTE);
        assert!(world.told(B, |event| matches!(event, Event::ClaimFailed { .. })));
        assert!(world.holds(A));
        world.heal_api(B);
        assert!(world.run_until(SECOND * 70, |world| world.holds(B)).is_some());
    }
}

/// resource-agents#1876, and `awseip`: an error of the API, throttling included, is read as "I do not hold the address".
#[test]
fn an_error_of_the_api_is_not_read_as_a_lost_address() {
    for fault in [
        ApiFault::Throttled,
        ApiFault::Failed,
        ApiFault::Denied,
        ApiFault::BlackHole,
        ApiFault::Unreachable,
    ] {
        let mut world = World::settled(Settings::default(), 7);
        world.set_api(A, Some((fault, Scope::All)));
        world.set_api(B, Some((fault, Scope::All)));
        world.run_for(MINUTE * 60);
        assert_eq!(world.view(A).is_active, Some(true), "{fault:?}");
        assert_eq!(world.moves(), 1, "{fault:?}");
    }
}

/// fck-nat#122: `AuthFailure` at boot, cured minutes later.
#[test]
fn credentials_that_work_minutes_after_the_boot_are_tried_again() {
    let mut world = World::dark(Settings::default(), 8);
    for host in [A, B] {
        world.set_api(host, Some((ApiFault::Denied, Scope::All)));
        world.start(host);
    }
    world.run_for(MINUTE * 5);
    assert_eq!(world.owner(), None);
    world.heal_api(A);
    world.heal_api(B);
    assert!(world.run_until(SECOND * 80, World::is_settled).is_some());
}

/// aws-ec2-assign-elastic-ip#25: whether the call worked is never looked at.
#[test]
fn a_claim_is_read_back_and_one_whose_reply_is_lost_is_found() {
    for mut world in worlds() {
        world.lose_reply(B);
        world.crash_host(A);
        let known = |world: &World| world.view(B).is_active == Some(true);
        assert!(world.run_until(SECOND * 6, known).is_some());
        world.run_for(SECOND * 10);
        assert!(world.view(B).takeover.is_some_and(|takeover| takeover.verify.is_some()));
        assert_eq!(world.moves(), 2, "what was applied is not asked for again");
    }
}

/// `awseip`: stopping the resource may release the association of the peer; stopping keepalived drops the role.
#[test]
fn stopping_and_starting_an_agent_touches_no_association() {
    for mut world in worlds() {
        world.crash_host(A);
        world.run_for(SECOND * 10);
        world.restart(A);
        world.run_for(SECOND * 20);
        for agent in [A, B, B, A] {
            world.stop(agent);
            world.run_for(SECOND * 5);
            world.start(agent);
            world.run_for(SECOND * 20);
        }
        assert!(world.is_settled() && world.holds(B));
        assert_eq!(world.moves(), 2);
    }
}

/// `awseip`: a planned move leaves the address without an owner for three seconds.
#[test]
fn a_planned_move_leaves_the_address_without_an_owner_at_no_time() {
    for mut world in worlds() {
        let moved_first = world.ec2().history().len();
        for to in [B, A, B] {
            world.order(to.peer(), to);
            world.run_for(MINUTE);
            assert!(world.holds(to));
        }
        let since = &world.ec2().history()[moved_first..];
        assert_eq!(since.len(), 3);
        assert!(since.iter().all(|hold| hold.owner.is_some()));
    }
}

/// keepalived#2599: HAProxy is stopped, and the address stays where it is.
#[test]
fn a_service_that_is_stopped_loses_the_address_within_a_moment() {
    for mut world in worlds() {
        world.set_service(A, Service::Gone);
        let taken = world.run_until(SECOND, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 150, "{taken:?}");
        assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6c);
    }
}

/// keepalived: killing the agent moves the address although the service is fine.
#[test]
fn an_agent_that_is_killed_beside_a_service_that_serves_moves_nothing() {
    for mut world in worlds() {
        world.crash(A);
        world.run_for(MINUTE * 10);
        assert_eq!(world.moves(), 1);
        assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilentButServing));
    }
}

/// keepalived: after a cut that was healed, the next real death is not served.
#[test]
fn after_a_cut_of_a_minute_the_next_death_fails_over_wherever_the_cut_was() {
    for mut world in worlds() {
        for cut in [None, Some(A), Some(B)] {
            match cut {
                None => world.partition(),
                Some(from) => world.partition_oneway(from),
            }
            world.run_for(MINUTE);
            assert!(world.moves() <= 2, "at most one needless move: no ping-pong");
            world.heal();
            world.run_for(SECOND * 20);
        }
        assert!(world.is_settled());
        the_next_death_fails_over(&mut world);
    }
}

/// keepalived with a retry loop in its hook: 8 to 12 moves in a cut of a minute.
#[test]
fn a_cut_in_which_no_probe_passes_moves_the_address_once_at_most() {
    for seed in 0..10 {
        let settings = Settings {
            probe_timeout: None,
            ..Settings::default()
        };
        let mut world = World::settled(settings, seed);
        world.partition();
        world.run_for(MINUTE * 60);
        assert!(world.moves() <= 2, "{}", world.moves());
        world.heal();
        world.run_for(SECOND * 20);
        the_next_death_fails_over(&mut world);
    }
}

/// keepalived: a holder that is isolated for eight seconds comes back, and the next holder's death is not served.
#[test]
fn a_holder_that_was_isolated_takes_over_again_when_the_new_one_dies() {
    for mut world in worlds() {
        world.isolate(A);
        world.set_elastic_path(false);
        world.run_for(SECOND * 8);
        world.heal();
        world.heal_api(A);
        world.set_elastic_path(true);
        world.run_for(SECOND * 20);
        assert!(world.is_settled() && world.holds(B));
        assert_eq!(world.view(A).is_active, Some(false));
        the_next_death_fails_over(&mut world);
        assert!(world.holds(A));
    }
}

/// keepalived: two to fifteen needless claims in three minutes of 20 % loss.
#[test]
fn three_minutes_of_loss_in_every_profile_move_nothing() {
    for (interval, holdtime) in [(50, 300), (200, 1_000), (500, 3_000)] {
        let settings = Settings {
            interval: MS * interval,
            holdtime: MS * holdtime,
            probe_timeout: None,
            ..Settings::default()
        };
        let mut world = World::settled(settings, 9);
        world.lose_datagrams(20);
        world.run_for(MINUTE * 3);
        assert_eq!(world.moves(), 1, "{interval} ms / {holdtime} ms");
    }
}

/// EC2: the control plane is down for hours while instances serve (2021-12-07, 2025-10-20).
#[test]
fn a_control_plane_that_is_down_for_hours_moves_nothing_and_is_waited_for() {
    for mut world in worlds() {
        world.black_hole(A);
        world.black_hole(B);
        world.run_for(MINUTE * 120);
        assert_eq!(world.view(A).is_active, Some(true));
        world.crash_host(A);
        world.run_for(MINUTE * 120);
        assert!(world.holds(A), "without an API nothing can move");
        world.heal_api(B);
        let taken = world.run_until(SECOND * 20, |world| world.holds(B));
        assert!(taken.is_some());
        assert_eq!(world.moves(), 2);
    }
}

/// EC2: a read right after a move shows the old holder for seconds.
#[test]
fn a_stale_read_after_a_takeover_makes_nobody_claim_again() {
    for mut world in worlds() {
        world.read_stale(SECOND * 6);
        world.crash_host(A);
        world.run_for(SECOND * 4);
        world.restart(A);
        world.run_for(MINUTE);
        world.read_stale(Duration::ZERO);
        world.run_for(SECOND * 20);
        assert!(world.holds(B) && world.is_settled());
        assert_eq!(world.moves(), 2);
    }
}

/// EC2: a machine that was recovered comes back minutes later with its identity, its addresses and its old state.
#[test]
fn a_machine_that_is_recovered_with_its_old_state_claims_nothing() {
    for mut world in worlds() {
        world.suspend(A);
        world.run_for(MINUTE * 7);
        assert!(world.holds(B));
        world.resume(A);
        world.run_for(SECOND * 20);
        assert!(world.is_settled() && world.holds(B));
        assert_eq!(world.view(A).is_active, Some(false));
        assert_eq!(world.moves(), 2);
        the_next_death_fails_over(&mut world);
    }
}

/// EC2: connection tracking is exhausted by the service's own traffic, and heartbeats drop although both hosts are fine.
#[test]
fn heartbeats_that_drop_beside_a_service_that_serves_move_nothing() {
    for mut world in worlds() {
        world.lose_datagrams(100);
        world.run_for(MINUTE * 30);
        assert_eq!(world.moves(), 1);
        assert_eq!(world.view(B).link, Link::PresumedDead);
        world.heal();
        world.run_for(SECOND * 20);
        the_next_death_fails_over(&mut world);
    }
}

/// The second and the tenth death, with a cut, a pause and a restart between each two, are failovers like the first.
#[test]
fn the_tenth_death_is_a_failover_like_the_first() {
    let mut world = World::settled(Settings::default(), 10);
    for round in 0..10 {
        the_next_death_fails_over(&mut world);
        let (dead, holder) = if world.holds(A) { (B, A) } else { (A, B) };
        world.restart(dead);
        world.run_for(MINUTE);
        match round % 3 {
            0 => world.partition(),
            1 => world.suspend(dead),
            _ => world.crash(holder),
        }
        world.run_for(SECOND * 20);
        world.make_well();
        // Long enough for the budget to look back on nothing (F-15).
        world.run_for(MINUTE * 11);
        assert!(world.is_settled() && world.holds(holder), "round {round}");
    }
    assert_eq!(world.moves(), 11);
}
