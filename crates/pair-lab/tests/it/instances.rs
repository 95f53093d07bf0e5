//! Instances by their tags, as the emulator tells of them.

use pair_lab::{Element, Lab};

use crate::support::{caller, emulated, refusal};

const TAG: (&str, &str) = ("paird:pair", "lb-1");

async fn describe(lab: &Lab, more: &[(&str, &str)]) -> Element {
    let mut params = vec![("Filter.1.Name", "tag:paird:pair"), ("Filter.1.Value.1", "lb-1")];
    params.extend(more);
    let answer = caller(lab, "a").call("DescribeInstances", &params).await;
    answer.expect("the emulator knows the action")
}

fn ids(answer: &Element) -> Vec<String> {
    let reservations = answer.find("reservationSet").expect("an answer has it");
    let instances = reservations.children.iter();
    let ids = instances.filter_map(|reservation| reservation.text_of("instanceId"));
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn an_answer_comes_in_pages() {
    let lab = emulated().await;
    for node in ["a", "b"] {
        lab.launch_instance(node, TAG).unwrap();
    }
    let first = describe(&lab, &[("MaxResults", "1")]).await;
    assert_eq!(ids(&first), [lab.instance_id("a").unwrap()]);
    let token = first.text_of("nextToken").expect("there is one more");
    let second = describe(&lab, &[("MaxResults", "1"), ("NextToken", token)]).await;
    assert_eq!(ids(&second), [lab.instance_id("b").unwrap()]);
    assert_eq!(second.text_of("nextToken"), None);
}

#[tokio::test]
async fn states_and_zones_are_filters_and_others_are_refused() {
    let lab = emulated().await;
    for node in ["a", "b"] {
        lab.launch_instance(node, TAG).unwrap();
    }
    lab.shut_instance_down("b").unwrap();
    let state = |state| [("Filter.2.Name", "instance-state-name"), ("Filter.2.Value.1", state)];
    assert_eq!(
        ids(&describe(&lab, &state("shutting-down")).await),
        [lab.instance_id("b").unwrap()]
    );
    lab.terminate_instance("b").unwrap();
    let gone = describe(&lab, &state("terminated")).await;
    assert_eq!(gone.text_of("privateIpAddress"), None);
    let zone = [
        ("Filter.2.Name", "availability-zone"),
        ("Filter.2.Value.1", "us-east-1a"),
    ];
    assert_eq!(ids(&describe(&lab, &zone).await), [lab.instance_id("a").unwrap()]);
    let unknown = [("Filter.1.Name", "colour"), ("Filter.1.Value.1", "red")];
    let answer = caller(&lab, "a").call("DescribeInstances", &unknown).await;
    assert_eq!(refusal(answer), (400, "InvalidParameterValue".to_owned()));
}
