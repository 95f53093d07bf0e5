//! The table of rules, line by line: each obeys where it must and keeps quiet where it must.

use std::time::Duration;

use pair_core::{
    Alarm, Fitness, Holder, Link, Member, Objection, Reason, Rule, Situation, Testimony, Unfitness, Verdict, decide,
};

const ME: Member = Member::Second;
const PEER: Member = Member::First;
const TAKE: Verdict = Verdict::Claim {
    allow_reassociation: true,
};
const TAKE_IF_FREE: Verdict = Verdict::Claim {
    allow_reassociation: false,
};
const CHECK_FAILED: Option<Fitness> = Some(Fitness::Unfit(Unfitness::CheckFailed));

/// The peer holds and is well; this node is ready to take over.
fn calm() -> Situation {
    Situation {
        me: ME,
        holder: Some(Holder::Member(PEER)),
        fitness: Fitness::Fit,
        can_land: true,
        has_neighbour: false,
        ready: true,
        refit: true,
        my_turn: false,
        released: false,
        ordered: false,
        stopping: false,
        leaving: false,
        ending: false,
        on_hold: false,
        over_budget: false,
        bar_just_ended: false,
        preempt_due: false,
        link: Link::Up,
        silence: Duration::ZERO,
        holdtime_over: false,
        peer_fitness: Some(Fitness::Fit),
        peer_unfit_lasting: false,
        peer_yielding: false,
        peer_restarting: false,
        witnesses_silent: false,
        objection: None,
        testimony: None,
    }
}

/// The peer holds and was silent for the holdtime, and heartbeats testify.
fn dead() -> Situation {
    Situation {
        link: Link::PresumedDead,
        silence: Duration::from_secs(1),
        holdtime_over: true,
        testimony: Some(Testimony::Heartbeats),
        ..calm()
    }
}

fn says(situation: &Situation) -> (Rule, Verdict) {
    let decision = decide(situation);
    assert_eq!(decision.evidence, *situation);
    (decision.rule, decision.verdict)
}

/// Every situation that differs from `base` in fitness, readiness, orders, wishes and testimony.
fn variations(base: &Situation) -> Vec<Situation> {
    let mut all = vec![base.clone()];
    let mut vary = |change: &dyn Fn(&mut Situation)| {
        let mut changed = all.clone();
        changed.iter_mut().for_each(change);
        all.extend(changed);
    };
    vary(&|s| s.fitness = Fitness::Unknown);
    vary(&|s| s.can_land = false);
    vary(&|s| s.has_neighbour = true);
    vary(&|s| s.ready = false);
    vary(&|s| s.refit = false);
    vary(&|s| s.my_turn = true);
    vary(&|s| s.ordered = true);
    vary(&|s| s.peer_fitness = Some(Fitness::Unfit(Unfitness::ServiceGone)));
    vary(&|s| s.peer_yielding = true);
    vary(&|s| s.witnesses_silent = true);
    vary(&|s| s.objection = Some(Objection::ProbeServed));
    vary(&|s| s.testimony = Some(Testimony::InstanceDown));
    vary(&|s| s.holdtime_over = true);
    vary(&|s| s.link = Link::PresumedDead);
    vary(&|s| s.preempt_due = true);
    all
}

#[test]
fn in_calm_times_nothing_is_done() {
    assert_eq!(says(&calm()), (Rule::F19, Verdict::Wait(Reason::PeerServes)));
}

#[test]
fn without_a_known_holder_nothing_is_done_whatever_else_is_true() {
    for situation in variations(&Situation { holder: None, ..dead() }) {
        assert_eq!(says(&situation), (Rule::F1, Verdict::Wait(Reason::HolderUnknown)));
    }
}

#[test]
fn the_holder_serves_whatever_else_is_true() {
    let mine = Situation {
        holder: Some(Holder::Member(ME)),
        ..dead()
    };
    for situation in variations(&mine) {
        assert_eq!(says(&situation), (Rule::F1, Verdict::Serve));
    }
}

#[test]
fn a_strangers_address_is_an_alarm_whatever_else_is_true() {
    let strange = Situation {
        holder: Some(Holder::Stranger),
        ..dead()
    };
    for situation in variations(&strange) {
        assert_eq!(says(&situation), (Rule::F9, Verdict::Alarm(Alarm::HeldByStranger)));
    }
}

#[test]
fn a_misplaced_address_is_an_alarm_whatever_else_is_true() {
    for member in Member::BOTH {
        let misplaced = Situation {
            holder: Some(Holder::Misplaced(member)),
            ..dead()
        };
        for situation in variations(&misplaced) {
            assert_eq!(says(&situation), (Rule::F1, Verdict::Alarm(Alarm::Misplaced)));
        }
    }
}

#[test]
fn who_is_not_fit_claims_nothing_whatever_else_is_true() {
    for holder in [Holder::Nobody, Holder::Member(PEER)] {
        for fitness in [Fitness::Unknown, Fitness::Unfit(Unfitness::CheckFailed)] {
            let holder = Some(holder);
            for mut situation in variations(&Situation { holder, ..dead() }) {
                situation.fitness = fitness;
                assert_eq!(says(&situation), (Rule::F5, Verdict::Wait(Reason::NotFit)));
            }
        }
    }
}

#[test]
fn who_leaves_or_stops_claims_nothing_whatever_else_is_true() {
    for holder in [Holder::Nobody, Holder::Former, Holder::Member(PEER)] {
        let away = Situation {
            holder: Some(holder),
            leaving: true,
            ..dead()
        };
        for situation in variations(&away) {
            assert_eq!(says(&situation), (Rule::F13, Verdict::Wait(Reason::Leaving)));
        }
        let ending = Situation { stopping: true, ..away };
        for situation in variations(&ending) {
            assert_eq!(says(&situation), (Rule::F13, Verdict::Wait(Reason::Stopping)));
        }
    }
}

#[test]
fn a_node_whose_host_ends_is_given_nothing_and_takes_what_nobody_serves() {
    let given = Situation {
        link: Link::Up,
        peer_yielding: true,
        ..calm()
    };
    assert_eq!(says(&given).0, Rule::F6b);
    let ending = Situation { ending: true, ..given };
    assert_eq!(says(&ending), (Rule::F19, Verdict::Wait(Reason::PeerServes)));
    let alone = Situation { ending: true, ..dead() };
    assert_eq!(says(&alone).0, Rule::F6a);
}

#[test]
fn under_hold_only_an_order_and_a_peer_that_yields_move_the_address() {
    for holder in [Holder::Nobody, Holder::Former, Holder::Member(PEER)] {
        let held = Situation {
            holder: Some(holder),
            on_hold: true,
            ..dead()
        };
        for situation in variations(&held) {
            let (rule, verdict) = says(&situation);
            let is_wanted = situation.ordered || (situation.peer_yielding && situation.link == Link::Up);
            assert!(
                is_wanted || !matches!(verdict, Verdict::Claim { .. }),
                "{rule} {situation:?}"
            );
        }
    }
    let dead_under_hold = Situation {
        on_hold: true,
        over_budget: true,
        ..dead()
    };
    assert_eq!(says(&dead_under_hold), (Rule::F14, Verdict::Alarm(Alarm::OnHold)));
}

#[test]
fn beyond_the_budget_only_what_is_free_moves_the_address() {
    let base = Situation {
        over_budget: true,
        ..dead()
    };
    assert_eq!(says(&base), (Rule::F15, Verdict::Alarm(Alarm::OverBudget)));
    let free = |change: &dyn Fn(&mut Situation)| {
        let mut situation = base.clone();
        change(&mut situation);
        matches!(says(&situation).1, Verdict::Claim { .. })
    };
    assert!(free(&|s| s.ordered = true));
    assert!(free(&|s| s.testimony = Some(Testimony::InstanceDown)));
    assert!(free(&|s| (s.holder, s.my_turn) = (Some(Holder::Nobody), true)));
    assert!(free(&|s| (s.holder, s.my_turn) = (Some(Holder::Former), true)));
    assert!(free(&|s| (s.link, s.peer_yielding) = (Link::Up, true)));
    assert!(!free(&|s| s.testimony = Some(Testimony::InstanceUnreachable)));
    assert!(!free(
        &|s| (s.link, s.peer_fitness) = (Link::Up, Some(Fitness::Unfit(Unfitness::ServiceGone)))
    ));
}

#[test]
fn what_a_bar_kept_back_waits_for_a_holdtime_more() {
    let ended = Situation {
        bar_just_ended: true,
        ..dead()
    };
    assert_eq!(says(&ended), (Rule::F14, Verdict::Wait(Reason::BarJustEnded)));
    let nobodys = Situation {
        holder: Some(Holder::Nobody),
        my_turn: true,
        ..ended.clone()
    };
    assert_eq!(says(&nobodys), (Rule::F14, Verdict::Wait(Reason::BarJustEnded)));
    let ordered = Situation { ordered: true, ..ended };
    assert_eq!(says(&ordered), (Rule::F6e, TAKE));
}

#[test]
fn a_former_members_address_is_taken_by_ec2s_word_in_turn_or_by_order_and_else_an_alarm() {
    let former = Situation {
        holder: Some(Holder::Former),
        ..dead()
    };
    assert_eq!(says(&former), (Rule::F9, Verdict::Alarm(Alarm::HeldByFormer)));
    let my_turn = Situation {
        my_turn: true,
        ..former.clone()
    };
    assert_eq!(says(&my_turn), (Rule::F9, TAKE));
    let ordered = Situation {
        ordered: true,
        ..former
    };
    assert_eq!(says(&ordered), (Rule::F9, TAKE));
    let unready = Situation {
        ready: false,
        ..ordered
    };
    assert_eq!(says(&unready), (Rule::F9, Verdict::Wait(Reason::NotReady)));
}

#[test]
fn a_restarting_peer_is_waited_for_unless_ec2_says_that_its_instance_is_down() {
    let restarting = Situation {
        peer_restarting: true,
        ..dead()
    };
    assert_eq!(says(&restarting), (Rule::F13, Verdict::Wait(Reason::PeerRestarts)));
    let down = Situation {
        testimony: Some(Testimony::InstanceDown),
        ..restarting
    };
    assert_eq!(says(&down), (Rule::F6a, TAKE));
}

#[test]
fn what_is_wanted_back_is_taken_from_a_peer_that_is_up_if_this_node_is_ready() {
    let due = Situation {
        preempt_due: true,
        ..calm()
    };
    assert_eq!(says(&due), (Rule::F6f, TAKE));
    let unready = Situation {
        ready: false,
        ..due.clone()
    };
    assert_eq!(says(&unready), (Rule::F19, Verdict::Wait(Reason::PeerServes)));
    let silent = Situation {
        link: Link::Suspect,
        ..due
    };
    assert_eq!(says(&silent), (Rule::F3, Verdict::Wait(Reason::PeerSuspect)));
}

#[test]
fn who_has_no_place_to_land_claims_nothing() {
    let homeless = Situation {
        can_land: false,
        ordered: true,
        ..dead()
    };
    assert_eq!(says(&homeless), (Rule::F5, Verdict::Wait(Reason::NoPlaceToLand)));
}

#[test]
fn who_would_knock_another_address_off_claims_nothing_and_alarms() {
    let crowded = Situation {
        has_neighbour: true,
        ordered: true,
        ..dead()
    };
    assert_eq!(says(&crowded), (Rule::F5, Verdict::Alarm(Alarm::PlaceTaken)));
}

#[test]
fn what_nobody_holds_is_claimed_in_turn_and_never_from_anybody() {
    let free = Situation {
        holder: Some(Holder::Nobody),
        ..calm()
    };
    assert_eq!(says(&free), (Rule::F10, Verdict::Wait(Reason::NotMyTurn)));
    let turn = Situation {
        my_turn: true,
        ready: false,
        ..free.clone()
    };
    assert_eq!(says(&turn), (Rule::F6d, TAKE_IF_FREE));
    let ordered = Situation { ordered: true, ..free };
    assert_eq!(says(&ordered), (Rule::F6d, TAKE_IF_FREE));
}

#[test]
fn an_order_takes_the_address_from_a_peer_that_is_well_if_this_node_is_ready() {
    let ordered = Situation {
        ordered: true,
        ..calm()
    };
    assert_eq!(says(&ordered), (Rule::F6e, TAKE));
    let unready = Situation {
        ready: false,
        ..ordered
    };
    assert_eq!(says(&unready), (Rule::F6e, Verdict::Wait(Reason::NotReady)));
}

#[test]
fn a_peer_that_yields_must_be_up() {
    let yielding = Situation {
        peer_yielding: true,
        ..calm()
    };
    assert_eq!(says(&yielding), (Rule::F6b, TAKE));
    for link in [Link::OneWay, Link::Suspect, Link::NeverHeard] {
        let unheard = Situation {
            link,
            ..yielding.clone()
        };
        assert!(matches!(says(&unheard).1, Verdict::Wait(_)), "{link:?}");
    }
}

#[test]
fn an_unfit_peer_is_replaced_at_once_if_its_service_is_gone_and_after_a_while_if_a_check_failed() {
    for why in [Unfitness::ServiceGone, Unfitness::HostStopping] {
        for link in [Link::Up, Link::OneWay] {
            let gone = Situation {
                link,
                peer_fitness: Some(Fitness::Unfit(why)),
                ..calm()
            };
            assert_eq!(says(&gone), (Rule::F6c, TAKE));
        }
    }
    let failing = Situation {
        peer_fitness: CHECK_FAILED,
        ..calm()
    };
    assert_eq!(says(&failing), (Rule::F6c, Verdict::Wait(Reason::PeerUnfitBriefly)));
    let lasting = Situation {
        peer_unfit_lasting: true,
        ..failing
    };
    assert_eq!(says(&lasting), (Rule::F6c, TAKE));
}

#[test]
fn an_unfit_peer_keeps_it_from_a_node_that_failed_itself_not_long_ago() {
    let both = Situation {
        refit: false,
        peer_unfit_lasting: true,
        peer_fitness: CHECK_FAILED,
        ..calm()
    };
    assert_eq!(says(&both), (Rule::F6c, Verdict::Wait(Reason::NotRefit)));
}

#[test]
fn unknown_is_not_unfit_and_an_old_word_is_none() {
    let unknown = Situation {
        peer_fitness: Some(Fitness::Unknown),
        peer_unfit_lasting: true,
        ..calm()
    };
    assert_eq!(says(&unknown), (Rule::F19, Verdict::Wait(Reason::PeerServes)));
    let silent = Situation {
        link: Link::Suspect,
        peer_unfit_lasting: true,
        peer_fitness: CHECK_FAILED,
        ..calm()
    };
    assert_eq!(says(&silent), (Rule::F3, Verdict::Wait(Reason::PeerSuspect)));
}

#[test]
fn a_dead_peer_is_replaced_on_any_testimony_and_on_none_is_an_alarm() {
    for testimony in [
        Testimony::InstanceDown,
        Testimony::Heartbeats,
        Testimony::Probe,
        Testimony::Witness,
        Testimony::KernelOnly,
        Testimony::InstanceUnreachable,
    ] {
        let testimony = Some(testimony);
        assert_eq!(says(&Situation { testimony, ..dead() }), (Rule::F6a, TAKE));
    }
    let unproven = Situation {
        testimony: None,
        ..dead()
    };
    assert_eq!(says(&unproven), (Rule::F8, Verdict::Alarm(Alarm::SilenceUnproven)));
}

#[test]
fn before_the_holdtime_is_over_no_testimony_counts() {
    let early = Situation {
        link: Link::Suspect,
        holdtime_over: false,
        testimony: Some(Testimony::InstanceDown),
        ..dead()
    };
    assert_eq!(says(&early), (Rule::F3, Verdict::Wait(Reason::PeerSuspect)));
}

#[test]
fn a_service_that_serves_is_left_alone_unless_ec2_says_that_its_instance_is_down() {
    for objection in [Objection::ProbeServed, Objection::WitnessProved, Objection::Saturated] {
        let serving = Situation {
            objection: Some(objection),
            ..dead()
        };
        assert_eq!(says(&serving), (Rule::F7, Verdict::Alarm(Alarm::SilentButServing)));
        let down = Situation {
            testimony: Some(Testimony::InstanceDown),
            ..serving
        };
        assert_eq!(says(&down), (Rule::F6a, TAKE));
    }
}

#[test]
fn while_the_witnesses_are_silent_too_only_ec2_an_order_and_what_nobody_holds_move_the_address() {
    let cut_off = Situation {
        witnesses_silent: true,
        ..dead()
    };
    assert_eq!(says(&cut_off), (Rule::F20, Verdict::Alarm(Alarm::WitnessesSilent)));
    let down = Situation {
        testimony: Some(Testimony::InstanceDown),
        ..cut_off.clone()
    };
    assert_eq!(says(&down), (Rule::F6a, TAKE));
    let ordered = Situation {
        ordered: true,
        ..cut_off.clone()
    };
    assert_eq!(says(&ordered), (Rule::F6e, TAKE));
    let nobodys = Situation {
        holder: Some(Holder::Nobody),
        my_turn: true,
        ..cut_off.clone()
    };
    assert_eq!(says(&nobodys), (Rule::F6d, TAKE_IF_FREE));
    let unproven = Situation {
        testimony: None,
        ..cut_off.clone()
    };
    assert_eq!(says(&unproven), (Rule::F8, Verdict::Alarm(Alarm::SilenceUnproven)));
    let serving = Situation {
        objection: Some(Objection::ProbeServed),
        ..cut_off
    };
    assert_eq!(says(&serving), (Rule::F7, Verdict::Alarm(Alarm::SilentButServing)));
}

#[test]
fn readiness_gates_nothing_but_an_order() {
    let unready = Situation { ready: false, ..dead() };
    assert_eq!(says(&unready), (Rule::F6a, TAKE));
}

#[test]
fn every_id_is_named_once() {
    let mut ids: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Rule::ALL.len());
    assert_eq!(Rule::F6a.to_string(), "F-6a");
}
