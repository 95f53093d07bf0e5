use std::collections::BTreeMap;

use pair_core::{Member, Node};
use stateright::Model as _;

use super::{event::Event, fold::Row, *};
use crate::Dice;

const HORIZON: u64 = 8;
const AHEAD: u64 = 12;

/// A walk through the model: mostly quiet ticks, now and then whatever is possible.
fn walk(model: &PairModel, dice: &mut Dice, mut visit: impl FnMut(&State)) {
    let mut state = model.init_states().remove(0);
    for _ in 0..80 {
        state = model
            .next_state(&state, one_of_the_actions(model, &state, dice))
            .unwrap();
        visit(&state);
    }
}

fn one_of_the_actions(model: &PairModel, state: &State, dice: &mut Dice) -> Option<Event> {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    if dice.percent(85) { None } else { *dice.one_of(&actions) }
}

/// The same node with the luck of another.
fn with_the_luck_of(node: &Node, lucky: &Node) -> Node {
    let mut written = serde_json::to_value(node).unwrap();
    written["chance"] = serde_json::to_value(lucky).unwrap()["chance"].clone();
    serde_json::from_value(written).unwrap()
}

/// Plays two states with equal rows side by side, and says after how many ticks their rows differ.
fn differ_after(model: &PairModel, one: &State, other: &State, dice: &mut Dice) -> Option<u64> {
    let (mut one, mut other) = (one.clone(), other.clone());
    for member in Member::BOTH {
        let lucky = one.machine(member).node.clone();
        if let (Some(node), Some(lucky)) = (&mut other.machine_mut(member).node, lucky) {
            **node = with_the_luck_of(node, &lucky);
        }
    }
    (1..=AHEAD).find(|_| {
        let event = one_of_the_actions(model, &one, dice);
        one = model.next_state(&one, event).unwrap();
        other = model.next_state(&other, event).unwrap();
        one.folded(HORIZON) != other.folded(HORIZON)
    })
}

#[test]
fn states_that_fold_to_the_same_behave_alike() {
    for (probes, witness, found) in [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (false, false, true),
    ] {
        let model = PairModel::new(Bound {
            faults: 3,
            probes,
            witness,
            found,
            ..Bound::default()
        });
        let mut dice = Dice::new(1);
        let mut known: BTreeMap<Row, State> = BTreeMap::new();
        let mut pairs = 0;
        for _ in 0..300 {
            let mut met = Vec::new();
            walk(&model, &mut dice, |state| {
                // With waits ahead of both that are as long as the play, or equal.
                let row = state.folded(HORIZON + AHEAD);
                match known.get(&row) {
                    Some(twin) if twin.now() != state.now() => met.push((twin.clone(), state.clone())),
                    Some(_) => {}
                    None => drop(known.insert(row, state.clone())),
                }
            });
            for (one, other) in met.into_iter().take(4) {
                let ticks = differ_after(&model, &one, &other, &mut dice);
                assert_eq!(ticks, None, "{one:#?}\n{other:#?}");
                pairs += 1;
            }
        }
        println!("{pairs} pairs of states, probes {probes}, witness {witness}");
        assert!(pairs > 500, "{pairs}");
    }
}

#[test]
fn a_state_is_more_than_its_clock() {
    let rest = State::at_rest(&Bound {
        ticks: HORIZON,
        ..Bound::default()
    });
    let (mut later, mut hurt) = (rest.clone(), rest.clone());
    later.tick(None);
    later.tick(None);
    hurt.tick(Some(Event::CutFrom(Member::First)));
    assert!(rest.folded(HORIZON) == later.folded(HORIZON));
    assert!(rest.folded(HORIZON) != hurt.folded(HORIZON));
}
