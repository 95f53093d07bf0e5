//! A node by itself: what it is told at which time, and exactly what it makes of it.

use std::time::Duration;

use pair_core::{
    Alarm, Association, AssociationId, Call, CallFault, CallId, Config, Echo, Event, Fitness, Heartbeat, Holder,
    Identity, Incarnation, Input, InstanceId, InstanceState, Instant, InterfaceId, Link, Member, Moves, Node, OrderId,
    Output, Prefix, Reply, Report, Rule, Sequence, Source, Testimony, Timer, Unfitness, Verdict, Version, WitnessIndex,
    WitnessOutcome, Witnessing, Word, Zone,
};

const MS: Duration = Duration::from_millis(1);
const FIT: Input = Input::Health {
    fitness: Fitness::Fit,
    saturated: false,
};
const UNFIT: Input = Input::Health {
    fitness: Fitness::Unfit(Unfitness::CheckFailed),
    saturated: false,
};

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(100) + Duration::from_millis(ms))
}

/// The second member, started at 0 ms, with the identity `i-b` and a fit service.
fn node() -> Node {
    node_of(config())
}

fn config() -> Config {
    Config {
        me: Member::Second,
        preferred: Member::First,
        private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
        interval: MS * 200,
        holdtime: MS * 1_000,
        probe_timeout: Some(MS * 500),
        lost_contact_takeover: MS * 60_000,
        unfit_delay: MS * 1_000,
        refit: MS * 60_000,
        call_timeout: MS * 3_000,
        preempt_delay: None,
        strict: false,
        restart_grace: Duration::from_secs(10),
        witnesses: Witnessing::default(),
        version: Version::cut("0.1.0"),
    }
}

fn node_of(config: Config) -> Node {
    let mut node = Node::new(config, 7, at(0));
    node.handle(at(0), Input::Wakeup);
    let identity = Identity {
        instance: InstanceId::of("i-b"),
        zone: Zone::cut("us-east-1b"),
        interface: Some(InterfaceId::of("eni-b")),
    };
    node.handle(at(0), Input::Identity(identity));
    node.handle(at(0), FIT);
    node
}

fn outputs(node: &mut Node) -> Vec<Output> {
    std::iter::from_fn(|| node.poll_output()).collect()
}

fn sent(outputs: &[Output]) -> Vec<&Heartbeat> {
    let heartbeats = outputs.iter().filter_map(|output| match output {
        Output::Send(heartbeat) => Some(heartbeat),
        Output::Probe { .. }
        | Output::AskWitnesses { .. }
        | Output::Call(_)
        | Output::Ordered { .. }
        | Output::Keep(_)
        | Output::MayStop
        | Output::Event(_) => None,
    });
    heartbeats.collect()
}

fn calls(outputs: &[Output]) -> Vec<(CallId, &Call)> {
    let calls = outputs.iter().filter_map(|output| match output {
        Output::Call(request) => Some((request.id, &request.call)),
        Output::Send(_)
        | Output::Probe { .. }
        | Output::AskWitnesses { .. }
        | Output::Ordered { .. }
        | Output::Keep(_)
        | Output::MayStop
        | Output::Event(_) => None,
    });
    calls.collect()
}

/// Answers the read that the node has asked for.
fn answer_read(node: &mut Node, now: Instant, association: Option<Association>) {
    let outputs = outputs(node);
    let (id, call) = *calls(&outputs).last().expect("the node has asked for a read");
    assert_eq!(*call, Call::ReadAddress);
    let result = Ok(Reply::Address(association));
    node.handle(now, Input::Called { id, result });
}

fn held_by_stranger() -> Option<Association> {
    Some(Association {
        id: AssociationId::of("x-9"),
        interface: InterfaceId::of("eni-z"),
        private_ip: [10, 0, 3, 10].into(),
        instance: Some(InstanceId::of("i-z")),
    })
}

/// A heartbeat of the peer, which hears the node and says that it holds the address, by a read of just now.
fn heartbeat(node: &Node, sequence: u64) -> Heartbeat {
    Heartbeat {
        prefix: Prefix {
            sender: Member::First,
            incarnation: Incarnation(4711),
            sequence: Sequence(sequence),
            echo: Some(Echo {
                incarnation: node.incarnation(),
                sequence: Sequence(1),
                age_us: 0,
            }),
        },
        report: Some(Report {
            query: false,
            interval: MS * 200,
            instance: Some(InstanceId::of("i-a")),
            zone: Zone::default(),
            fitness: Fitness::Fit,
            saturated: false,
            ready: true,
            word: Some(Word {
                holder: Holder::Member(Member::First),
                association: Some(AssociationId::of("x-1")),
                source: Source::Ec2,
                age: Duration::ZERO,
            }),
            claiming: false,
            yielding: false,
            by_order: false,
            moves: Moves::default(),
            notice: None,
            hold: None,
            version: Version::default(),
        }),
    }
}

#[test]
fn a_start_sends_a_heartbeat_and_reads_the_address_and_nothing_else() {
    let mut node = node();
    let outputs = outputs(&mut node);
    assert_eq!(calls(&outputs), [(CallId(0), &Call::ReadAddress)]);
    let first = sent(&outputs)[0];
    assert_eq!(first.prefix.sender, Member::Second);
    assert_eq!((first.prefix.sequence, first.prefix.echo), (Sequence(1), None));
}

#[test]
fn two_nodes_with_different_seeds_have_different_incarnations() {
    let config = |me| Config { me, ..node_config() };
    let first = Node::new(config(Member::First), 1, at(0));
    let again = Node::new(config(Member::First), 2, at(0));
    assert_ne!(first.incarnation(), again.incarnation());
}

fn node_config() -> Config {
    Config {
        me: Member::First,
        preferred: Member::First,
        private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
        interval: MS * 200,
        holdtime: MS * 1_000,
        probe_timeout: None,
        lost_contact_takeover: MS * 60_000,
        unfit_delay: MS * 1_000,
        refit: MS * 60_000,
        call_timeout: MS * 3_000,
        preempt_delay: None,
        strict: false,
        restart_grace: Duration::from_secs(10),
        witnesses: Witnessing::default(),
        version: Version::default(),
    }
}

#[test]
fn no_input_puts_the_next_wake_up_off_beyond_an_interval() {
    // Each change of health sends a heartbeat at once, and the regular one later; running time must not be lost by that.
    let mut node = node();
    node.handle(at(150), UNFIT);
    let (due, timer) = node.poll_timeout();
    assert!(due <= at(200), "{due:?}");
    assert_eq!(timer, Timer::Beat);
}

#[test]
fn a_late_or_repeated_wake_up_changes_nothing() {
    let mut node = node();
    outputs(&mut node);
    node.handle(at(200), Input::Wakeup);
    assert_eq!(sent(&outputs(&mut node)).len(), 1);
    for _ in 0..10 {
        node.handle(at(200), Input::Wakeup);
    }
    assert_eq!(outputs(&mut node), []);
    node.handle(at(100), Input::Wakeup);
    assert_eq!(outputs(&mut node), []);
}

#[test]
fn a_change_of_health_is_told_at_once_and_a_repetition_is_not() {
    let mut node = node();
    outputs(&mut node);
    node.handle(at(50), UNFIT);
    let told = outputs(&mut node);
    let report = sent(&told)[0].report.as_ref().unwrap();
    assert_eq!(report.fitness, Fitness::Unfit(Unfitness::CheckFailed));
    node.handle(at(60), UNFIT);
    assert_eq!(sent(&outputs(&mut node)).len(), 0);
}

#[test]
fn after_a_pause_the_last_verdict_of_the_checks_is_void() {
    let mut node = node();
    answer_read(&mut node, at(100), None);
    assert_eq!(node.decide().evidence.fitness, Fitness::Fit);
    node.handle(at(900), Input::Wakeup);
    assert_eq!(node.decide().evidence.fitness, Fitness::Unknown);
    node.handle(at(950), FIT);
    assert_eq!(node.decide().evidence.fitness, Fitness::Fit);
}

#[test]
fn after_a_pause_what_the_peer_said_before_it_is_void() {
    let mut node = node();
    let mut last = heartbeat(&node, 1);
    let report = last.report.as_mut().unwrap();
    (report.fitness, report.yielding) = (Fitness::Unfit(Unfitness::CheckFailed), true);
    node.handle(at(10), Input::Heartbeat(last));
    let said = |node: &Node| {
        let seen = node.decide().evidence;
        (seen.link, seen.peer_fitness, seen.peer_yielding)
    };
    let unfit = Some(Fitness::Unfit(Unfitness::CheckFailed));
    assert_eq!(said(&node), (Link::Up, unfit, true));
    node.handle(at(900), Input::Wakeup);
    assert_eq!(said(&node), (Link::Up, None, false));
    let life = heartbeat(&node, 2);
    node.handle(at(950), Input::Heartbeat(life));
    assert_eq!(said(&node), (Link::Up, Some(Fitness::Fit), false));
}

#[test]
fn after_a_pause_it_tells_unknown_until_the_fact_has_been_read_again() {
    let mut node = node();
    answer_read(&mut node, at(100), None);
    node.handle(at(10_000), Input::Wakeup);
    node.handle(at(10_010), FIT);
    let told = outputs(&mut node);
    let last = sent(&told).last().unwrap().report.as_ref().unwrap();
    assert_eq!((last.fitness, &last.word), (Fitness::Unknown, &None));
    let (id, _) = *calls(&told).last().unwrap();
    let result = Ok(Reply::Address(held_by_stranger()));
    node.handle(at(10_050), Input::Called { id, result });
    let told = outputs(&mut node);
    let last = sent(&told).last().unwrap().report.as_ref().unwrap();
    assert_eq!(last.fitness, Fitness::Fit);
    assert_eq!(last.word.as_ref().unwrap().holder, Holder::Stranger);
}

#[test]
fn a_silence_that_was_slept_through_starts_anew_and_does_so_once() {
    let mut node = node();
    let life = heartbeat(&node, 1);
    node.handle(at(10), Input::Heartbeat(life));
    for ms in (100..=900).step_by(100) {
        node.handle(at(ms), Input::Wakeup);
    }
    assert_eq!(node.decide().evidence.silence, MS * 890);
    node.handle(at(5_000), Input::Wakeup);
    assert_eq!(node.decide().evidence.silence, Duration::ZERO);
    // It goes on sleeping most of the time: each wake-up counts one interval, and death is presumed in the end.
    for wake in 1..=4 {
        node.handle(at(5_000 + wake * 1_000), Input::Wakeup);
        assert!(!node.decide().evidence.holdtime_over);
    }
    node.handle(at(10_000), Input::Wakeup);
    assert!(node.decide().evidence.holdtime_over);
}

#[test]
fn a_shorter_sleep_is_no_pause() {
    let mut node = node();
    answer_read(&mut node, at(100), None);
    node.handle(at(799), Input::Wakeup);
    assert_eq!(node.decide().evidence.fitness, Fitness::Fit);
}

#[test]
fn a_datagram_that_waited_while_it_slept_is_life_and_no_news() {
    let mut node = node();
    answer_read(&mut node, at(100), held_by_stranger());
    let late = heartbeat(&node, 1);
    node.handle(at(60_000), Input::Heartbeat(late));
    node.handle(at(60_000), Input::Wakeup);
    let view = node.view(at(60_000));
    assert_eq!(view.fact.unwrap().holder, Holder::Stranger);
    assert_eq!(view.heard_age, Some(Duration::ZERO));
    // What comes after the wake-up is news.
    let fresh = heartbeat(&node, 2);
    node.handle(at(60_100), Input::Heartbeat(fresh));
    assert_eq!(
        node.view(at(60_100)).fact.unwrap().holder,
        Holder::Member(Member::First)
    );
}

#[test]
fn what_it_has_sent_itself_is_no_life() {
    let mut node = node();
    let mut own = heartbeat(&node, 1);
    own.prefix.sender = Member::Second;
    node.handle(at(10), Input::Heartbeat(own));
    let view = node.view(at(10));
    assert_eq!((view.link, view.heard_age, view.peer), (Link::NeverHeard, None, None));
}

#[test]
fn a_query_is_answered_at_once() {
    let mut node = node();
    let mut query = heartbeat(&node, 1);
    query.report.as_mut().unwrap().query = true;
    outputs(&mut node);
    node.handle(at(30), Input::Heartbeat(query));
    let told = outputs(&mut node);
    let answer = sent(&told).last().copied().unwrap();
    assert_eq!(answer.prefix.echo.unwrap().incarnation, Incarnation(4711));
    assert!(!answer.report.as_ref().unwrap().query);
}

/// How many heartbeats it sends when the peer's comes so long before its own is due, and how much later the one after is due.
fn beats_when_heard_before(early: Duration) -> (usize, Duration) {
    let mut node = node();
    node.handle(at(0), Input::Heartbeat(heartbeat(&node, 1)));
    node.handle(at(0), Input::Wakeup);
    outputs(&mut node);
    let heard_at = at(200) - early;
    node.handle(heard_at, Input::Heartbeat(heartbeat(&node, 2)));
    node.handle(heard_at, Input::Wakeup);
    let told = outputs(&mut node);
    (sent(&told).len(), node.poll_timeout().0.since(heard_at))
}

#[test]
fn a_beat_that_is_nearly_due_goes_out_when_the_peers_comes_in() {
    assert_eq!(beats_when_heard_before(MS * 101), (0, MS * 101));
    assert_eq!(beats_when_heard_before(MS * 100), (1, MS * 200));
    assert_eq!(beats_when_heard_before(MS), (1, MS * 200));
}

#[test]
fn a_read_that_hangs_on_the_pooled_connection_does_not_delay_a_claim() {
    let mut node = node();
    let first = outputs(&mut node);
    let (pooled, _) = calls(&first)[0];
    let mut asked = Vec::new();
    for step in 1..=10 {
        // The peer is unfit, and its word is too old to claim on.
        let mut unfit = heartbeat(&node, step);
        let report = unfit.report.as_mut().unwrap();
        report.fitness = Fitness::Unfit(Unfitness::ServiceGone);
        report.word.as_mut().unwrap().age = MS * 6_000;
        node.handle(at(step * 100), Input::Heartbeat(unfit));
        node.handle(at(step * 100), Input::Wakeup);
        for output in outputs(&mut node) {
            if let Output::Call(request) = output {
                asked.push((step, request.id, request.call, request.fresh_connection));
            }
        }
    }
    assert_eq!(asked.len(), 1, "{asked:?}");
    let (step, fresh, call, is_fresh) = asked.remove(0);
    assert_eq!((step, call, is_fresh), (5, Call::ReadAddress, true));
    assert_ne!(pooled, fresh);
}

/// Hears one heartbeat with a word this old, then nothing, with no answer from EC2; says whether the node claims.
fn claims_on_a_word_of_age(age: Duration) -> bool {
    let mut node = node();
    let mut last = heartbeat(&node, 1);
    last.report
        .as_mut()
        .expect("it has a report")
        .word
        .as_mut()
        .expect("and a word")
        .age = age;
    node.handle(at(10), Input::Heartbeat(last));
    let mut asked = outputs(&mut node);
    for ms in (100..5_000).step_by(100) {
        node.handle(at(ms), Input::Wakeup);
        asked.extend(outputs(&mut node));
    }
    let is_claim = |(_, call): &(CallId, &Call)| matches!(call, Call::Associate { .. });
    calls(&asked).iter().any(is_claim)
}

#[test]
fn a_word_that_was_old_when_it_was_said_is_no_basis_for_a_claim() {
    assert!(claims_on_a_word_of_age(MS * 4_900));
    assert!(!claims_on_a_word_of_age(MS * 5_100));
}

#[test]
fn an_announcement_that_tells_of_the_empty_address_too_is_life_after_the_claim_that_follows() {
    let mut node = node();
    let mut last = heartbeat(&node, 1);
    let report = last.report.as_mut().unwrap();
    report.claiming = true;
    report.word = Some(Word {
        holder: Holder::Nobody,
        association: None,
        source: Source::Ec2,
        age: MS * 50,
    });
    node.handle(at(10), Input::Heartbeat(last));
    assert_eq!(node.decide().evidence.holder, Some(Holder::Nobody));
    answer_read(&mut node, at(100), held_by_former());
    for ms in (200..=1_100).step_by(100) {
        node.handle(at(ms), Input::Wakeup);
    }
    let evidence = node.decide().evidence;
    assert_eq!(evidence.holder, Some(Holder::Member(Member::First)));
    assert_eq!(evidence.testimony, Some(Testimony::Heartbeats));
}

#[test]
fn what_a_strict_takeover_releases_is_what_ec2_has_named_to_this_node() {
    let mut gone = heartbeat(&node(), 1);
    let report = gone.report.as_mut().unwrap();
    report.fitness = Fitness::Unfit(Unfitness::ServiceGone);
    report.word.as_mut().unwrap().age = MS * 50;
    // Otherwise the peer's word is fresh enough.
    let mut plain = node();
    outputs(&mut plain);
    plain.handle(at(10), Input::Heartbeat(gone.clone()));
    let allow_reassociation = true;
    assert_eq!(
        calls(&outputs(&mut plain))[0].1,
        &Call::Associate { allow_reassociation }
    );

    let mut strict = node_of(Config {
        strict: true,
        ..config()
    });
    let asked = outputs(&mut strict);
    let (id, _) = calls(&asked)[0];
    strict.handle(at(10), Input::Heartbeat(gone));
    assert_eq!(calls(&outputs(&mut strict)), [], "the read is under way");
    let held = Association {
        id: AssociationId::of("x-2"),
        ..held_by_former().unwrap()
    };
    let result = Ok(Reply::Address(Some(held)));
    strict.handle(at(60), Input::Called { id, result });
    let release = Call::Release(AssociationId::of("x-2"));
    assert_eq!(calls(&outputs(&mut strict))[0].1, &release);
}

#[test]
fn what_only_the_peer_has_named_is_read_before_a_strict_takeover_releases_it() {
    let mut node = node_of(Config {
        strict: true,
        ..config()
    });
    answer_read(&mut node, at(20), held_by_former());
    node.handle(at(90), Input::Wakeup);
    outputs(&mut node);
    let mut gone = heartbeat(&node, 1);
    let report = gone.report.as_mut().unwrap();
    report.fitness = Fitness::Unfit(Unfitness::ServiceGone);
    let word = report.word.as_mut().unwrap();
    word.age = MS * 5;
    word.association = Some(AssociationId::of("x-3"));
    node.handle(at(100), Input::Heartbeat(gone));
    let asked = outputs(&mut node);
    let (id, call) = calls(&asked)[0];
    assert_eq!((call, calls(&asked).len()), (&Call::ReadAddress, 1));
    let held = Association {
        id: AssociationId::of("x-3"),
        ..held_by_former().unwrap()
    };
    let result = Ok(Reply::Address(Some(held)));
    node.handle(at(160), Input::Called { id, result });
    let release = Call::Release(AssociationId::of("x-3"));
    assert_eq!(calls(&outputs(&mut node))[0].1, &release);
}

/// Lives through a time with a peer that holds the address, is `fitness` and has counted three moves; until the first
/// request to take the address, whose time it returns.
fn live_beyond_the_budget(node: &mut Node, from_ms: u64, to_ms: u64, fitness: Fitness) -> Option<u64> {
    (from_ms..to_ms).step_by(200).find(|ms| {
        let mut beat = heartbeat(node, ms / 200);
        let report = beat.report.as_mut().expect("it has a report");
        report.fitness = fitness;
        report.moves = Moves::from_iter([MS * 1_000, MS * 2_000, MS * 3_000]);
        node.handle(at(*ms), Input::Heartbeat(beat));
        node.handle(at(*ms), Input::Wakeup);
        let asked = outputs(node);
        let claims = calls(&asked)
            .iter()
            .any(|(_, call)| matches!(call, Call::Associate { .. }));
        for (id, _) in calls(&asked).iter().filter(|(_, call)| **call == Call::ReadAddress) {
            let result = Ok(Reply::Address(held_by_former()));
            node.handle(at(*ms), Input::Called { id: *id, result });
        }
        claims
    })
}

#[test]
fn beyond_the_budget_a_claim_waits_from_when_it_was_first_wanted() {
    const GONE: Fitness = Fitness::Unfit(Unfitness::ServiceGone);
    // Half a minute, a fresh holdtime, and what the heartbeats of 200 ms round up.
    let waits = 30_000..=31_400;
    let mut node = node();
    let claimed = live_beyond_the_budget(&mut node, 200, 60_000, GONE).unwrap();
    assert!(waits.contains(&(claimed - 200)), "{claimed}");
    // While nothing is wanted no wait runs.
    let mut node = self::node();
    assert_eq!(live_beyond_the_budget(&mut node, 200, 60_000, Fitness::Fit), None);
    let claimed = live_beyond_the_budget(&mut node, 60_000, 120_000, GONE).unwrap();
    assert!(waits.contains(&(claimed - 60_000)), "{claimed}");
}

#[test]
fn who_waited_for_its_turn_looks_once_more_before_it_claims() {
    let mut node = node();
    node.handle(at(100), Input::Wakeup);
    answer_read(&mut node, at(100), None);
    for ms in (200..3_100).step_by(100) {
        node.handle(at(ms), Input::Wakeup);
        for (id, call) in calls(&outputs(&mut node)) {
            assert_eq!(*call, Call::ReadAddress, "at {ms} ms");
            let result = Ok(Reply::Address(None));
            node.handle(at(ms), Input::Called { id, result });
        }
    }
    node.handle(at(3_100), Input::Wakeup);
    assert_eq!(node.decide().rule, Rule::F6d, "its turn has come");
    let asked = outputs(&mut node);
    let (id, call) = calls(&asked)[0];
    assert_eq!((call, calls(&asked).len()), (&Call::ReadAddress, 1));
    let result = Ok(Reply::Address(None));
    node.handle(at(3_150), Input::Called { id, result });
    let allow_reassociation = false;
    assert_eq!(
        calls(&outputs(&mut node))[0].1,
        &Call::Associate { allow_reassociation }
    );
}

#[test]
fn what_was_read_before_a_hold_ended_is_no_ground_for_a_claim_after_it() {
    let mut node = node();
    node.handle(at(0), Input::Hold(MS * 3_000));
    let life = heartbeat(&node, 1);
    node.handle(at(10), Input::Heartbeat(life));
    answer_read(&mut node, at(50), held_by_former());
    outputs(&mut node);
    for ms in (100..4_000).step_by(100) {
        node.handle(at(ms), Input::Wakeup);
        let asked = outputs(&mut node);
        let is_of_instance = |(_, call): &(CallId, &Call)| matches!(call, Call::ReadInstance(_));
        assert!(calls(&asked).iter().all(is_of_instance), "at {ms} ms: {asked:?}");
    }
    // The peer is dead and the hold over for a holdtime; what EC2 said is 4 s old, and older than the end of the hold.
    node.handle(at(4_000), Input::Wakeup);
    assert_eq!(node.decide().rule, Rule::F6a);
    let asked = outputs(&mut node);
    let (id, call) = calls(&asked)[0];
    assert_eq!((call, calls(&asked).len()), (&Call::ReadAddress, 1));
    let result = Ok(Reply::Address(held_by_former()));
    node.handle(at(4_050), Input::Called { id, result });
    let allow_reassociation = true;
    assert_eq!(
        calls(&outputs(&mut node))[0].1,
        &Call::Associate { allow_reassociation }
    );
}

/// Hears the peer once, then nothing; from 600 ms on EC2 leaves so many calls without an answer before it answers one. Says
/// whether the silence starts anew with that.
fn is_cut_off_by(mut lost: u32) -> bool {
    let mut node = node();
    let life = heartbeat(&node, 1);
    node.handle(at(10), Input::Heartbeat(life));
    let mut asked = Vec::new();
    for ms in (100..3_000).step_by(100) {
        node.handle(at(ms), Input::Wakeup);
        for output in outputs(&mut node) {
            match output {
                Output::Call(request) => asked.push(request.id),
                Output::Event(Event::SilenceStartsAnew) => return true,
                Output::Send(_)
                | Output::Probe { .. }
                | Output::AskWitnesses { .. }
                | Output::Ordered { .. }
                | Output::Keep(_)
                | Output::MayStop
                | Output::Event(_) => {}
            }
        }
        if ms < 600 {
            continue;
        }
        for id in asked.drain(..) {
            let is_lost = lost > 0;
            lost = lost.saturating_sub(1);
            let fault = if is_lost {
                CallFault::Unanswered
            } else {
                CallFault::Throttled
            };
            let result = Err(fault);
            node.handle(at(ms), Input::Called { id, result });
        }
    }
    false
}

#[test]
fn one_lost_call_is_no_isolation_and_two_are() {
    assert!(!is_cut_off_by(0));
    assert!(!is_cut_off_by(1));
    assert!(is_cut_off_by(2));
}

#[test]
fn results_of_calls_that_it_never_made_change_nothing() {
    let mut node = node();
    outputs(&mut node);
    let before = node.view(at(10));
    for result in [
        Ok(Reply::Address(held_by_stranger())),
        Ok(Reply::Associated(AssociationId::of("x-3"))),
        Ok(Reply::Released),
        Ok(Reply::Instance(InstanceState::Down)),
        Err(CallFault::Unanswered),
    ] {
        let id = CallId(99);
        node.handle(at(10), Input::Called { id, result });
    }
    assert_eq!(node.view(at(10)), before);
}

#[test]
fn an_address_at_the_peers_place_on_another_instance_is_a_strangers() {
    let mut node = node();
    let mut known = heartbeat(&node, 1);
    known.report.as_mut().unwrap().word = None;
    node.handle(at(10), Input::Heartbeat(known));
    let replaced = Association {
        private_ip: [10, 0, 1, 10].into(),
        ..held_by_stranger().unwrap()
    };
    answer_read(&mut node, at(50), Some(replaced));
    assert_eq!(node.view(at(50)).fact.unwrap().holder, Holder::Stranger);
}

#[test]
fn an_address_on_another_ip_of_a_member_is_misplaced() {
    for (instance, interface, member) in [("i-b", "eni-b", Member::Second), ("i-b", "eni-b2", Member::Second)] {
        let mut node = node();
        let misplaced = Association {
            interface: InterfaceId::of(interface),
            instance: Some(InstanceId::of(instance)),
            ..held_by_stranger().unwrap()
        };
        answer_read(&mut node, at(50), Some(misplaced));
        assert_eq!(node.view(at(50)).fact.unwrap().holder, Holder::Misplaced(member));
    }
    let mut node = node();
    let mut known = heartbeat(&node, 1);
    known.report.as_mut().unwrap().word = None;
    node.handle(at(10), Input::Heartbeat(known));
    let misplaced = Association {
        instance: Some(InstanceId::of("i-a")),
        ..held_by_stranger().unwrap()
    };
    answer_read(&mut node, at(50), Some(misplaced));
    assert_eq!(node.view(at(50)).fact.unwrap().holder, Holder::Misplaced(Member::First));
}

/// A peer that has been replaced: the instance `i-a` held the address, and `i-c` speaks in its place from 1 s on.
struct Replaced {
    node: Node,
    sequence: u64,
    now_ms: u64,
    instance_state: InstanceState,
    claims: Vec<u64>,
}

impl Replaced {
    fn new(instance_state: InstanceState) -> Self {
        let mut node = node();
        let life = heartbeat(&node, 1);
        node.handle(at(10), Input::Heartbeat(life));
        answer_read(&mut node, at(50), held_by_former());
        assert_eq!(node.decide().evidence.holder, Some(Holder::Member(Member::First)));
        Self {
            node,
            sequence: 0,
            now_ms: 1_000,
            instance_state,
            claims: Vec::new(),
        }
    }

    /// Lets time pass while the new peer lives and EC2 answers at once.
    fn run_for(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while self.now_ms < end {
            let now = at(self.now_ms);
            let sequence = self.sequence + 1;
            self.sequence = sequence;
            let mut life = heartbeat(&self.node, sequence);
            life.prefix.incarnation = Incarnation(4712);
            life.prefix.echo.as_mut().expect("it echoes").sequence = Sequence(self.sequence + 3);
            let report = life.report.as_mut().expect("it says something");
            report.instance = Some(InstanceId::of("i-c"));
            report.word.as_mut().expect("it knows a holder").holder = Holder::Stranger;
            self.node.handle(now, Input::Heartbeat(life));
            self.node.handle(now, FIT);
            self.node.handle(now, Input::Wakeup);
            for output in outputs(&mut self.node) {
                let Output::Call(request) = output else { continue };
                let result = match request.call {
                    Call::ReadAddress => Ok(Reply::Address(held_by_former())),
                    Call::ReadInstance(instance) => {
                        assert_eq!(instance, InstanceId::of("i-a"));
                        Ok(Reply::Instance(self.instance_state))
                    }
                    Call::Release(association) => panic!("nobody asked for a strict takeover: {association}"),
                    Call::Associate { allow_reassociation } => {
                        assert!(allow_reassociation);
                        self.claims.push(self.now_ms);
                        Err(CallFault::Throttled)
                    }
                };
                self.node.handle(now, Input::Called { id: request.id, result });
            }
            self.now_ms += 100;
        }
    }
}

fn held_by_former() -> Option<Association> {
    Some(Association {
        id: AssociationId::of("x-1"),
        interface: InterfaceId::of("eni-a"),
        private_ip: [10, 0, 1, 10].into(),
        instance: Some(InstanceId::of("i-a")),
    })
}

#[test]
fn a_former_member_that_runs_keeps_the_address_and_is_an_alarm() {
    let mut replaced = Replaced::new(InstanceState::Running { unreachable: true });
    replaced.run_for(300_000);
    assert_eq!(replaced.node.decide().evidence.holder, Some(Holder::Former));
    assert_eq!(
        replaced.node.decide().verdict,
        Verdict::Alarm(Alarm::HeldByFormer),
        "the life of the new peer says nothing of the old one, nor does its reachability"
    );
    assert_eq!(replaced.claims, [0; 0]);
}

#[test]
fn a_former_member_that_ec2_says_is_stopped_loses_the_address_though_the_new_peer_lives() {
    let mut replaced = Replaced::new(InstanceState::Down);
    replaced.run_for(3_000);
    assert_eq!(replaced.claims, [0; 0], "the preferred node comes first");
    replaced.run_for(3_000);
    assert!(!replaced.claims.is_empty());
    assert_eq!(replaced.node.decide().rule, Rule::F9);
}

#[test]
fn an_order_takes_the_address_from_a_former_member_that_runs() {
    let mut replaced = Replaced::new(InstanceState::Running { unreachable: false });
    replaced.run_for(2_000);
    replaced.node.handle(at(3_000), Input::Readiness(true));
    let order = Input::Order {
        id: OrderId(1),
        to: Member::Second,
        force: false,
    };
    replaced.node.handle(at(3_000), order);
    replaced.run_for(2_000);
    assert!(!replaced.claims.is_empty());
}

#[test]
fn witnesses_are_asked_rarely_in_good_times_and_in_a_burst_that_ends_with_the_holdtime() {
    let mut node = node_of(Config {
        witnesses: Witnessing {
            count: 1,
            isolation_grace: Duration::from_secs(10),
            required: false,
        },
        ..config()
    });
    let life = heartbeat(&node, 1);
    node.handle(at(0), Input::Heartbeat(life));
    let mut asked = Vec::new();
    for ms in (0..=3_000).step_by(10) {
        node.handle(at(ms), Input::Wakeup);
        let asks = outputs(&mut node).into_iter().filter_map(|output| match output {
            Output::AskWitnesses { timeout } => Some((ms, timeout)),
            Output::Send(_)
            | Output::Probe { .. }
            | Output::Call(_)
            | Output::Ordered { .. }
            | Output::Keep(_)
            | Output::MayStop
            | Output::Event(_) => None,
        });
        asked.extend(asks);
    }
    let (good, silent): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(ms, _)| *ms < 450);
    assert_eq!(good, [(0, MS * 500)]);
    let (burst, after): (Vec<_>, Vec<_>) = silent.into_iter().partition(|(ms, _)| *ms < 1_000);
    assert_eq!(burst.first(), Some(&(450, MS * 500)));
    assert_eq!(burst.len(), 11, "{burst:?}");
    for (ms, timeout) in &burst {
        assert!(MS * u32::try_from(*ms).unwrap() + *timeout <= MS * 1_000, "{burst:?}");
    }
    assert_eq!(after, [(1_000, MS * 500), (2_000, MS * 500), (3_000, MS * 500)]);
}

#[test]
fn who_has_no_witness_asks_none() {
    let mut node = node();
    for ms in (0..=3_000).step_by(10) {
        node.handle(at(ms), Input::Wakeup);
    }
    let asks = outputs(&mut node);
    assert!(!asks.iter().any(|output| matches!(output, Output::AskWitnesses { .. })));
    assert_eq!(node.view(at(3_000)).witnesses, []);
}

#[test]
fn a_witness_that_answers_and_falls_silent_is_told_once_each() {
    let mut node = node_of(Config {
        witnesses: Witnessing {
            count: 1,
            ..Witnessing::default()
        },
        ..config()
    });
    let witness = WitnessIndex(0);
    let answer = Input::Witnessed {
        begun_at: at(0),
        witness,
        outcome: WitnessOutcome::Unproven,
    };
    node.handle(at(10), answer.clone());
    node.handle(at(20), answer);
    for ms in (100..=36_000).step_by(100) {
        node.handle(at(ms), Input::Wakeup);
    }
    let told: Vec<_> = outputs(&mut node)
        .into_iter()
        .filter(|output| matches!(output, Output::Event(Event::Witness { .. })))
        .collect();
    let expected = [true, false].map(|answers| Output::Event(Event::Witness { witness, answers }));
    assert_eq!(told, expected);
}
