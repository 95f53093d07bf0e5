//! Every history within a bound, and what a wrong law looks like.
//!
//! The figures are printed. `pair-sim model` looks further.

use pair_sim::{
    Owner,
    model::{Bound, Event, Findings, Kind, Limits, PairModel, Sight, State, Story, check},
};
use stateright::{Checker as _, Model, Property};

/// Visits every state within a bound: on one thread, so that the figures are the same every time.
fn visit(name: &str, bound: &Bound) -> Findings {
    let findings = check(bound, Limits { threads: 1, time: None });
    println!("{name}, {} faults\n{findings}", bound.faults);
    assert_eq!(findings.broken, Vec::new());
    assert_eq!(findings.unseen, Vec::new());
    assert!(findings.is_complete);
    findings
}

/// How many ticks the shortest path to a second takeover takes.
fn second_takeover(findings: &Findings) -> usize {
    let path = findings.seen.iter().find(|(sight, _)| *sight == Sight::SecondTakeover);
    path.expect("the bound admits two takeovers").1.ticks()
}

#[test]
fn two_deaths_or_cuts_break_no_law() {
    let findings = visit("deaths and cuts", &Bound::of_deaths_and_cuts());
    assert_eq!(second_takeover(&findings), 7);
}

#[test]
fn two_faults_of_people_or_ec2_break_no_law() {
    let findings = visit("people and EC2", &Bound::of_people_and_ec2());
    assert_eq!(second_takeover(&findings), 8);
}

#[test]
fn two_isolations_break_no_law() {
    let findings = visit("isolation", &Bound::of_isolation());
    assert_eq!(second_takeover(&findings), 11);
}

#[test]
fn with_probes_two_faults_break_no_law() {
    let findings = visit("probes", &Bound::of_probes());
    assert_eq!(second_takeover(&findings), 8);
}

#[test]
fn with_a_witness_two_faults_break_no_law() {
    let findings = visit("witness", &Bound::of_a_witness());
    assert_eq!(second_takeover(&findings), 8);
}

#[test]
fn two_replacements_break_no_law() {
    let findings = visit("replacements", &Bound::of_replacements());
    assert_eq!(second_takeover(&findings), 11);
}

/// The model with a law that is wrong.
struct Wrong(PairModel);

impl Model for Wrong {
    type State = State;
    type Action = Option<Event>;

    fn init_states(&self) -> Vec<State> {
        self.0.init_states()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Option<Event>>) {
        self.0.actions(state, actions);
    }

    fn next_state(&self, state: &State, event: Option<Event>) -> Option<State> {
        self.0.next_state(state, event)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("the address never moves", |_, state: &State| {
            state.owner() == Some(Owner::Member(pair_sim::A))
        })]
    }
}

#[test]
fn a_wrong_law_is_refuted_by_the_shortest_path() {
    let bound = Bound {
        kinds: vec![Kind::HostDies],
        ..Bound::default()
    };
    let checker = Wrong(PairModel::new(bound)).checker().spawn_bfs().join();
    let path = checker.assert_any_discovery("the address never moves");
    let story = Story::of(path);
    println!("{story}");
    assert_eq!(
        story.to_string(),
        "\
#      0ms  Member(First) has it; First: Up, F-1 Serve; Second: Up, F-19 Wait(PeerServes)
at 5000ms crash-host a
#   5000ms  Member(First) has it; First: no agent; Second: Up, F-19 Wait(PeerServes)
#  15000ms  Member(First) has it; First: no agent; Second: Suspect, F-3 Wait(PeerSuspect)
#  20000ms  Member(First) has it; First: no agent; Second: PresumedDead, F-6a Claim { allow_reassociation: true }, claims
#  25000ms  Member(Second) has it; First: no agent; Second: PresumedDead, F-1 Serve
"
    );
}

#[test]
fn kinds_have_names_that_are_read_back() {
    for kind in Kind::ALL {
        assert_eq!(kind.name().parse(), Ok(*kind));
    }
    let unknown = "host-die".parse::<Kind>().unwrap_err().to_string();
    assert!(
        unknown.starts_with("\"host-die\" is none of host-dies, instance-stops"),
        "{unknown}"
    );
}
