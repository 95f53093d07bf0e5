//! What holds for the metadata service, which only the emulator has.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use pair_ec2::{ImdsError, Interface, Market, PublicAddress};
use pair_lab::{Action, Announcement, Fault, Scope, Target};

use crate::backend::Backend;
use crate::emulator::{Emulated, SELF};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    an_instance_knows_itself,
    the_holder_sees_the_address_on_its_interface,
    an_interface_without_public_addresses_has_none,
    an_error_is_never_none,
    silence_is_never_none,
    how_an_instance_was_bought_is_read,
    what_aws_tells_of_the_end_is_read,
    a_notice_is_never_taken_back_by_an_error,
];

async fn an_instance_knows_itself(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    let identity = imds.identity().await.expect("it answers");
    let node = lab.node(SELF).expect("it exists");
    assert_eq!(identity.instance_id, node.instance_id);
    assert_eq!(identity.region, "us-east-1");
    assert_eq!(identity.availability_zone, "us-east-1a");
    assert_eq!(identity.account, "123456789012");
    assert_eq!(
        identity.interfaces,
        [Interface {
            mac: node.mac.clone(),
            network_interface_id: node.network_interface_id.clone(),
            private_ips: vec![Ipv4Addr::new(127, 7, 1, 10)],
            device_number: 0,
        }]
    );
}

async fn the_holder_sees_the_address_on_its_interface(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    let to = Target::Node(SELF.to_owned());
    lab.move_address(&to).await.expect("the node exists");
    let mac = &lab.node(SELF).expect("it exists").mac;
    assert_eq!(
        imds.associations(mac).await,
        Ok(vec![PublicAddress {
            public_ip: lab.public_ip(),
            private_ips: vec![Ipv4Addr::new(127, 7, 1, 10)],
        }])
    );
    assert_eq!(
        imds.association(mac, lab.public_ip()).await,
        Ok(Some(vec![Ipv4Addr::new(127, 7, 1, 10)]))
    );
}

async fn an_interface_without_public_addresses_has_none(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    let mac = &lab.node(SELF).expect("it exists").mac;
    assert_eq!(imds.associations(mac).await, Ok(vec![]));
    lab.move_address(&Target::Outside).await.expect("it exists");
    assert_eq!(imds.associations(mac).await, Ok(vec![]));
    assert_eq!(imds.association(mac, lab.public_ip()).await, Ok(None));
}

async fn an_error_is_never_none(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    let mac = &lab.node(SELF).expect("it exists").mac;
    assert_eq!(imds.associations(mac).await, Ok(vec![]));
    lab.faults().set(Scope::All, Action::Imds, Fault::ServerError);
    let error = imds.associations(mac).await.expect_err("a 500 is no answer");
    assert!(matches!(error, ImdsError::Refused { status: 500, .. }), "{error}");
    let error = imds.association(mac, lab.public_ip()).await.expect_err("nor here");
    assert!(matches!(error, ImdsError::Refused { status: 500, .. }), "{error}");
    lab.faults().clear(Scope::All, Action::Imds);
    assert_eq!(imds.associations(mac).await, Ok(vec![]));
}

async fn silence_is_never_none(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    let mac = &lab.node(SELF).expect("it exists").mac;
    assert_eq!(imds.associations(mac).await, Ok(vec![]));
    for fault in [Fault::BlackHole, Fault::Refuse] {
        lab.faults().set(Scope::All, Action::Imds, fault);
        let error = imds.associations(mac).await.expect_err("no answer");
        assert!(matches!(error, ImdsError::Unanswered { .. }), "{error}");
        let error = imds.association(mac, lab.public_ip()).await.expect_err("nor here");
        assert!(matches!(error, ImdsError::Unanswered { .. }), "{error}");
        lab.faults().clear(Scope::All, Action::Imds);
    }
}

async fn how_an_instance_was_bought_is_read(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    assert_eq!(imds.market().await, Ok(Market::Firm));
    lab.set_market(SELF, pair_lab::Market::Spot).expect("the node exists");
    assert_eq!(imds.market().await, Ok(Market::Interruptible));
    lab.faults().set(Scope::All, Action::Imds, Fault::ServerError);
    let error = imds.market().await.expect_err("a 500 is no answer");
    assert!(matches!(error, ImdsError::Refused { status: 500, .. }), "{error}");
}

async fn what_aws_tells_of_the_end_is_read(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    lab.set_market(SELF, pair_lab::Market::Spot).expect("the node exists");
    assert_eq!(imds.spot_interruption().await, Ok(None));
    assert_eq!(imds.rebalance_recommendation().await, Ok(None));
    assert_eq!(imds.scheduled_events().await, Ok(vec![]));
    assert_eq!(imds.autoscaling_target().await, Ok(None));

    let before = SystemTime::now();
    let minute = Duration::from_secs(60);
    let maintenance = Announcement::Maintenance {
        code: "instance-retirement".to_owned(),
        begins_in: minute * 10,
        state: "active".to_owned(),
    };
    for told in [
        Announcement::SpotInterruption(minute * 2),
        Announcement::Rebalance,
        maintenance,
        Announcement::AutoscalingTarget("InService".to_owned()),
    ] {
        lab.announce(SELF, &told).expect("the node exists");
    }
    // Written in whole seconds, which may have been cut.
    let is_in = |at: Option<SystemTime>, left: Duration| {
        let at = at.expect("the time is told") + Duration::from_secs(1);
        (before + left..=SystemTime::now() + left + Duration::from_secs(1)).contains(&at)
    };
    let spot = imds.spot_interruption().await.expect("an answer").expect("a notice");
    assert!(spot.action == "terminate" && is_in(spot.at, minute * 2), "{spot:?}");
    let since = imds.rebalance_recommendation().await.expect("an answer");
    assert!(is_in(since, Duration::ZERO), "{since:?}");
    let events = imds.scheduled_events().await.expect("an answer");
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(
        event.takes_host() && !event.is_over && is_in(event.not_before, minute * 10),
        "{event:?}"
    );
    assert_eq!(imds.autoscaling_target().await, Ok(Some("InService".to_owned())));
}

async fn a_notice_is_never_taken_back_by_an_error(_: Rc<Backend>) {
    let Emulated { lab, imds } = Emulated::start().await;
    for fault in [Fault::ServerError, Fault::BlackHole, Fault::Refuse] {
        lab.faults().set(Scope::All, Action::Imds, fault);
        assert!(imds.spot_interruption().await.is_err());
        assert!(imds.scheduled_events().await.is_err());
        lab.faults().clear(Scope::All, Action::Imds);
    }
}
