//! One claim from its decision to the read that shows it (F-11, F-12).

use alloc::vec::Vec;

use super::*;
use crate::Member;

const FRESH: Basis = Basis {
    fact_fresh: true,
    word_usable: false,
};
const WORD: Basis = Basis {
    fact_fresh: false,
    word_usable: true,
};
const OLD: Basis = Basis {
    fact_fresh: false,
    word_usable: false,
};

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

fn run(ms: u64) -> RunTime {
    RunTime::default() + Duration::from_millis(ms)
}

fn id(name: &str) -> AssociationId {
    AssociationId::of(name)
}

fn pursue(claim: &mut Claim, ms: u64, basis: Basis) -> Step {
    let from = Holder::Member(Member::First);
    claim.pursue(at(ms), run(ms), Rule::F6a, from, None, basis)
}

/// A claim whose first request left at 0 ms.
fn sent() -> Claim {
    let mut claim = Claim::default();
    assert_eq!(pursue(&mut claim, 0, FRESH), Step::Associate);
    assert_eq!(claim.sent(at(0), run(0), CallId(1), Some(id("x-1"))), 1);
    claim
}

/// The claim after its request has failed at 100 ms.
fn failed(fault: CallFault) -> (Claim, Duration) {
    let mut claim = sent();
    let pause = claim.failed(at(100), run(100), fault, &mut Chance::new(1)).unwrap();
    (claim, pause)
}

#[test]
fn a_fresh_fact_is_one_round_trip() {
    let mut claim = sent();
    assert_eq!(pursue(&mut claim, 10, FRESH), Step::Wait);
    assert!(claim.is_in_flight(CallId(1)) && !claim.is_in_flight(CallId(2)));
    assert_eq!(claim.replied(at(60), run(60), id("x-2")), Some(id("x-1")));
    assert_eq!(claim.verify_due(run(60)), Some(Step::Read));
    let takeover = claim.read(at(120), at(61), Some(&id("x-2"))).unwrap();
    assert_eq!(
        (takeover.api, takeover.verify),
        (Duration::from_millis(60), Some(Duration::from_millis(60)))
    );
    assert_eq!((takeover.attempts, takeover.association), (1, Some(id("x-2"))));
    assert!(!claim.is_told(run(120)));
}

#[test]
fn an_old_fact_is_read_first() {
    let mut claim = Claim::default();
    assert_eq!(pursue(&mut claim, 0, OLD), Step::Read);
    assert_eq!(pursue(&mut claim, 50, FRESH), Step::Associate);
}

#[test]
fn a_claim_is_told_before_it_is_sent() {
    let mut claim = Claim::default();
    assert!(!claim.is_told(run(0)));
    pursue(&mut claim, 0, OLD);
    assert!(claim.is_told(run(0)));
}

#[test]
fn a_read_that_shows_it_here_before_anything_was_sent_is_no_takeover() {
    let mut claim = Claim::default();
    pursue(&mut claim, 0, OLD);
    assert_eq!(claim.read(at(100), at(50), Some(&id("x-2"))), None);
    assert_eq!(claim.last(), None);
}

#[test]
fn it_knows_when_its_own_request_was_sent_and_of_no_other() {
    let mut claim = Claim::default();
    pursue(&mut claim, 10, FRESH);
    claim.sent(at(10), run(10), CallId(3), None);
    assert_eq!(claim.sent_at(CallId(3)), Some(at(10)));
    assert_eq!(claim.sent_at(CallId(4)), None);
}

#[test]
fn the_peers_word_is_good_for_the_first_attempt_only() {
    let mut claim = Claim::default();
    assert_eq!(pursue(&mut claim, 0, WORD), Step::Associate);
    claim.sent(at(0), run(0), CallId(1), None);
    claim.failed(at(100), run(100), CallFault::Failed, &mut Chance::new(1));
    assert_eq!(pursue(&mut claim, 60_000, WORD), Step::Read);
}

#[test]
fn a_slow_request_gets_one_read_beside_it() {
    let mut claim = sent();
    assert_eq!(claim.read_beside_at(), Some(at(500)));
    assert_eq!(pursue(&mut claim, 499, FRESH), Step::Wait);
    assert_eq!(pursue(&mut claim, 500, FRESH), Step::ReadFresh);
    assert_eq!(
        pursue(&mut claim, 510, FRESH),
        Step::ReadFresh,
        "until the read has left"
    );
    claim.read_sent();
    assert_eq!(pursue(&mut claim, 520, FRESH), Step::Wait);
    assert_eq!(claim.read_beside_at(), None);
}

#[test]
fn without_a_reply_it_is_read_before_anything_else() {
    let (mut claim, _) = failed(CallFault::Unanswered);
    assert!(claim.is_unresolved());
    assert_eq!(pursue(&mut claim, 60_000, FRESH), Step::ReadFresh);
    // A read that was asked before the attempt ended resolves nothing.
    claim.read(at(200), at(99), None);
    assert_eq!(pursue(&mut claim, 60_000, FRESH), Step::ReadFresh);
    claim.read(at(300), at(150), None);
    assert_eq!(pursue(&mut claim, 60_000, FRESH), Step::Associate);
}

#[test]
fn without_a_reply_a_read_may_show_that_it_was_applied() {
    let (mut claim, _) = failed(CallFault::Unanswered);
    let takeover = claim.read(at(300), at(150), Some(&id("x-2"))).unwrap();
    assert_eq!((takeover.attempts, takeover.verify), (1, Some(Duration::ZERO)));
    assert!(!claim.is_unresolved() && !claim.is_told(run(300)));
}

#[test]
fn an_unanswered_attempt_is_told_for_a_while_after_the_rule_has_ceased() {
    let (mut claim, _) = failed(CallFault::Unanswered);
    claim.rest();
    assert!(claim.is_told(run(200)), "it is not resolved yet");
    claim.read(at(300), at(150), None);
    claim.rest();
    assert!(claim.is_told(run(60_099)));
    assert!(!claim.is_told(run(60_100)));
}

#[test]
fn an_address_that_is_held_after_all_is_read_first() {
    let (mut claim, _) = failed(CallFault::AlreadyAssociated);
    assert_eq!(pursue(&mut claim, 60_000, FRESH), Step::ReadFresh);
}

#[test]
fn a_release_of_what_is_gone_already_is_read_before_anything_else() {
    let mut claim = sent();
    claim.releases(id("x-1"));
    let pause = claim.failed(at(100), run(100), CallFault::Gone, &mut Chance::new(1));
    assert!(claim.is_unresolved() && pause.unwrap() <= Duration::from_millis(250));
    assert_eq!(pursue(&mut claim, 60_000, FRESH), Step::ReadFresh);
}

#[test]
fn what_it_has_released_stays_its_own_to_take_while_nobody_holds_it() {
    let mut claim = sent();
    assert!(!claim.has_released());
    claim.releases(id("x-1"));
    assert!(claim.has_released());
    assert_eq!(claim.released(), Some(id("x-1")));
    let step = claim.pursue(at(50), run(50), Rule::F6d, Holder::Nobody, None, FRESH);
    assert_eq!(step, Step::Associate);
    assert!(claim.has_released());
    claim.sent(at(50), run(50), CallId(2), None);
    claim.replied(at(90), run(90), id("x-2"));
    let takeover = claim.read(at(120), at(91), Some(&id("x-2"))).unwrap();
    assert_eq!(
        (takeover.rule, takeover.from),
        (Rule::F6a, Holder::Member(Member::First))
    );
}

#[test]
fn what_somebody_holds_again_is_released_anew() {
    let mut claim = sent();
    claim.releases(id("x-1"));
    claim.released();
    assert_eq!(pursue(&mut claim, 50, FRESH), Step::Associate);
    assert!(!claim.has_released());
}

#[test]
fn a_pursuit_that_has_released_nothing_follows_its_rule() {
    let mut claim = Claim::default();
    assert_eq!(pursue(&mut claim, 0, OLD), Step::Read);
    let step = claim.pursue(at(50), run(50), Rule::F6d, Holder::Nobody, None, FRESH);
    assert_eq!(step, Step::Associate);
    claim.sent(at(50), run(50), CallId(1), None);
    claim.replied(at(90), run(90), id("x-2"));
    let takeover = claim.read(at(120), at(91), Some(&id("x-2"))).unwrap();
    assert_eq!((takeover.rule, takeover.from), (Rule::F6d, Holder::Nobody));
}

#[test]
fn pauses_have_full_jitter_within_bounds_that_grow() {
    for fault in [
        CallFault::Unreachable,
        CallFault::Failed,
        CallFault::Denied,
        CallFault::Gone,
    ] {
        let mut chance = Chance::new(7);
        let mut claim = sent();
        let mut longest = Duration::ZERO;
        for attempt in 1..100 {
            let pause = claim.failed(at(0), run(0), fault, &mut chance).unwrap();
            let bound = Duration::from_secs(if matches!(fault, CallFault::Denied | CallFault::Gone) {
                64
            } else {
                8
            });
            assert!(
                pause >= Duration::from_millis(20) && pause <= bound,
                "{fault:?} {attempt}: {pause:?}"
            );
            longest = longest.max(pause);
            claim.sent(at(0), run(0), CallId(attempt), None);
        }
        assert!(longest > Duration::from_secs(6), "{fault:?}: {longest:?}");
    }
}

#[test]
fn the_first_pause_is_as_long_as_its_fault_deserves() {
    for (fault, most_ms) in [
        (CallFault::Unreachable, 250),
        (CallFault::Failed, 250),
        (CallFault::Unanswered, 250),
        (CallFault::AlreadyAssociated, 250),
        (CallFault::Throttled, 1_000),
        (CallFault::Denied, 8_000),
        (CallFault::Gone, 8_000),
    ] {
        let pauses = (0..200).map(|seed| sent().failed(at(0), run(0), fault, &mut Chance::new(seed)).unwrap());
        let longest = pauses.max().unwrap();
        let most = Duration::from_millis(most_ms);
        assert!(longest <= most && longest > most * 9 / 10, "{fault:?}: {longest:?}");
    }
}

#[test]
fn a_pause_is_waited_out() {
    let (mut claim, pause) = failed(CallFault::Throttled);
    let pause = u64::try_from(pause.as_millis()).unwrap();
    assert_eq!(pursue(&mut claim, 100 + pause / 2, FRESH), Step::Wait);
    assert_eq!(claim.next_at().unwrap().since(run(100)).as_millis(), u128::from(pause));
    assert_eq!(pursue(&mut claim, 101 + pause, FRESH), Step::Associate);
}

#[test]
fn a_throttled_claim_comes_again_after_a_share_of_its_wait() {
    let mut chance = Chance::new(7);
    let mut claim = sent();
    claim.read_was_throttled(run(50), &mut chance);
    let mut now = 100;
    let mut pauses = Vec::new();
    for attempt in 2..30 {
        let pause = claim
            .failed(at(now), run(now), CallFault::Throttled, &mut chance)
            .unwrap();
        pauses.push(pause);
        now += u64::try_from(pause.as_millis()).unwrap() + 1;
        assert_eq!(pursue(&mut claim, now, FRESH), Step::Associate);
        claim.sent(at(now), run(now), CallId(attempt), None);
    }
    assert!(pauses[0] <= Duration::from_secs(1), "{:?}", pauses[0]);
    assert!(pauses[1..4].iter().all(|pause| pause.as_secs() < 3), "{pauses:?}");
    let longest = pauses.iter().max().unwrap().as_secs();
    assert!((50..=72).contains(&longest), "{longest} s");
}

/// A claim whose first request was throttled, and then a read, whose pause is over at the returned time.
fn crowded() -> (Claim, u64) {
    let (mut claim, _) = failed(CallFault::Throttled);
    assert!(claim.read_was_throttled(run(2_000), &mut Chance::new(1)));
    assert_eq!(pursue(&mut claim, 2_100, FRESH), Step::Wait);
    (claim, 4_000)
}

#[test]
fn who_was_throttled_with_a_read_claims_after_two_that_have_passed() {
    let (mut claim, now) = crowded();
    assert_eq!(
        pursue(&mut claim, now, FRESH),
        Step::Read,
        "a fact from before the crowd is not enough"
    );
    claim.read_passed(run(now), &mut Chance::new(1));
    assert_eq!(pursue(&mut claim, now + 10, FRESH), Step::Wait);
    assert_eq!(pursue(&mut claim, now + 1_000, FRESH), Step::Read);
    claim.read_passed(run(now + 1_000), &mut Chance::new(1));
    assert_eq!(pursue(&mut claim, now + 1_000, FRESH), Step::Associate);
}

#[test]
fn each_request_begins_anew_with_the_crowd() {
    let (mut claim, now) = crowded();
    claim.sent(at(now), run(now), CallId(2), None);
    claim.failed(at(now), run(now), CallFault::Throttled, &mut Chance::new(1));
    assert_eq!(pursue(&mut claim, now + 4_000, FRESH), Step::Associate);
}

#[test]
fn a_throttled_read_keeps_back_no_first_attempt() {
    let mut claim = Claim::default();
    assert_eq!(pursue(&mut claim, 0, OLD), Step::Read);
    assert!(!claim.read_was_throttled(run(50), &mut Chance::new(1)));
    assert_eq!(pursue(&mut claim, 50, WORD), Step::Associate);
}

#[test]
fn a_read_beside_a_request_says_nothing_of_the_crowd() {
    let mut claim = sent();
    assert!(!claim.read_was_throttled(run(600), &mut Chance::new(1)));
    claim.read_passed(run(700), &mut Chance::new(1));
    claim.failed(at(800), run(800), CallFault::Failed, &mut Chance::new(1));
    assert_eq!(pursue(&mut claim, 1_100, FRESH), Step::Associate);
}

#[test]
fn a_request_that_never_left_is_no_attempt_and_no_busy_loop() {
    let mut claim = Claim::default();
    let mut now = 0;
    let mut pauses = Vec::new();
    for attempt in 0..20 {
        assert_eq!(pursue(&mut claim, now, FRESH), Step::Associate);
        assert_eq!(claim.sent(at(now), run(now), CallId(attempt), None), 1);
        let pause = claim
            .failed(at(now), run(now), CallFault::NotSent, &mut Chance::new(1))
            .unwrap();
        pauses.push(u64::try_from(pause.as_millis()).unwrap());
        now += pauses[pauses.len() - 1] + 1;
    }
    assert_eq!(pauses[..9], [20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120]);
    assert_eq!(pauses[9..], [5_120; 11]);
    assert!(!claim.is_unresolved());
}

#[test]
fn a_rule_that_ceases_ends_the_pursuit_and_not_the_request() {
    let mut claim = sent();
    claim.rest();
    assert!(claim.is_in_flight(CallId(1)) && claim.is_told(run(10)));
    claim.replied(at(60), run(60), id("x-2"));
    assert_eq!(claim.last().unwrap().association, Some(id("x-2")));

    let (mut claim, _) = failed(CallFault::Throttled);
    assert_eq!((claim.attempts(), claim.last_fault()), (1, Some(CallFault::Throttled)));
    assert!(claim.is_pursued());
    claim.rest();
    assert!(!claim.is_pursued() && !claim.is_told(run(200)));
    assert_eq!((claim.attempts(), claim.last_fault()), (0, None));
}

#[test]
fn a_read_beside_that_shows_it_here_makes_the_late_reply_old_news() {
    let mut claim = sent();
    let takeover = claim.read(at(600), at(510), Some(&id("x-2"))).unwrap();
    assert_eq!(takeover.api, Duration::from_millis(600));
    assert_eq!(claim.replied(at(900), run(900), id("x-2")), Some(id("x-1")));
    assert!(!claim.is_verifying() && !claim.is_told(run(900)));
}

#[test]
fn the_read_back_is_repeated_on_a_connection_of_its_own_with_pauses_that_grow() {
    let mut claim = sent();
    claim.replied(at(60), run(60), id("x-2"));
    assert_eq!(claim.verify_due(run(60)), Some(Step::Read));
    assert_eq!(claim.verify_due(run(309)), None);
    assert_eq!(claim.verify_due(run(310)), Some(Step::ReadFresh));
    assert_eq!(claim.verify_due(run(809)), None);
    assert_eq!(claim.verify_due(run(810)), Some(Step::ReadFresh));
    assert!(claim.is_verifying());
    claim.stop_verifying();
    assert_eq!((claim.is_verifying(), claim.verify_due(run(60_000))), (false, None));
}

#[test]
fn a_request_of_which_nobody_tells_the_end_is_overdue() {
    let claim = sent();
    let timeout = Duration::from_secs(3);
    assert_eq!(claim.overdue(run(5_000), timeout), None);
    assert_eq!(claim.overdue(run(5_001), timeout), Some(CallId(1)));
}

#[test]
fn an_unanswered_attempt_is_overtaken_once_another_association_shows() {
    let (mut claim, _) = failed(CallFault::Unanswered);
    assert_eq!(claim.overtaken(run(200), at(200), Some(&id("x-1"))), None);
    assert_eq!(claim.overtaken(run(200), at(200), Some(&id("x-3"))), Some(run(200)));
    assert_eq!(claim.overtaken(run(300), at(300), Some(&id("x-3"))), None);
    let (mut answered, _) = failed(CallFault::Failed);
    assert_eq!(answered.overtaken(run(200), at(200), Some(&id("x-3"))), None);
}

#[test]
fn an_unanswered_attempt_that_shows_late_was_applied_within_a_minute() {
    let (mut claim, _) = failed(CallFault::Unanswered);
    let late = claim.overtaken(run(600_000), at(600_000), Some(&id("x-3")));
    assert_eq!(late, Some(run(100) + SETTLE));
}

#[test]
fn what_a_read_beside_has_shown_is_not_news_when_the_request_is_given_up() {
    let mut claim = sent();
    assert_eq!(claim.overtaken(run(60), at(60), Some(&id("x-1"))), None);
    assert_eq!(claim.overtaken(run(60), at(60), Some(&id("x-2"))), Some(run(60)));
    assert_eq!(claim.overtaken(run(60), at(60), Some(&id("x-3"))), None);
    claim.failed(at(3_000), run(3_000), CallFault::Unanswered, &mut Chance::new(1));
    assert_eq!(claim.overtaken(run(4_000), at(4_000), Some(&id("x-3"))), None);
}

#[test]
fn a_read_asked_before_an_attempt_was_sent_does_not_tell_what_came_of_it() {
    let mut claim = Claim::default();
    pursue(&mut claim, 50, FRESH);
    claim.sent(at(50), run(50), CallId(1), Some(id("x-1")));
    assert_eq!(claim.overtaken(run(70), at(49), Some(&id("x-2"))), None);
    assert_eq!(claim.overtaken(run(70), at(50), Some(&id("x-2"))), Some(run(70)));
}
