//! What witnesses prove, and what their silence means (F-3, F-7, F-8, F-20).

use super::*;
use crate::{Member, Version};

const FIRST: WitnessIndex = WitnessIndex(0);
const SECOND: WitnessIndex = WitnessIndex(1);

fn config(required: bool) -> Config {
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
        witnesses: Witnessing {
            count: 2,
            isolation_grace: Duration::from_secs(10),
            required,
        },
        version: Version::cut("0.1.0"),
    }
}

fn witnesses() -> Witnesses {
    Witnesses::new(&config(false), run(0))
}

fn at(seconds: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(seconds))
}

fn run(seconds: u64) -> RunTime {
    RunTime::default() + Duration::from_secs(seconds)
}

/// A question that was asked, and ended, at `seconds`.
fn tell(witnesses: &mut Witnesses, seconds: u64, index: WitnessIndex, outcome: WitnessOutcome) {
    witnesses.hear(run(seconds), at(seconds), index, outcome);
}

#[test]
fn an_answer_of_the_peer_counts_only_if_it_was_asked_for_under_suspicion() {
    let mut witnesses = witnesses();
    witnesses.suspect(at(10), run(10));
    witnesses.hear(run(10), at(9), FIRST, WitnessOutcome::Proved);
    assert!(!witnesses.proves_life(run(10)));
    tell(&mut witnesses, 10, FIRST, WitnessOutcome::Proved);
    assert!(witnesses.proves_life(run(69)));
    assert!(!witnesses.proves_life(run(70)));
}

#[test]
fn what_proved_life_in_one_suspicion_proves_nothing_in_the_next() {
    let mut witnesses = witnesses();
    witnesses.suspect(at(10), run(10));
    tell(&mut witnesses, 11, FIRST, WitnessOutcome::Proved);
    witnesses.relax();
    witnesses.suspect(at(13), run(13));
    assert!(!witnesses.proves_life(run(13)));
}

#[test]
fn a_witness_that_brings_nothing_proves_nothing_and_a_peer_that_is_unfit_is_no_reason_to_wait() {
    let mut witnesses = witnesses();
    witnesses.suspect(at(10), run(10));
    for outcome in [
        WitnessOutcome::PassedOn,
        WitnessOutcome::Unproven,
        WitnessOutcome::ProvedUnfit,
        WitnessOutcome::Nothing,
    ] {
        tell(&mut witnesses, 10, FIRST, outcome);
    }
    assert!(!witnesses.proves_life(run(10)));
}

#[test]
fn silence_at_a_witness_testifies_if_it_brought_the_peers_answers_since_the_hands_changed() {
    let mut witnesses = witnesses();
    tell(&mut witnesses, 5, FIRST, WitnessOutcome::Proved);
    witnesses.suspect(at(10), run(10));
    for second in 10..70 {
        assert!(!witnesses.testifies(run(second), run(0)), "at {second} s");
        tell(&mut witnesses, second, FIRST, WitnessOutcome::Unproven);
    }
    assert!(witnesses.testifies(run(70), run(0)));
    assert!(
        !witnesses.testifies(run(70), run(5)),
        "the hands changed when it last brought one"
    );
    tell(&mut witnesses, 71, FIRST, WitnessOutcome::ProvedUnfit);
    assert!(!witnesses.testifies(run(130), run(0)));
}

#[test]
fn a_witness_that_has_fallen_silent_itself_does_not_testify() {
    let mut witnesses = witnesses();
    tell(&mut witnesses, 5, FIRST, WitnessOutcome::Proved);
    witnesses.suspect(at(10), run(10));
    for second in 10..70 {
        tell(&mut witnesses, second, FIRST, WitnessOutcome::Unproven);
    }
    tell(&mut witnesses, 70, FIRST, WitnessOutcome::Nothing);
    assert!(!witnesses.testifies(run(70), run(0)));
    tell(&mut witnesses, 71, FIRST, WitnessOutcome::Unproven);
    assert!(!witnesses.testifies(run(71), run(0)), "one question in vain is nothing");
    tell(&mut witnesses, 72, FIRST, WitnessOutcome::Unproven);
    assert!(witnesses.testifies(run(72), run(0)));
    assert!(!witnesses.testifies(run(83), run(0)), "what it said is too old");
}

#[test]
fn a_witness_that_never_brought_an_answer_does_not_testify() {
    let mut witnesses = witnesses();
    witnesses.suspect(at(10), run(10));
    for second in 10..200 {
        tell(&mut witnesses, second, FIRST, WitnessOutcome::Unproven);
    }
    assert!(!witnesses.testifies(run(200), run(0)));
}

#[test]
fn witnesses_that_answered_before_and_are_silent_with_the_peer_hold_a_claim_off_for_a_while() {
    let mut witnesses = witnesses();
    tell(&mut witnesses, 5, FIRST, WitnessOutcome::Proved);
    witnesses.suspect(at(10), run(10));
    tell(&mut witnesses, 11, FIRST, WitnessOutcome::Nothing);
    assert!(witnesses.are_silent_together(run(10)));
    assert!(witnesses.are_silent_together(run(19)));
    assert!(!witnesses.are_silent_together(run(20)));
}

#[test]
fn an_answer_that_was_asked_for_before_the_suspicion_does_not_end_the_wait() {
    let mut witnesses = witnesses();
    tell(&mut witnesses, 5, FIRST, WitnessOutcome::Proved);
    witnesses.suspect(at(10), run(10));
    witnesses.hear(run(10), at(9), FIRST, WitnessOutcome::Unproven);
    assert!(witnesses.are_silent_together(run(10)));
}

#[test]
fn one_answer_of_any_witness_ends_the_wait() {
    let mut witnesses = witnesses();
    tell(&mut witnesses, 5, FIRST, WitnessOutcome::Proved);
    witnesses.suspect(at(10), run(10));
    tell(&mut witnesses, 11, SECOND, WitnessOutcome::PassedOn);
    assert!(!witnesses.are_silent_together(run(11)));
}

#[test]
fn witnesses_that_were_silent_before_keep_nobody_from_a_claim() {
    let mut witnesses = witnesses();
    witnesses.suspect(at(10), run(10));
    assert!(!witnesses.are_silent_together(run(10)), "never heard");
    witnesses.relax();
    tell(&mut witnesses, 20, FIRST, WitnessOutcome::Proved);
    witnesses.suspect(at(54), run(54));
    assert!(
        witnesses.are_silent_together(run(54)),
        "one of the last three rounds was answered"
    );
    witnesses.relax();
    witnesses.suspect(at(55), run(55));
    assert!(!witnesses.are_silent_together(run(55)));
}

#[test]
fn a_suspicion_that_begins_anew_needs_new_answers_and_remembers_who_answered() {
    let mut witnesses = witnesses();
    witnesses.suspect(at(10), run(10));
    tell(&mut witnesses, 11, FIRST, WitnessOutcome::Unproven);
    assert!(!witnesses.are_silent_together(run(11)));
    witnesses.suspect(at(100), run(100));
    assert!(witnesses.are_silent_together(run(109)));
    assert!(!witnesses.are_silent_together(run(110)));
}

#[test]
fn where_witnesses_are_required_a_claim_waits_until_one_answers() {
    let mut witnesses = Witnesses::new(&config(true), run(0));
    witnesses.suspect(at(10), run(10));
    assert!(witnesses.are_silent_together(run(10_000)));
    tell(&mut witnesses, 10_000, SECOND, WitnessOutcome::Unproven);
    assert!(!witnesses.are_silent_together(run(10_009)));
    assert!(witnesses.are_silent_together(run(10_010)), "the answer is too old");
    let mut none = config(true);
    none.witnesses.count = 0;
    let mut nobody = Witnesses::new(&none, run(0));
    nobody.suspect(at(10), run(10));
    assert!(!nobody.are_silent_together(run(10)));
}

#[test]
fn without_a_suspicion_nothing_is_held_off() {
    let mut witnesses = Witnesses::new(&config(true), run(0));
    assert!(!witnesses.are_silent_together(run(0)));
    tell(&mut witnesses, 5, FIRST, WitnessOutcome::Proved);
    assert!(!witnesses.testifies(run(100), run(0)) && !witnesses.proves_life(run(5)));
}

#[test]
fn good_times_are_asked_rarely_a_suspicion_in_a_burst_and_a_silence_each_second() {
    let mut witnesses = witnesses();
    let burst = Duration::from_millis(50);
    witnesses.asked(run(0), burst, false);
    assert_eq!(witnesses.next_at(), Some(run(10)));
    witnesses.suspect(at(4), run(4));
    assert_eq!(witnesses.next_at(), Some(run(4)));
    witnesses.asked(run(4), burst, false);
    assert_eq!(witnesses.next_at(), Some(run(4) + burst));
    witnesses.asked(run(5), burst, true);
    assert_eq!(witnesses.next_at(), Some(run(6)));
}

/// Three rounds go out before a proof is too old: who is asked once in that time is found silent by one answer that is late.
#[test]
fn a_silence_is_asked_more_often_where_a_proof_is_soon_too_old() {
    let config = Config {
        lost_contact_takeover: Duration::from_millis(1_500),
        ..config(false)
    };
    let mut witnesses = Witnesses::new(&config, run(0));
    witnesses.suspect(at(4), run(4));
    witnesses.asked(run(5), Duration::from_millis(50), true);
    assert_eq!(witnesses.next_at(), Some(run(5) + Duration::from_millis(500)));
}

#[test]
fn who_answers_is_told_once_per_change() {
    let mut witnesses = witnesses();
    assert_eq!(witnesses.changes(run(0)), []);
    tell(&mut witnesses, 1, FIRST, WitnessOutcome::PassedOn);
    tell(&mut witnesses, 1, SECOND, WitnessOutcome::Nothing);
    assert_eq!(witnesses.changes(run(1)), [(FIRST, true), (SECOND, false)]);
    assert_eq!(witnesses.changes(run(35)), []);
    assert_eq!(witnesses.changes(run(36)), [(FIRST, false)]);
    tell(&mut witnesses, 40, FIRST, WitnessOutcome::Proved);
    assert_eq!(witnesses.changes(run(40)), [(FIRST, true)]);
}

#[test]
fn what_each_witness_has_told_is_shown() {
    let mut witnesses = witnesses();
    assert_eq!(witnesses.views(run(0)), [WitnessView::default(); 2]);
    tell(&mut witnesses, 1, FIRST, WitnessOutcome::Proved);
    tell(&mut witnesses, 3, FIRST, WitnessOutcome::Unproven);
    tell(&mut witnesses, 3, SECOND, WitnessOutcome::Nothing);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let [first, second] = witnesses.views(run(4)).try_into().unwrap();
    assert_eq!((first.answered_age, first.proved_age), (seconds(1), seconds(3)));
    assert_eq!((first.last, first.is_silent), (Some(WitnessOutcome::Unproven), false));
    assert_eq!((second.answered_age, second.proved_age), (None, None));
    assert_eq!((second.last, second.is_silent), (Some(WitnessOutcome::Nothing), true));
}

#[test]
fn a_witness_that_nobody_has_configured_tells_nothing() {
    let mut witnesses = witnesses();
    witnesses.suspect(at(10), run(10));
    tell(&mut witnesses, 10, WitnessIndex(2), WitnessOutcome::Proved);
    assert!(!witnesses.proves_life(run(10)));
}

#[test]
fn other_settings_are_followed_and_the_number_of_witnesses_is_not() {
    let mut witnesses = witnesses();
    let mut other = config(true);
    other.witnesses.count = 7;
    other.lost_contact_takeover = Duration::from_secs(6);
    witnesses.configure(&other);
    assert_eq!(witnesses.views(run(0)).len(), 2);
    witnesses.suspect(at(10), run(10));
    assert!(witnesses.are_silent_together(run(10)));
    tell(&mut witnesses, 10, FIRST, WitnessOutcome::Proved);
    assert!(!witnesses.proves_life(run(16)));
}
