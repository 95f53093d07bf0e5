//! What datagrams prove, one at a time (F-2, F-4, F-18).

use super::*;
use crate::{Member, Version};

const OWN: Incarnation = Incarnation(1);
const PEER: Incarnation = Incarnation(2);
const OLD: Incarnation = Incarnation(3);

fn config() -> Config {
    Config {
        me: Member::First,
        preferred: Member::First,
        private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
        interval: Duration::from_millis(200),
        holdtime: Duration::from_secs(1),
        probe_timeout: None,
        lost_contact_takeover: Duration::from_secs(60),
        unfit_delay: Duration::from_secs(1),
        refit: Duration::from_secs(60),
        call_timeout: Duration::from_secs(3),
        preempt_delay: None,
        strict: false,
        restart_grace: Duration::from_secs(10),
        witnesses: crate::Witnessing::default(),
        version: Version::cut("0.1.0"),
    }
}

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

fn run(ms: u64) -> RunTime {
    RunTime::default() + Duration::from_millis(ms)
}

/// A detector that has sent ten datagrams.
fn detector() -> Detector {
    let mut detector = Detector::new(&config(), OWN, run(0));
    for _ in 0..10 {
        detector.stamp(at(0), run(0));
    }
    detector
}

fn prefix(incarnation: Incarnation, sequence: u64, echo: Option<u64>) -> Prefix {
    Prefix {
        sender: Member::Second,
        incarnation,
        sequence: Sequence(sequence),
        echo: echo.map(|sequence| Echo {
            incarnation: OWN,
            sequence: Sequence(sequence),
            age_us: 0,
        }),
    }
}

fn hear(detector: &mut Detector, ms: u64, prefix: &Prefix) -> Hearing {
    detector.hear(at(ms), run(ms), prefix)
}

/// A detector that believes the peer's incarnation since 100 ms.
fn up() -> Detector {
    let mut detector = detector();
    assert_eq!(
        hear(&mut detector, 100, &prefix(PEER, 1, Some(10))),
        Hearing::NewIncarnation
    );
    detector
}

#[test]
fn an_incarnation_is_believed_once_it_echoes() {
    let mut detector = detector();
    assert_eq!(hear(&mut detector, 10, &prefix(PEER, 1, None)), Hearing::NoLife);
    assert_eq!(detector.link(run(10)), Link::NeverHeard);
    assert_eq!(
        hear(&mut detector, 20, &prefix(PEER, 2, Some(3))),
        Hearing::NewIncarnation
    );
    assert_eq!(detector.link(run(20)), Link::Up);
}

#[test]
fn an_echo_of_another_incarnation_or_of_an_unsent_number_is_none() {
    let mut detector = detector();
    let mut foreign = prefix(PEER, 1, Some(3));
    foreign.echo = foreign.echo.map(|echo| Echo {
        incarnation: OLD,
        ..echo
    });
    assert_eq!(hear(&mut detector, 10, &foreign), Hearing::NoLife);
    assert_eq!(hear(&mut detector, 20, &prefix(PEER, 2, Some(11))), Hearing::NoLife);
    assert_eq!(hear(&mut detector, 30, &prefix(PEER, 3, Some(0))), Hearing::NoLife);
    assert_eq!(detector.link(run(30)), Link::NeverHeard);
}

#[test]
fn a_believed_incarnation_lives_one_way_without_an_echo() {
    let mut detector = up();
    assert_eq!(hear(&mut detector, 300, &prefix(PEER, 2, None)), Hearing::Life);
    assert_eq!(detector.link(run(300)), Link::OneWay);
    assert_eq!(hear(&mut detector, 500, &prefix(PEER, 3, Some(10))), Hearing::Life);
    assert_eq!(detector.link(run(500)), Link::Up);
}

#[test]
fn a_number_that_is_not_new_is_no_life() {
    let mut detector = up();
    hear(&mut detector, 200, &prefix(PEER, 9, Some(10)));
    for number in [9, 8, 1] {
        assert_eq!(
            hear(&mut detector, 700, &prefix(PEER, number, Some(10))),
            Hearing::NoLife
        );
    }
    assert_eq!(detector.silence(run(700)), Duration::from_millis(500));
}

#[test]
fn an_old_incarnation_is_not_believed_by_what_it_echoed_then() {
    let mut detector = up();
    // What it recorded echoes numbers that were sent before the present one was believed.
    for number in 1..=10 {
        let replayed = prefix(OLD, 1_000 + number, Some(number));
        assert_eq!(hear(&mut detector, 5_000, &replayed), Hearing::NoLife);
    }
    assert_eq!(detector.link(run(5_000)), Link::PresumedDead);
}

#[test]
fn a_restarted_peer_is_believed_by_an_echo_of_what_was_sent_since() {
    let mut detector = up();
    detector.stamp(at(200), run(200));
    let restarted = prefix(Incarnation(4), 1, Some(11));
    assert_eq!(hear(&mut detector, 250, &restarted), Hearing::NewIncarnation);
    assert_eq!(detector.link(run(250)), Link::Up);
}

#[test]
fn a_replay_does_not_take_the_echo_from_a_living_peer() {
    let mut detector = up();
    hear(&mut detector, 200, &prefix(OLD, 500, Some(1)));
    let (_, _, echo) = detector.stamp(at(210), run(210));
    assert_eq!(echo.unwrap().incarnation, PEER);
    // Once the peer is silent, whoever speaks is echoed: it may be the peer, restarted.
    hear(&mut detector, 900, &prefix(OLD, 501, None));
    let (_, _, echo) = detector.stamp(at(910), run(910));
    assert_eq!(echo.unwrap().incarnation, OLD);
}

#[test]
fn of_an_incarnation_that_is_not_believed_the_newest_datagram_is_echoed() {
    let mut detector = detector();
    // The second was overtaken, the third is the first once more.
    for (ms, number) in [(10, 5), (20, 4), (30, 5)] {
        assert_eq!(hear(&mut detector, ms, &prefix(PEER, number, None)), Hearing::NoLife);
    }
    let (_, _, echo) = detector.stamp(at(40), run(40));
    let echo = echo.unwrap();
    assert_eq!((echo.sequence, echo.age_us), (Sequence(5), 30_000));
    hear(&mut detector, 50, &prefix(PEER, 6, None));
    let (_, _, echo) = detector.stamp(at(60), run(60));
    assert_eq!(echo.unwrap().sequence, Sequence(6));
    hear(&mut detector, 70, &prefix(OLD, 1, None));
    let (_, _, echo) = detector.stamp(at(80), run(80));
    assert_eq!(echo.unwrap().incarnation, OLD);
}

#[test]
fn it_knows_when_life_came_last() {
    let mut detector = detector();
    assert_eq!((detector.life(), detector.life_at()), (None, None));
    hear(&mut detector, 100, &prefix(PEER, 1, Some(10)));
    hear(&mut detector, 300, &prefix(PEER, 2, None));
    hear(&mut detector, 400, &prefix(PEER, 2, None));
    assert_eq!((detector.life(), detector.life_at()), (Some(run(300)), Some(at(300))));
}

#[test]
fn the_echo_is_withdrawn_after_a_holdtime_without_the_peer() {
    let mut detector = up();
    let (_, _, echo) = detector.stamp(at(1_099), run(1_099));
    assert_eq!(echo.unwrap().age_us, 999_000);
    let (_, _, echo) = detector.stamp(at(1_100), run(1_100));
    assert_eq!(echo, None);
}

#[test]
fn suspicion_and_death_come_in_running_time() {
    let detector = up();
    assert_eq!(detector.link(run(549)), Link::Up);
    assert_eq!(detector.link(run(550)), Link::Suspect);
    assert_eq!(detector.link(run(1_099)), Link::Suspect);
    assert_eq!(detector.link(run(1_100)), Link::PresumedDead);
    assert_eq!((detector.suspect_at(), detector.holdtime_at()), (run(550), run(1_100)));
}

#[test]
fn silence_that_starts_anew_is_suspicion_until_life_comes() {
    let mut detector = up();
    detector.start_silence_anew(run(5_000));
    assert_eq!(detector.link(run(5_000)), Link::Suspect);
    assert_eq!(detector.link(run(5_999)), Link::Suspect);
    assert_eq!(detector.link(run(6_000)), Link::PresumedDead);
    hear(&mut detector, 6_100, &prefix(PEER, 2, Some(10)));
    assert_eq!(detector.link(run(6_100)), Link::Up);
    assert!(!detector.is_silent(run(6_200)));
}

#[test]
fn port_unreachable_brings_suspicion_and_not_death() {
    let mut detector = up();
    detector.note_unreachable();
    assert_eq!(detector.link(run(101)), Link::Suspect);
    assert_eq!(detector.link(run(1_099)), Link::Suspect);
    hear(&mut detector, 1_099, &prefix(PEER, 2, Some(10)));
    assert_eq!(detector.link(run(1_100)), Link::Up);
}

#[test]
fn a_peer_that_was_never_heard_is_silent_since_the_start() {
    let detector = detector();
    assert_eq!(detector.silence(run(400)), Duration::from_millis(400));
    assert!(detector.is_silent(run(450)) && !detector.is_holdtime_over(run(999)));
    assert!(detector.is_holdtime_over(run(1_000)));
    assert_eq!(detector.link(run(9_000)), Link::NeverHeard);
}

#[test]
fn the_peers_interval_moves_suspicion_within_bounds() {
    let mut detector = up();
    for (told_ms, suspect_ms) in [(0, 22), (100, 225), (200, 450), (400, 749), (3_600_000, 749)] {
        detector.follow_interval(&config(), Duration::from_millis(told_ms));
        let after = detector.suspect_at().since(run(100)).as_millis();
        assert!(
            after.abs_diff(suspect_ms) <= 1,
            "told {told_ms} ms, suspect after {after} ms"
        );
        assert_eq!(detector.holdtime_at(), run(1_100));
    }
}

#[test]
fn other_settings_hold_for_the_silence_that_has_begun() {
    let mut detector = up();
    assert!(!detector.is_holdtime_over(run(1_099)) && detector.is_holdtime_over(run(1_100)));
    let longer = Config {
        holdtime: Duration::from_secs(3),
        interval: Duration::from_millis(500),
        ..config()
    };
    detector.configure(&longer, None);
    assert!(!detector.is_holdtime_over(run(3_099)) && detector.is_holdtime_over(run(3_100)));
    // Two and a quarter of the own intervals until the peer tells another one.
    assert_eq!(detector.link(run(1_224)), Link::Up);
    assert_eq!(detector.link(run(1_225)), Link::Suspect);
    detector.configure(&longer, Some(Duration::from_millis(200)));
    assert_eq!(detector.link(run(549)), Link::Up);
    assert_eq!(detector.link(run(550)), Link::Suspect);
}
