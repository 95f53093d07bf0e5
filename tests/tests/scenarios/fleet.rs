//! The template for three pairs, created in an AWS that nobody here wrote, with a daemon on each of its nodes.

use std::collections::BTreeSet;

use e2e::{Fleet, eventually, is_skipped};
use pair_wire::control::State;

#[test]
fn three_pairs_of_the_template_survive_the_death_of_a_zone() {
    if is_skipped("the fleet", Fleet::obstacle()) {
        return;
    }
    let mut fleet = Fleet::start(3);

    let stack = fleet.stack();
    assert_eq!((stack.status.as_str(), stack.instances), ("CREATE_COMPLETE", 6));
    let addresses: BTreeSet<_> = stack.addresses.iter().collect();
    assert_eq!(addresses.len(), 3);
    assert_eq!(stack.values.iter().collect::<BTreeSet<_>>(), addresses);
    assert_eq!(stack.answers.len(), 3);
    assert!(stack.answers.iter().all(|[value, checked]| value == checked));
    assert_eq!(stack.endpoints, ["com.amazonaws.us-east-1.ec2"]);
    let checked_in = include_str!("../../../deploy/cloudformation/fleet-3.yaml");
    assert!(
        checked_in.replace("10.77.", &stack.prefix) == stack.template,
        "only the network differs"
    );

    // Each zone is preferred by its share of the pairs.
    eventually("every pair has its address where it belongs", || {
        (fleet.holders() == ["a", "b", "a"].map(|name| Some(name.to_owned()))).then_some(())
    });
    for name in ["a", "b"] {
        eventually("every pair is healthy", || {
            let statuses = fleet.statuses(name);
            let healthy = statuses.iter().filter(|status| status.state == State::Healthy);
            (healthy.count() == 3).then_some(())
        });
    }
    assert_eq!(fleet.answering(), [true; 3]);

    fleet.kill_zone("a");
    eventually("the other zone holds all addresses", || {
        (fleet.holders() == ["b"; 3].map(|name| Some(name.to_owned()))).then_some(())
    });
    eventually("every address is served", || {
        (fleet.answering() == [true; 3]).then_some(())
    });
}
