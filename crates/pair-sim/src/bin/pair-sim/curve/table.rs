//! The tables of the document, and the sentence that sums them up.

use std::{fmt::Write as _, time::Duration};

use anyhow::Context as _;
use pair_sim::detection::{Curve, Death, Detector, Effort, Loss, Profile, Rate, expected, hopeless};

use super::number::{rate, thousands};

/// All that the command writes into the document.
pub(crate) fn tables(curve: &Curve, effort: &Effort) -> anyhow::Result<String> {
    let mut text = headline(curve, effort)?;
    writeln!(text, "\n{}\n", made_by(effort))?;
    for profile in &Profile::ALL {
        write!(text, "{}", of_profile(curve, profile)?)?;
    }
    write!(text, "{}", detection_times(curve, effort)?)?;
    Ok(text)
}

/// The figure that the design promises.
fn headline(curve: &Curve, effort: &Effort) -> anyhow::Result<String> {
    let (profile, loss) = (Profile::DEFAULT, Loss::PROMISED);
    let paird = measured(curve, &profile, loss, Detector::Paird)?;
    let plain = measured(curve, &profile, loss, Detector::MissedBeats(3))?;
    let death = died(curve, &profile, loss)?;
    let in_hundred = match paird.bound() {
        Some(bound) => format!("fewer than {} in 100 days with 95 % confidence", rate(bound * 100.0)),
        None => format!("{} in 100 days", rate(paird.per_day() * 100.0)),
    };
    Ok(format!(
        "At 30 % loss each way `default` made {} needless claims in {} days of watching: {in_hundred}, {} by calculation. \
         VRRP's three missed beats made {} a day. Of {} peers that died at that loss each was presumed dead {} to {} ms \
         after its last life, at a holdtime of {} ms.\n",
        paird.claims,
        days(paird),
        rate(expected(&profile, loss.share()) * 100.0),
        rate(plain.per_day()),
        thousands(effort.deaths),
        millis(death.since_life.least()),
        millis(death.since_life.most()),
        millis(profile.holdtime),
    ))
}

fn made_by(effort: &Effort) -> String {
    format!(
        "Made by `cargo xtask curve --seed {} --days {} --enough {} --deaths {}`. Needless claims per day of watching; behind those \
         of paird what was counted. \"<\" stands where nothing was counted: the upper end at 95 % confidence.",
        effort.seed, effort.days, effort.enough, effort.deaths
    )
}

fn of_profile(curve: &Curve, profile: &Profile) -> anyhow::Result<String> {
    let (independent, bursts): (Vec<Loss>, Vec<Loss>) = Loss::all()
        .into_iter()
        .partition(|loss| matches!(loss, Loss::Independent { .. }));
    let by_calculation = |loss: Loss| expected(profile, loss.share());
    let at_best = |loss: Loss| hopeless(profile, loss);
    Ok(format!(
        "### `{}`: interval {} ms, holdtime {} ms\n\n{}\n{}\n",
        profile.name,
        millis(profile.interval),
        millis(profile.holdtime),
        of_losses(
            curve,
            profile,
            ["loss each way", "calculated"],
            &independent,
            by_calculation
        )?,
        of_losses(
            curve,
            profile,
            ["time in bursts, their mean length", "no detector does better"],
            &bursts,
            at_best
        )?,
    ))
}

/// One table: a row for each loss, and `beside` what paird did.
fn of_losses(
    curve: &Curve,
    profile: &Profile,
    [first, second]: [&str; 2],
    losses: &[Loss],
    beside: impl Fn(Loss) -> f64,
) -> anyhow::Result<String> {
    let [_, three, patient] = Detector::of(profile);
    let [head_of_three, head_of_patient] =
        [three, patient].map(|detector| format!("{} ({} ms)", words(detector), millis(detector.patience(profile))));
    let mut text = format!(
        "| {first} | paird | {second} | {head_of_three} | {head_of_patient} |\n| --- | ---: | ---: | ---: | ---: |\n"
    );
    for loss in losses {
        let paird = measured(curve, profile, *loss, Detector::Paird)?;
        writeln!(
            text,
            "| {} | {} ({} in {} days) | {} | {} | {} |",
            row(*loss),
            cell(paird),
            thousands(paird.claims),
            days(paird),
            rate(beside(*loss)),
            cell(measured(curve, profile, *loss, three)?),
            cell(measured(curve, profile, *loss, patient)?),
        )?;
    }
    Ok(text)
}

fn detection_times(curve: &Curve, effort: &Effort) -> anyhow::Result<String> {
    let mut text = format!(
        "### How soon a dead peer is presumed dead\n\nMedian (least to most) of {} deaths at any point of the interval, in \
         milliseconds.\n\n",
        thousands(effort.deaths)
    );
    text += "| profile | holdtime | loss each way | after the last life | after the death |\n| --- | ---: | ---: | ---: | ---: |\n";
    for Death {
        profile,
        loss,
        since_life,
        since_death,
    } in &curve.deaths
    {
        let [life, death] = [since_life, since_death].map(|delays| {
            let [median, least, most] = [delays.median(), delays.least(), delays.most()].map(millis);
            format!("{median} ({least} to {most})")
        });
        let holdtime = millis(profile.holdtime);
        writeln!(
            text,
            "| `{}` | {holdtime} | {} | {life} | {death} |",
            profile.name,
            row(*loss)
        )?;
    }
    Ok(text)
}

fn measured(curve: &Curve, profile: &Profile, loss: Loss, detector: Detector) -> anyhow::Result<Rate> {
    let rate = curve.rate(profile, loss, detector);
    rate.with_context(|| format!("{} at {loss} was not measured", profile.name))
}

fn died<'a>(curve: &'a Curve, profile: &Profile, loss: Loss) -> anyhow::Result<&'a Death> {
    let mut deaths = curve.deaths.iter();
    let found = deaths.find(|death| death.profile == *profile && death.loss == loss);
    found.with_context(|| format!("nobody died at {loss}"))
}

fn cell(measured: Rate) -> String {
    match measured.bound() {
        Some(bound) => format!("< {}", rate(bound)),
        None => rate(measured.per_day()),
    }
}

fn row(loss: Loss) -> String {
    match loss {
        Loss::Independent { percent } => format!("{percent} %"),
        Loss::Bursts { percent, mean } => format!("{percent} %, {} ms", mean.as_millis()),
    }
}

/// How a detector is called.
fn words(detector: Detector) -> String {
    match detector {
        Detector::Paird => "paird".to_owned(),
        Detector::MissedBeats(3) => "three missed beats".to_owned(),
        Detector::MissedBeats(5) => "five missed beats".to_owned(),
        Detector::MissedBeats(6) => "six missed beats".to_owned(),
        Detector::MissedBeats(beats) => format!("{beats} missed beats"),
    }
}

fn days(measured: Rate) -> String {
    if measured.days < 10.0 {
        rate(measured.days)
    } else {
        thousands(measured.days.round() as u64)
    }
}

fn millis(time: Duration) -> String {
    thousands((time.as_secs_f64() * 1_000.0).round() as u64)
}
