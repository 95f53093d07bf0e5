//! What the status says of paths that carry heartbeats one way only.

use std::iter;
use std::net::Ipv4Addr;

use pair_core::{Incarnation, Node, Prefix, Sequence};
use pair_wire::datagram::HeardPaths;

use super::*;
use crate::config::AddressIndex;
use crate::run;

/// A pair with two paths, between 127.0.13.N and 127.0.14.N, as its first node sees it: heartbeats come by both.
fn heard(link: CoreLink, heard_by_peer: [bool; 2]) -> Vec<(StatusOfPath, Option<bool>)> {
    let text = "pair = \"lb-1\"\n[[node]]\nname = \"a\"\naddresses = [\"127.0.13.1\", \"127.0.13.2\"]\n\
                [[node]]\nname = \"b\"\naddresses = [\"127.0.14.1\", \"127.0.14.2\"]\n\
                [[address]]\nallocation_id = \"eipalloc-0123456789abcdef0\"\n\
                [check]\nnone = true\n[probe]\nnone = true\n[security]\ninsecure_no_key = true\n";
    let config = Config::parse("paird.toml", text).unwrap();
    let me = Member::First;
    let now = Instant::from_origin(config.heartbeat.holdtime);

    let [own, peer] = config.nodes.each_ref().map(|node| node.ends().collect::<Vec<_>>());
    let mut paths = Paths::open(iter::zip(own, peer), config.heartbeat.port).unwrap();
    for path in 0..paths.count() {
        let prefix = Prefix {
            sender: me.peer(),
            incarnation: Incarnation(1),
            sequence: Sequence(1),
            echo: None,
        };
        paths.hear(now, path, AddressIndex(0), &prefix);
    }
    paths.follow(now, config.heartbeat.holdtime);
    paths.hear_of_peer(HeardPaths::of(heard_by_peer));

    let core = run::core_config(&config, &config.addresses[0], me);
    let view = View {
        link,
        ..Node::new(core, 1, Instant::ZERO).view(now)
    };
    let place = Ipv4Addr::new(10, 0, 1, 10);
    let status = Sources {
        config: &config,
        me,
        names: &Names::of_config(&config, me),
        known: &Knowledge::new("service", None),
        seats: vec![SeatSources {
            address: &config.addresses[0],
            places: [place.into(); 2],
            view: &view,
            known: &AddressKnowledge::new(place),
        }],
        paths: &paths,
        drops: &Drops::default(),
        ring: &KeyRing::insecure(),
        peer_keys: None,
        uptime: config.heartbeat.holdtime,
        loop_age: Duration::ZERO,
    }
    .status();
    let paths = status.peer.paths.into_iter();
    paths.map(|path| (path.state, path.peer_hears)).collect()
}

#[tokio::test]
async fn by_which_paths_the_peer_hears_this_node_is_told_of_each() {
    let alive = |peer_hears| (StatusOfPath::Alive, peer_hears);
    for told in [[true, true], [true, false], [false, true]] {
        assert_eq!(heard(CoreLink::Up, told), told.map(Some).map(alive));
    }
}

#[tokio::test]
async fn a_peer_that_hears_nothing_at_all_tells_of_no_path_whatever_it_told_before() {
    let unknown = [(StatusOfPath::Alive, None); 2];
    assert_eq!(
        heard(CoreLink::Up, [false, false]),
        unknown,
        "nor does an agent from before"
    );
    assert_eq!(heard(CoreLink::OneWay, [true, false]), unknown);
    assert_eq!(heard(CoreLink::Suspect, [true, false]), unknown);
}
