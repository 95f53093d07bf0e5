//! The failure detector alone, and what the document says of it.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::{fs, time::Duration};

use pair_core::{Link, Member};
use pair_sim::detection::{
    Curve, Detector, Effort, Loss, MissedBeats, Point, Profile, Rate, Watch, deaths, expected,
    expected_of_missed_beats, hopeless,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const NO_LOSS: Loss = Loss::Independent { percent: 0 };

fn effort() -> Effort {
    Effort {
        seed: 1,
        days: 0.5,
        enough: 20,
        deaths: 3,
        jobs: 2,
    }
}

fn measured(loss: Loss, profile: &Profile, detector: Detector, effort: &Effort) -> Rate {
    let point = Point {
        profile: *profile,
        loss,
        detector,
    };
    point.measure(effort)
}

#[test]
fn without_loss_nobody_is_presumed_dead_in_a_day() {
    for profile in Profile::ALL {
        let mut watch = Watch::new(&profile, NO_LOSS, 1);
        watch.run_for(DAY);
        assert_eq!(
            Member::BOTH.map(|member| watch.presumed(member)),
            [0, 0],
            "{}",
            profile.name
        );
        assert_eq!(Member::BOTH.map(|member| watch.link(member)), [Some(Link::Up); 2]);
    }
}

#[test]
fn a_day_of_thirty_percent_loss_moves_nothing_by_default_and_thousands_of_times_by_vrrps_rule() {
    let loss = Loss::Independent { percent: 30 };
    let mut watch = Watch::new(&Profile::DEFAULT, loss, 1);
    watch.run_for(DAY);
    assert_eq!(Member::BOTH.map(|member| watch.presumed(member)), [0, 0]);
    let mut listener = MissedBeats::new(&Profile::DEFAULT, 3, loss, 1, Member::First);
    listener.run_for(DAY);
    assert!(listener.presumed() > 7_000, "{}", listener.presumed());
}

#[test]
fn a_dead_peer_is_presumed_dead_within_a_tenth_of_the_holdtime() {
    for profile in Profile::ALL {
        for percent in [0, 30] {
            let (since_life, since_death) = deaths(&profile, Loss::Independent { percent }, 50, 1);
            assert!(since_life.least() >= profile.holdtime);
            assert!(since_life.most() <= profile.holdtime * 11 / 10, "{since_life:?}");
            assert!(since_death.most() <= profile.holdtime * 11 / 10, "{since_death:?}");
        }
    }
}

#[test]
fn the_calculation_agrees_with_the_simulation_where_that_can_count() {
    let effort = Effort {
        days: 40.0,
        enough: 1_000,
        ..effort()
    };
    let loss = Loss::Independent { percent: 50 };
    for profile in [Profile::ALL[0], Profile::DEFAULT] {
        let rate = measured(loss, &profile, Detector::Paird, &effort);
        let ratio = rate.per_day() / expected(&profile, 0.5);
        assert!((0.6..1.2).contains(&ratio), "{}: {rate:?}, {ratio}", profile.name);
        let rate = measured(loss, &profile, Detector::MissedBeats(3), &effort);
        let ratio = rate.per_day() / expected_of_missed_beats(&profile, 3, 0.5);
        assert!((0.9..1.1).contains(&ratio), "{}: {rate:?}, {ratio}", profile.name);
    }
}

#[test]
fn bursts_longer_than_the_holdtime_defeat_every_detector() {
    let effort = Effort {
        days: 10.0,
        enough: u64::MAX,
        ..effort()
    };
    let loss = Loss::Bursts {
        percent: 30,
        mean: Duration::from_millis(300),
    };
    for profile in Profile::ALL {
        let least = hopeless(&profile, loss);
        for detector in [Detector::Paird, Detector::MissedBeats(3)] {
            let rate = measured(loss, &profile, detector, &effort);
            assert!(rate.per_day() > least * 0.8, "{}: {rate:?}, {least}", profile.name);
        }
    }
}

#[test]
fn one_seed_is_one_curve_on_any_number_of_threads() {
    let point = |rates: &[(Point, Rate)]| rates.iter().map(|(_, rate)| *rate).collect::<Vec<_>>();
    let effort = Effort { days: 0.1, ..effort() };
    let [one, other] = [1, 2].map(|jobs| Curve::measure(&Effort { jobs, ..effort }));
    assert_eq!(point(&one.rates), point(&other.rates));
    let times = |curve: &Curve| {
        curve
            .deaths
            .iter()
            .map(|death| death.since_death.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(times(&one), times(&other));
}

#[test]
fn the_document_shows_every_profile_at_every_loss() {
    let tables = tables();
    for profile in Profile::ALL {
        let section = section(&tables, profile.name);
        for loss in Loss::all() {
            let row = match loss {
                Loss::Independent { percent } => format!("| {percent} % |"),
                Loss::Bursts { percent, mean } => format!("| {percent} %, {} ms |", mean.as_millis()),
            };
            assert!(section.contains(&row), "{} lacks {row}", profile.name);
        }
    }
}

#[test]
fn the_headline_of_the_document_is_in_its_table_and_keeps_the_promise() {
    let tables = tables();
    let (_, after) = tables.split_once("At 30 % loss each way `default` made ").unwrap();
    let (claims, after) = after.split_once(" needless claims in ").unwrap();
    let (days, _) = after.split_once(" days of watching").unwrap();
    let section = section(&tables, "default");
    let row = section.lines().find(|line| line.starts_with("| 30 % |")).unwrap();
    assert!(row.contains(&format!("({claims} in {days} days)")), "{row}");
    let (claims, days): (f64, f64) = (claims.parse().unwrap(), days.parse().unwrap());
    assert!(claims.max(3.0) / days < 0.01, "{claims} in {days} days");
}

/// What the command has written into the document.
fn tables() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/DETECTION.md");
    let document = fs::read_to_string(file).unwrap();
    let (_, after) = document.split_once("<!-- curve:begin -->").unwrap();
    let (tables, _) = after.split_once("<!-- curve:end -->").unwrap();
    tables.to_owned()
}

/// The tables of one profile.
fn section<'a>(tables: &'a str, profile: &str) -> &'a str {
    let (_, after) = tables.split_once(&format!("### `{profile}`")).unwrap();
    after.split("### ").next().unwrap()
}
