//! What probes prove, and what their silence does (F-3, F-7, F-8).

use super::*;
use crate::{Member, Version};

fn config() -> Config {
    Config {
        me: Member::First,
        preferred: Member::First,
        private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
        interval: Duration::from_millis(200),
        holdtime: Duration::from_secs(1),
        probe_timeout: Some(Duration::from_millis(500)),
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

fn probing() -> Probing {
    Probing::new(&config(), run(0))
}

fn at(seconds: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(seconds))
}

fn run(seconds: u64) -> RunTime {
    RunTime::default() + Duration::from_secs(seconds)
}

/// A probe of the private address that began and ended at `seconds`.
fn private(probing: &mut Probing, seconds: u64, outcome: ProbeOutcome) {
    probing.hear(run(seconds), at(seconds), ProbeTarget::Private, outcome, true);
}

#[test]
fn bytes_count_only_from_a_probe_begun_under_suspicion() {
    let mut probing = probing();
    probing.suspect(at(10), run(10));
    probing.hear(run(10), at(9), ProbeTarget::Private, ProbeOutcome::Served, true);
    assert!(!probing.proves_life(run(10)));
    private(&mut probing, 10, ProbeOutcome::Served);
    assert!(probing.proves_life(run(69)));
    assert!(!probing.proves_life(run(70)));
}

#[test]
fn a_wrong_status_counts_from_its_first_for_once_as_long() {
    let mut probing = probing();
    probing.suspect(at(10), run(10));
    for second in 10..70 {
        private(&mut probing, second, ProbeOutcome::WrongStatus);
        assert!(probing.proves_life(run(second)));
    }
    private(&mut probing, 70, ProbeOutcome::WrongStatus);
    assert!(!probing.proves_life(run(70)));
}

#[test]
fn what_proved_life_in_one_suspicion_proves_nothing_in_the_next() {
    let mut probing = probing();
    probing.suspect(at(10), run(10));
    private(&mut probing, 11, ProbeOutcome::Served);
    probing.relax();
    probing.suspect(at(13), run(13));
    assert!(!probing.proves_life(run(13)));
}

#[test]
fn the_elastic_ip_speaks_of_the_peer_only_while_the_peer_holds_it() {
    let mut probing = probing();
    probing.suspect(at(10), run(10));
    probing.hear(run(10), at(10), ProbeTarget::Elastic, ProbeOutcome::Served, false);
    assert!(!probing.proves_life(run(10)));
    probing.hear(run(10), at(10), ProbeTarget::Elastic, ProbeOutcome::Served, true);
    assert!(probing.proves_life(run(10)));
}

#[test]
fn silence_testifies_if_the_path_carried_bytes_since_the_hands_changed() {
    let mut probing = probing();
    private(&mut probing, 5, ProbeOutcome::Served);
    probing.suspect(at(10), run(10));
    for second in 10..70 {
        assert!(!probing.testifies(run(second), run(0)), "at {second} s");
        private(&mut probing, second, ProbeOutcome::Nothing);
    }
    assert!(probing.testifies(run(70), run(0)));
    assert!(
        !probing.testifies(run(70), run(5)),
        "the hands changed when it last carried"
    );
    private(&mut probing, 71, ProbeOutcome::Served);
    assert!(!probing.testifies(run(130), run(0)));
}

#[test]
fn a_prober_that_tells_nothing_is_no_silence() {
    let mut probing = probing();
    private(&mut probing, 5, ProbeOutcome::Served);
    probing.suspect(at(10), run(10));
    assert!(!probing.testifies(run(500), run(0)));
    private(&mut probing, 500, ProbeOutcome::Nothing);
    assert!(!probing.testifies(run(500), run(0)), "one failed probe is nothing");
    private(&mut probing, 501, ProbeOutcome::Nothing);
    assert!(probing.testifies(run(501), run(0)));
    assert!(!probing.testifies(run(520), run(0)), "what it said is too old");
}

#[test]
fn a_kernel_that_refuses_throughout_testifies_without_a_history() {
    let mut probing = probing();
    probing.suspect(at(10), run(10));
    for second in 10..70 {
        assert!(!probing.kernel_testifies(run(second)), "at {second} s");
        private(&mut probing, second, ProbeOutcome::KernelOnly);
    }
    assert!(probing.kernel_testifies(run(70)));
    private(&mut probing, 71, ProbeOutcome::Nothing);
    private(&mut probing, 72, ProbeOutcome::KernelOnly);
    assert!(
        !probing.kernel_testifies(run(72)),
        "a probe without an answer begins the count anew"
    );
}

#[test]
fn the_kernel_behind_the_elastic_ip_is_nobodys() {
    let mut probing = probing();
    probing.suspect(at(10), run(10));
    for second in 10..100 {
        probing.hear(
            run(second),
            at(second),
            ProbeTarget::Elastic,
            ProbeOutcome::KernelOnly,
            true,
        );
    }
    assert!(!probing.kernel_testifies(run(100)));
}

#[test]
fn good_times_are_probed_rarely_and_suspicion_at_once() {
    let mut probing = probing();
    let timeout = Duration::from_millis(500);
    probing.sent(run(0), timeout, false);
    assert_eq!(probing.next_at(), run(10));
    probing.suspect(at(4), run(4));
    assert_eq!(probing.next_at(), run(4));
    probing.sent(run(4), timeout, false);
    assert_eq!(probing.next_at(), run(4) + timeout);
    probing.sent(run(5), timeout, true);
    assert_eq!(probing.next_at(), run(6));
}

/// As with witnesses: several rounds go out before a proof is too old, and none is longer than a probe may take.
#[test]
fn a_silence_is_probed_more_often_where_a_proof_is_soon_too_old() {
    for (patience, timeout, gap) in [
        (1_500, 400, 500),
        (1_500, 600, 600),
        (60_000, 500, 1_000),
        (60_000, 1_200, 1_200),
    ] {
        let config = Config {
            lost_contact_takeover: Duration::from_millis(patience),
            ..config()
        };
        let mut probing = Probing::new(&config, run(0));
        probing.suspect(at(4), run(4));
        probing.sent(run(5), Duration::from_millis(timeout), true);
        assert_eq!(probing.next_at(), run(5) + Duration::from_millis(gap), "{patience} ms");
    }
}
