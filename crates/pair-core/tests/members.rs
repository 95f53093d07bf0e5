//! A pair whose instances come and go: what a node makes of who is found at the peer's place (F-9).

use std::net::IpAddr;
use std::time::Duration;

use pair_core::{
    Association, AssociationId, Call, CallId, Config, Holder, Identity, Input, InstanceId, InstanceState, Instant,
    InterfaceId, Member, Members, Node, Output, Place, Reply, Rule, Version, Zone,
};

const MS: Duration = Duration::from_millis(1);
const OLD: &str = "i-a1";
const NEW: &str = "i-a2";
const OLD_IP: [u8; 4] = [10, 0, 1, 10];
const NEW_IP: [u8; 4] = [10, 0, 1, 77];

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(100) + Duration::from_millis(ms))
}

fn id(text: &str) -> InstanceId {
    InstanceId::of(text)
}

fn place(instance: &str, ip: [u8; 4]) -> Option<Place> {
    Some(Place {
        instance: id(instance),
        private_ip: ip.into(),
    })
}

/// The preferred member `i-b`, which was never told of a private IP of its peer.
fn node() -> Node {
    let config = Config {
        me: Member::Second,
        preferred: Member::Second,
        private_ips: [[0, 0, 0, 0].into(), [10, 0, 2, 10].into()],
        interval: MS * 200,
        holdtime: MS * 1_000,
        probe_timeout: None,
        lost_contact_takeover: MS * 60_000,
        unfit_delay: MS * 1_000,
        refit: MS * 60_000,
        call_timeout: MS * 3_000,
        preempt_delay: None,
        strict: false,
        restart_grace: MS * 10_000,
        witnesses: pair_core::Witnessing::default(),
        version: Version::cut("0.1.0"),
    };
    let mut node = Node::new(config, 7, at(0));
    let identity = Identity {
        instance: id("i-b"),
        zone: Zone::cut("us-east-1b"),
        interface: Some(InterfaceId::of("eni-b")),
    };
    node.handle(at(0), Input::Identity(identity));
    node.handle(
        at(0),
        Input::Health {
            fitness: pair_core::Fitness::Fit,
            saturated: false,
        },
    );
    node
}

fn held(instance: Option<&str>, ip: [u8; 4]) -> Option<Association> {
    Some(Association {
        id: AssociationId::of("x-1"),
        interface: InterfaceId::of("eni-a"),
        private_ip: IpAddr::from(ip),
        instance: instance.map(id),
    })
}

/// The calls that the node wants made.
fn calls(node: &mut Node) -> Vec<(CallId, Call)> {
    let outputs = std::iter::from_fn(|| node.poll_output());
    let calls = outputs.filter_map(|output| match output {
        Output::Call(request) => Some((request.id, request.call)),
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

/// Tells a fresh node of these members, answers its read, and says whose the address is to it.
fn holder_among(members: Members, association: Option<Association>) -> Holder {
    let mut node = node();
    node.handle(at(10), Input::Members(members));
    node.handle(at(20), Input::Wakeup);
    answer_read(&mut node, 30, association);
    node.view(at(30)).fact.expect("it was read").holder
}

fn answer_read(node: &mut Node, ms: u64, association: Option<Association>) {
    let asked = calls(node);
    let (id, _) = asked
        .iter()
        .rfind(|(_, call)| *call == Call::ReadAddress)
        .expect("it reads");
    let result = Ok(Reply::Address(association));
    node.handle(at(ms), Input::Called { id: *id, result });
}

fn found() -> Members {
    Members {
        peer: place(NEW, NEW_IP),
        former: vec![id(OLD)],
    }
}

#[test]
fn the_peer_is_who_was_found_at_the_place_that_was_found() {
    let peer = Holder::Member(Member::First);
    assert_eq!(holder_among(found(), held(Some(NEW), NEW_IP)), peer);
    assert_eq!(holder_among(found(), held(None, NEW_IP)), peer, "EC2 names no instance");
    assert_eq!(
        holder_among(found(), held(Some(NEW), [10, 0, 1, 78])),
        Holder::Misplaced(Member::First)
    );
    assert_eq!(holder_among(found(), held(Some("i-z"), NEW_IP)), Holder::Stranger);
    assert_eq!(holder_among(found(), held(None, OLD_IP)), Holder::Stranger);
    assert_eq!(holder_among(found(), None), Holder::Nobody);
}

#[test]
fn who_bears_the_tag_and_is_no_member_was_one() {
    assert_eq!(holder_among(found(), held(Some(OLD), OLD_IP)), Holder::Former);
    // A new instance may have been given the address of the old one.
    let same_ip = Members {
        peer: place(NEW, OLD_IP),
        ..found()
    };
    assert_eq!(holder_among(same_ip.clone(), held(Some(OLD), OLD_IP)), Holder::Former);
    assert_eq!(
        holder_among(same_ip, held(Some(NEW), OLD_IP)),
        Holder::Member(Member::First)
    );
}

#[test]
fn while_nobody_is_at_the_peers_place_no_address_is_the_peers() {
    let alone = Members {
        peer: None,
        former: vec![id(OLD)],
    };
    assert_eq!(holder_among(alone.clone(), held(Some(OLD), OLD_IP)), Holder::Former);
    assert_eq!(holder_among(alone.clone(), held(None, [0, 0, 0, 0])), Holder::Stranger);
    assert_eq!(
        holder_among(alone, held(Some("i-b"), [10, 0, 2, 99])),
        Holder::Misplaced(Member::Second)
    );
}

#[test]
fn another_peer_is_a_reason_to_read_and_the_same_again_is_none() {
    let mut node = node();
    let old = Members {
        peer: place(OLD, OLD_IP),
        former: Vec::new(),
    };
    node.handle(at(10), Input::Members(old.clone()));
    node.handle(at(20), Input::Wakeup);
    answer_read(&mut node, 30, held(Some(OLD), OLD_IP));
    calls(&mut node);
    node.handle(at(40), Input::Members(old));
    assert_eq!(calls(&mut node), []);
    node.handle(at(50), Input::Members(found()));
    node.handle(at(50), Input::Wakeup);
    assert!(
        matches!(&calls(&mut node)[..], [(_, Call::ReadAddress)]),
        "the address may be with the instance that is gone"
    );
}

/// The node was never in contact with either: it restarts after its peer was replaced.
#[test]
fn a_former_member_that_is_known_by_its_tag_alone_loses_the_address_when_ec2_says_that_it_is_gone() {
    for (state, is_taken) in [
        (InstanceState::Down, true),
        (InstanceState::Stopping, false),
        (InstanceState::Running { unreachable: true }, false),
    ] {
        let mut node = node();
        node.handle(at(10), Input::Members(found()));
        let mut claimed = false;
        for ms in (100..20_000).step_by(100) {
            node.handle(at(ms), Input::Wakeup);
            for (id, call) in calls(&mut node) {
                let result = match call {
                    Call::ReadAddress => Reply::Address(held(Some(OLD), OLD_IP)),
                    Call::ReadInstance(instance) => {
                        assert_eq!(instance, InstanceId::of(OLD));
                        Reply::Instance(state)
                    }
                    Call::Associate { allow_reassociation } => {
                        assert!(allow_reassociation);
                        assert_eq!(node.decide().rule, Rule::F9);
                        claimed = true;
                        continue;
                    }
                    Call::Release(association) => panic!("nobody asked for a strict takeover: {association}"),
                };
                node.handle(at(ms), Input::Called { id, result: Ok(result) });
            }
        }
        assert_eq!(claimed, is_taken, "{state:?}");
    }
}
