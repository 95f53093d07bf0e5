//! The main job: the holder dies, and the other one takes the address (F-3, F-4, F-6a).

use std::time::Duration;

use pair_core::{Event, Link, Rule, Testimony};
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

#[test]
fn a_dead_host_is_replaced_with_one_call_when_the_holdtime_ends() {
    for seed in 0..50 {
        let mut world = settled(seed);
        world.crash_host(A);
        let decided = world.run_until(SECOND * 3, |world| world.claims().len() == 2).unwrap();
        // The last heartbeat may be an interval old; a query gap and late wake-ups are the rest.
        assert!(decided >= MS * 790 && decided <= MS * 1030, "seed {seed}: {decided:?}");
        world.run_for(SECOND * 20);
        assert!(world.holds(B));
        assert_eq!(world.claim_requests().len(), 2);
        let takeover = world.view(B).takeover.unwrap();
        assert_eq!((takeover.rule, takeover.attempts), (Rule::F6a, 1));
        let detect = takeover.detect.unwrap();
        assert!(detect >= SECOND && detect <= MS * 1030, "seed {seed}: {detect:?}");
        assert!(
            takeover.api >= MS * 40 && takeover.api <= MS * 80,
            "seed {seed}: {takeover:?}"
        );
        assert!(takeover.verify.unwrap() <= MS * 90, "seed {seed}: {takeover:?}");
    }
}

#[test]
fn an_agent_and_its_service_that_die_together_are_a_dead_host() {
    let mut world = settled(5);
    world.crash(A);
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 1100, "{taken:?}");
    assert_eq!(world.claim_requests().len(), 2);
}

#[test]
fn every_profile_takes_over_at_its_own_holdtime() {
    for (interval, holdtime) in [(50, 300), (200, 1_000), (500, 3_000), (10_000, 30_000)] {
        let settings = Settings {
            interval: MS * interval,
            holdtime: MS * holdtime,
            probe_timeout: Some(MS * holdtime / 2),
            ..Settings::default()
        };
        let mut world = World::dark(settings, 6);
        world.start(A);
        world.start(B);
        world.run_until(SECOND * 60, World::is_settled).unwrap();
        world.run_for(MS * interval * 3);
        world.crash_host(A);
        let taken = world.run_until(SECOND * 60, |world| world.holds(B)).unwrap();
        let (least, most) = (MS * (holdtime - interval), MS * (holdtime + interval / 10 + 80));
        assert!(taken >= least && taken <= most, "holdtime {holdtime} ms: {taken:?}");
    }
}

#[test]
fn suspicion_comes_after_two_missed_heartbeats_and_death_after_the_holdtime() {
    let mut world = settled(7);
    world.crash_host(A);
    let is = |link| move |world: &World| world.view(B).link == link;
    let suspect = world.run_until(SECOND, is(Link::Suspect)).unwrap();
    assert!(suspect >= MS * 240 && suspect <= MS * 470, "{suspect:?}");
    let dead = world.run_until(SECOND, is(Link::PresumedDead)).unwrap();
    assert!(dead >= MS * 530 && dead <= MS * 580, "{dead:?}");
}

#[test]
fn a_suspicion_reads_ec2_once_and_asks_the_peer_in_a_bounded_burst() {
    let mut world = settled(8);
    world.run_for(SECOND * 30);
    world.record();
    let reads = world.ec2().log().len();
    world.partition();
    world.run_for(SECOND * 2);
    let queries = |world: &World| {
        let asks = |report: &pair_core::Report| report.query;
        world
            .recorded(B)
            .filter(|(_, heartbeat)| heartbeat.report.as_ref().is_some_and(asks))
            .count()
    };
    let burst = queries(&world);
    assert!((20..=50).contains(&burst), "{burst}");
    world.run_for(SECOND * 20);
    assert_eq!(queries(&world), burst);
    let by_b = world.ec2().log()[reads..]
        .iter()
        .filter(|request| request.by == B)
        .count();
    assert!(by_b <= 2, "{:?}", &world.ec2().log()[reads..]);
}

#[test]
fn a_single_lost_heartbeat_is_no_suspicion() {
    let mut world = settled(9);
    world.partition();
    world.run_for(MS * 210);
    world.heal();
    world.run_for(SECOND * 2);
    let suspect = |event: &Event| matches!(event, Event::LinkChanged { to: Link::Suspect, .. });
    assert!(!world.told(A, suspect) && !world.told(B, suspect));
}

#[test]
fn a_peer_that_comes_back_before_the_holdtime_ends_keeps_its_address() {
    let mut world = settled(10);
    for _ in 0..100 {
        world.partition();
        world.run_for(MS * 780);
        world.heal();
        world.run_for(SECOND);
    }
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn a_death_right_after_the_claim_was_announced_is_a_death_like_any_other() {
    // In some of these worlds the heartbeat that announces the claim is the first word of the address that the other one gets.
    for seed in 0..50 {
        let mut world = World::new(seed);
        world.run_until(SECOND * 5, |world| world.holds(A)).unwrap();
        world.crash_host(A);
        let taken = world.run_until(SECOND * 10, |world| world.holds(B));
        assert!(taken.is_some_and(|taken| taken <= SECOND * 6), "seed {seed}: {taken:?}");
        let evidence = &world.claims().last().unwrap().decision.evidence;
        assert_eq!(evidence.testimony, Some(Testimony::Heartbeats));
    }
}

#[test]
fn the_second_and_the_third_holder_are_replaced_like_the_first() {
    let mut world = settled(12);
    let mut holder = A;
    for round in 0..6 {
        world.crash_host(holder);
        let next = holder.peer();
        let taken = world.run_until(SECOND * 3, |world| world.holds(next)).unwrap();
        assert!(taken <= MS * 1150, "round {round}: {taken:?}");
        world.run_for(SECOND * 5);
        world.restart(holder);
        // Long enough for the budget to look back on nothing (F-15).
        world.run_for(SECOND * 600);
        assert!(world.is_settled() && world.holds(next), "round {round}");
        holder = next;
    }
    assert_eq!(world.claim_requests().len(), 7);
}

#[test]
fn nothing_comes_back_by_itself() {
    let mut world = settled(13);
    world.crash_host(A);
    world.run_for(SECOND * 30);
    world.restart(A);
    world.run_for(SECOND * 3600);
    assert!(world.holds(B));
    assert_eq!(world.moves(), 2);
    assert_eq!(world.view(A).decision.rule, Rule::F19);
}
