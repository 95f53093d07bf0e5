//! What a node believes of the holder, one reading at a time (F-1).

use super::*;

const ME: Holder = Holder::Member(Member::First);
const PEER_HOLDS: Holder = Holder::Member(Member::Second);

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(1_000) + Duration::from_millis(ms))
}

fn run(ms: u64) -> RunTime {
    RunTime::default() + Duration::from_millis(ms)
}

fn id(name: &str) -> AssociationId {
    AssociationId::of(name)
}

fn read(holder: Holder, association: &str, ms: u64) -> Fact {
    Fact {
        holder,
        association: (holder != Holder::Nobody).then(|| id(association)),
        instance: None,
        source: Source::Ec2,
        asked_at: at(ms),
    }
}

fn word(holder: Holder, association: &str, source: Source, age_ms: u64) -> Word {
    Word {
        holder,
        association: (holder != Holder::Nobody).then(|| id(association)),
        source,
        age: Duration::from_millis(age_ms),
    }
}

/// First holds, by a read at 0 ms.
fn mine() -> Ownership {
    let mut ownership = Ownership::new(Member::First, run(0));
    assert_eq!(ownership.hear_ec2(run(0), read(ME, "x-1", 0)), Taken::Believed);
    ownership
}

/// First has just won the address from Second by a claim that EC2 replied to at 1000 ms.
fn won() -> Ownership {
    let mut ownership = Ownership::new(Member::First, run(0));
    ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-1", 0));
    let reply = Fact {
        source: Source::Reply,
        ..read(ME, "x-2", 1_000)
    };
    assert_eq!(
        ownership.hear_reply(run(1_000), reply, Some(id("x-1"))),
        Taken::Believed
    );
    ownership
}

#[test]
fn the_newer_read_wins() {
    let mut ownership = Ownership::new(Member::First, run(0));
    ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-1", 500));
    assert_eq!(
        ownership.hear_ec2(run(0), read(Holder::Nobody, "", 400)),
        Taken::Ignored
    );
    assert_eq!(ownership.fact().unwrap().holder, PEER_HOLDS);
    assert_eq!(
        ownership.hear_ec2(run(0), read(Holder::Nobody, "", 600)),
        Taken::Believed
    );
    assert_eq!(ownership.fact().unwrap().holder, Holder::Nobody);
}

#[test]
fn one_read_is_no_loss_and_two_reads_two_seconds_apart_are() {
    let mut ownership = mine();
    assert_eq!(
        ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 20_000)),
        Taken::Contested
    );
    assert_eq!(
        ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 21_900)),
        Taken::StillContested
    );
    assert!(ownership.is_mine());
    assert_eq!(
        ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 22_000)),
        Taken::Believed
    );
    assert!(!ownership.is_mine());
}

#[test]
fn a_read_that_confirms_the_hold_makes_the_doubt_begin_anew() {
    let mut ownership = mine();
    ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 20_000));
    ownership.hear_ec2(run(0), read(ME, "x-1", 21_000));
    assert_eq!(
        ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 23_000)),
        Taken::Contested
    );
    assert!(ownership.is_mine());
}

#[test]
fn imds_alone_is_no_loss_however_often_it_says_so() {
    let mut ownership = mine();
    assert_eq!(ownership.hear_imds(run(0), false, at(1_000)), Taken::Contested);
    for second in 2..100 {
        let taken = ownership.hear_imds(run(0), false, at(second * 1_000));
        assert_eq!(taken, Taken::StillContested);
    }
    assert!(ownership.is_mine());
}

#[test]
fn imds_and_a_read_together_are_a_loss() {
    let mut ownership = mine();
    ownership.hear_imds(run(0), false, at(20_000));
    assert_eq!(
        ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 20_100)),
        Taken::Believed
    );
    assert_eq!(ownership.fact().unwrap().source, Source::Ec2);

    let mut ownership = mine();
    ownership.hear_ec2(run(0), read(Holder::Nobody, "", 20_000));
    assert_eq!(ownership.hear_imds(run(0), false, at(20_100)), Taken::Believed);
    assert_eq!(ownership.fact().unwrap().holder, Holder::Nobody);
}

#[test]
fn imds_that_shows_the_address_again_takes_its_doubt_back() {
    let mut ownership = mine();
    ownership.hear_imds(run(0), false, at(20_000));
    ownership.hear_imds(run(0), true, at(21_000));
    assert_eq!(
        ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 21_100)),
        Taken::Contested
    );
    assert!(ownership.is_mine());
}

#[test]
fn the_first_that_imds_says_is_a_fact_and_later_it_only_disputes() {
    let mut ownership = Ownership::new(Member::First, run(0));
    assert_eq!(ownership.hear_imds(run(0), false, at(0)), Taken::Ignored);
    assert_eq!(ownership.fact(), None);
    assert_eq!(ownership.hear_imds(run(0), true, at(1_000)), Taken::Believed);
    assert!(ownership.is_mine());

    let mut ownership = Ownership::new(Member::First, run(0));
    ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-1", 0));
    assert_eq!(ownership.hear_imds(run(0), true, at(1_000)), Taken::Contested);
    assert_eq!(ownership.hear_imds(run(0), true, at(2_000)), Taken::StillContested);
    assert!(!ownership.is_mine());
}

#[test]
fn the_peers_word_is_as_old_as_what_the_peer_knows() {
    let mut ownership = Ownership::new(Member::First, run(0));
    ownership.hear_ec2(run(0), read(Holder::Nobody, "", 5_000));
    let old = word(PEER_HOLDS, "x-1", Source::Ec2, 1_500);
    assert_eq!(ownership.hear_peer(at(6_000), run(0), &old), Taken::Ignored);
    let new = word(PEER_HOLDS, "x-1", Source::Ec2, 900);
    assert_eq!(ownership.hear_peer(at(6_000), run(0), &new), Taken::Believed);
    assert_eq!(ownership.fact().unwrap().source, Source::Peer);
}

#[test]
fn hearsay_of_hearsay_is_nothing() {
    let mut ownership = Ownership::new(Member::First, run(0));
    let word = word(PEER_HOLDS, "x-1", Source::Peer, 0);
    assert_eq!(ownership.hear_peer(at(0), run(0), &word), Taken::Ignored);
    assert_eq!(ownership.fact(), None);
}

#[test]
fn the_peers_imds_does_not_overrule_what_ec2_said() {
    let mut ownership = Ownership::new(Member::First, run(0));
    ownership.hear_ec2(run(0), read(Holder::Stranger, "x-9", 0));
    let word = word(PEER_HOLDS, "x-1", Source::Imds, 0);
    assert_eq!(ownership.hear_peer(at(1_000), run(0), &word), Taken::Contested);
    assert_eq!(ownership.hear_peer(at(1_200), run(0), &word), Taken::StillContested);
    assert_eq!(ownership.fact().unwrap().holder, Holder::Stranger);
}

#[test]
fn a_peer_that_gives_the_address_to_this_node_makes_it_ask_ec2() {
    let mut ownership = Ownership::new(Member::First, run(0));
    let word = word(ME, "x-1", Source::Ec2, 0);
    assert_eq!(ownership.hear_peer(at(0), run(0), &word), Taken::Contested);
    ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-2", 1_000));
    assert_eq!(ownership.hear_peer(at(500), run(0), &word), Taken::Ignored);
    assert_eq!(ownership.hear_peer(at(2_000), run(0), &word), Taken::Contested);
    assert!(!ownership.is_mine());
}

#[test]
fn the_peers_word_alone_is_no_loss_and_with_imds_it_is() {
    let mut ownership = mine();
    let word = word(PEER_HOLDS, "x-2", Source::Reply, 0);
    assert_eq!(ownership.hear_peer(at(20_000), run(0), &word), Taken::Contested);
    assert_eq!(ownership.hear_peer(at(23_000), run(0), &word), Taken::StillContested);
    assert!(ownership.is_mine());
    assert_eq!(ownership.hear_imds(run(0), false, at(23_500)), Taken::Believed);
    assert_eq!(ownership.fact().unwrap().holder, PEER_HOLDS);
}

#[test]
fn an_own_reply_beats_contrary_readings_for_ten_seconds() {
    let mut ownership = won();
    for ms in [1_100, 4_000, 7_000, 10_900] {
        ownership.hear_ec2(run(ms), read(Holder::Nobody, "", ms));
        ownership.hear_imds(run(ms), false, at(ms));
        let word = word(PEER_HOLDS, "x-7", Source::Ec2, 0);
        ownership.hear_peer(at(ms), run(ms), &word);
        assert!(ownership.is_mine(), "{ms} ms");
    }
    ownership.hear_imds(run(11_000), false, at(11_000));
    ownership.hear_ec2(run(11_100), read(Holder::Nobody, "", 11_100));
    assert!(!ownership.is_mine());
}

#[test]
fn a_read_that_confirms_an_own_reply_does_not_end_the_trust_in_it() {
    let mut ownership = won();
    ownership.hear_ec2(run(1_200), read(ME, "x-2", 1_200));
    ownership.hear_imds(run(1_500), false, at(1_500));
    ownership.hear_ec2(run(4_000), read(Holder::Nobody, "", 4_000));
    assert!(ownership.is_mine());
}

#[test]
fn a_later_reply_of_the_peer_counts_at_once() {
    let mut ownership = won();
    let word = word(PEER_HOLDS, "x-3", Source::Reply, 0);
    assert_eq!(ownership.hear_peer(at(3_000), run(0), &word), Taken::Contested);
    assert_eq!(
        ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-3", 3_100)),
        Taken::Believed
    );
}

#[test]
fn a_replaced_association_is_never_believed_again() {
    let mut ownership = won();
    for ms in [2_000, 60_000, 120_000] {
        assert_eq!(ownership.hear_ec2(run(0), read(PEER_HOLDS, "x-1", ms)), Taken::Stale);
        let word = word(PEER_HOLDS, "x-1", Source::Imds, 0);
        assert_eq!(ownership.hear_peer(at(ms), run(0), &word), Taken::Ignored);
    }
    assert!(ownership.is_mine());
    assert_eq!(ownership.ec2_read(), Some(at(1_000)));
}

#[test]
fn only_so_many_replaced_associations_are_remembered() {
    let mut ownership = won();
    for number in 2..50_u64 {
        let reply = Fact {
            source: Source::Reply,
            ..read(ME, &alloc::format!("x-{}", number + 1), number * 1_000)
        };
        let replaced = Some(id(&alloc::format!("x-{number}")));
        ownership.hear_reply(run(0), reply, replaced);
    }
    assert_eq!(ownership.replaced.len(), REMEMBERED);
    assert!(ownership.is_replaced(Some(&id("x-49"))));
}

#[test]
fn a_new_association_at_the_same_holder_is_no_change_of_hands() {
    let mut ownership = Ownership::new(Member::First, run(0));
    ownership.hear_ec2(run(5), read(PEER_HOLDS, "x-1", 0));
    let (changed, hands) = (ownership.changed(), ownership.hands());
    ownership.hear_ec2(run(900), read(PEER_HOLDS, "x-2", 900));
    assert_eq!((ownership.changed(), ownership.hands()), (changed, hands));
    assert_eq!(ownership.fact().unwrap().association, Some(id("x-2")));
    ownership.hear_ec2(run(1_000), read(Holder::Nobody, "", 1_000));
    assert_eq!((ownership.changed(), ownership.hands()), (run(1_000), hands + 1));
}

#[test]
fn a_word_that_confirms_keeps_the_instance_that_ec2_named() {
    let mut ownership = Ownership::new(Member::First, run(0));
    let named = Fact {
        instance: Some(InstanceId::of("i-1")),
        ..read(Holder::Stranger, "x-1", 0)
    };
    ownership.hear_ec2(run(0), named.clone());
    ownership.hear_peer(at(5_000), run(0), &word(Holder::Stranger, "x-1", Source::Ec2, 0));
    assert_eq!(ownership.fact().unwrap().instance, named.instance);
}

#[test]
fn imds_confirms_a_hold_and_keeps_the_association_that_ec2_named() {
    let mut ownership = mine();
    ownership.hear_imds(run(0), true, at(9_000));
    assert_eq!(ownership.confirmation(), Some((Source::Imds, at(9_000))));
    assert_eq!(ownership.fact().unwrap().association, Some(id("x-1")));
}

#[test]
fn a_fact_is_as_old_as_its_question() {
    let fact = read(ME, "x-1", 200);
    assert_eq!(fact.age(at(1_700)), Duration::from_millis(1_500));
    assert_eq!(fact.age(at(100)), Duration::ZERO);
}
