//! The curve as a picture: one panel for independent loss, and one for bursts of each length.
//!
//! Colours are profiles, dashes are detectors. Above, lines are calculated and marks are measured; below, marks are measured and
//! joined. Where paird did nothing wrong a triangle stands at the upper end of the rate.

use std::time::Duration;

use pair_sim::detection::{BURSTS, Curve, Detector, Loss, Profile, Rate, expected, expected_of_missed_beats, hopeless};
use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{Shift, types::RangedCoordf64},
    drawing::{DrawingArea, IntoDrawingArea as _},
    element::{Circle, PathElement, Text, TriangleMarker},
    prelude::{Cartesian2d, SVGBackend},
    series::{DashedLineSeries, LineSeries},
    style::{BLACK, Color as _, IntoFont as _, RGBColor, ShapeStyle, TextStyle, WHITE},
};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The loss in percent, and the power of ten of the rate.
type Panel<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws what was measured as SVG.
pub(crate) fn picture(curve: &Curve) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let page = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        page.fill(&WHITE)?;
        let (legend, panels) = page.split_vertically(LEGEND_HEIGHT);
        draw_legend(&legend)?;
        let (above, below) = panels.split_vertically(ABOVE_HEIGHT);
        draw_independent(&above, curve)?;
        for (area, mean) in below.split_evenly((1, BURSTS.len())).iter().zip(BURSTS) {
            draw_bursts(area, curve, mean)?;
        }
        page.present()?;
    }
    Ok(svg)
}

fn draw_legend(area: &Area<'_>) -> anyhow::Result<()> {
    let style = text(15);
    let label = |words: String, x, y| Text::new(words, (x + 42, y - 6), style.clone());
    for (row, profile) in (0..).zip(&Profile::ALL) {
        let (x, y) = (40, 22 + row * 22);
        area.draw(&PathElement::new(
            [(x, y), (x + 34, y)],
            colour(profile).stroke_width(5),
        ))?;
        let (interval, holdtime) = (profile.interval.as_millis(), profile.holdtime.as_millis());
        area.draw(&label(
            format!("{}: interval {interval}, holdtime {holdtime} ms", profile.name),
            x,
            y,
        ))?;
    }
    let detectors = [
        (Detector::Paird, "paird, queries under suspicion"),
        (Detector::MissedBeats(3), "three missed beats (VRRP)"),
        (Detector::MissedBeats(6), "missed beats for the holdtime"),
    ];
    for (row, (detector, words)) in (0..).zip(detectors) {
        let (x, y) = (390, 22 + row * 22);
        for (from, to) in dashes(detector, x, x + 34) {
            area.draw(&PathElement::new([(from, y), (to, y)], BLACK.stroke_width(2)))?;
        }
        area.draw(&label(words.to_owned(), x, y))?;
    }
    let x = 680;
    area.draw(&Circle::new((x + 17, 22), 4, BLACK.filled()))?;
    area.draw(&label("measured".to_owned(), x, 22))?;
    area.draw(&TriangleMarker::new((x + 17, 44), -6, BLACK.filled()))?;
    area.draw(&label("paird, none counted: less than this".to_owned(), x, 44))?;
    area.draw(&PathElement::new(
        [(x, 66), (x + 34, 66)],
        BLACK.mix(0.25).stroke_width(6),
    ))?;
    area.draw(&label("bad for a holdtime: no detector helps".to_owned(), x, 66))?;
    Ok(())
}

fn draw_independent(area: &Area<'_>, curve: &Curve) -> anyhow::Result<()> {
    let mut panel = panel(area, "independent loss", "loss each way, %", 52.0, ABOVE_FROM)?;
    for profile in &Profile::ALL {
        for detector in Detector::of(profile) {
            let rate = |percent: f64| match detector {
                Detector::Paird => expected(profile, percent / 100.0),
                Detector::MissedBeats(beats) => expected_of_missed_beats(profile, beats, percent / 100.0),
            };
            let line = (1..=100)
                .map(|step| f64::from(step) / 2.0)
                .map(|percent| (percent, rate(percent)));
            draw_line(&mut panel, profile, detector, &line.collect::<Vec<_>>(), ABOVE_FROM)?;
            let marks = marks(curve, profile, detector, |loss| {
                matches!(loss, Loss::Independent { .. })
            });
            draw_marks(&mut panel, profile, detector, &marks)?;
        }
    }
    Ok(())
}

fn draw_bursts(area: &Area<'_>, curve: &Curve, mean: Duration) -> anyhow::Result<()> {
    let title = format!("bursts of {} ms on average", mean.as_millis());
    let mut panel = panel(area, &title, "time in bursts, each way, %", 35.0, BELOW_FROM)?;
    let bursts = |loss| matches!(loss, Loss::Bursts { mean: its, .. } if its == mean);
    for profile in &Profile::ALL {
        let losses = Loss::all().into_iter().filter(|loss| bursts(*loss));
        let floor = losses.map(|loss| (loss.share() * 100.0, hopeless(profile, loss).log10()));
        let floor = floor.filter(|(_, power)| *power >= BELOW_FROM);
        panel.draw_series(LineSeries::new(floor, colour(profile).mix(0.25).stroke_width(6)))?;
        for detector in Detector::of(profile) {
            let marks = marks(curve, profile, detector, bursts);
            let counted = marks.iter().filter(|(_, rate)| rate.claims > 0);
            let line: Vec<_> = counted.map(|(x, rate)| (*x, rate.per_day())).collect();
            draw_line(&mut panel, profile, detector, &line, BELOW_FROM)?;
            draw_marks(&mut panel, profile, detector, &marks)?;
        }
    }
    Ok(())
}

/// An empty panel, from zero to `most` percent and from `least` powers of ten.
fn panel<'a, 'b>(area: &'a Area<'b>, title: &str, x: &str, most: f64, least: f64) -> anyhow::Result<Panel<'a, 'b>> {
    let mut panel = ChartBuilder::on(area)
        .caption(title, text(18))
        .margin(8)
        .x_label_area_size(46)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..most, least..TO)?;
    panel
        .configure_mesh()
        .x_desc(x)
        .y_desc("needless claims per day")
        .x_label_formatter(&|percent| format!("{percent:.0}"))
        .y_label_formatter(&|power| power_of_ten(*power))
        .y_labels(12)
        .max_light_lines(0)
        .bold_line_style(BLACK.mix(0.12))
        .label_style(text(14))
        .axis_desc_style(text(15))
        .draw()?;
    Ok(panel)
}

fn draw_line(
    panel: &mut Panel<'_, '_>,
    profile: &Profile,
    detector: Detector,
    line: &[(f64, f64)],
    least: f64,
) -> anyhow::Result<()> {
    let line: Vec<_> = line
        .iter()
        .map(|(x, rate)| (*x, rate.log10()))
        .filter(|(_, power)| *power >= least)
        .collect();
    let style: ShapeStyle = colour(profile).stroke_width(2);
    match gaps(detector) {
        None => panel.draw_series(LineSeries::new(line, style))?,
        Some((dash, gap)) => panel.draw_series(DashedLineSeries::new(line, dash, gap, style))?,
    };
    Ok(())
}

fn draw_marks(
    panel: &mut Panel<'_, '_>,
    profile: &Profile,
    detector: Detector,
    marks: &[(f64, Rate)],
) -> anyhow::Result<()> {
    let colour = colour(profile);
    for (x, rate) in marks {
        match rate.bound() {
            None => {
                let mark = Circle::new((*x, rate.per_day().log10()), 4, colour.filled());
                panel.draw_series([mark])?;
            }
            Some(bound) if detector == Detector::Paird => {
                // Side by side, since profiles that were watched for as long have the same bound.
                let aside = Profile::ALL.iter().position(|other| other == profile).unwrap_or(0) as f64 - 1.0;
                let mark = TriangleMarker::new((*x + aside * 0.7, bound.log10()), -6, colour.filled());
                panel.draw_series([mark])?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What was measured at the losses that `is_wanted`, by percent.
fn marks(curve: &Curve, profile: &Profile, detector: Detector, is_wanted: impl Fn(Loss) -> bool) -> Vec<(f64, Rate)> {
    let losses = Loss::all().into_iter().filter(|loss| is_wanted(*loss));
    losses
        .filter_map(|loss| Some((loss.share() * 100.0, curve.rate(profile, loss, detector)?)))
        .collect()
}

/// The length of dashes and of the gaps between them; `None` for a solid line.
fn gaps(detector: Detector) -> Option<(i32, i32)> {
    match detector {
        Detector::Paird => None,
        Detector::MissedBeats(3) => Some((9, 5)),
        Detector::MissedBeats(_) => Some((2, 4)),
    }
}

fn dashes(detector: Detector, from: i32, to: i32) -> Vec<(i32, i32)> {
    let (dash, gap) = gaps(detector).unwrap_or((to - from, 1));
    let mut starts = Vec::new();
    let mut at = from;
    while at < to {
        starts.push((at, (at + dash).min(to)));
        at += dash + gap;
    }
    starts
}

/// Colours that also those can tell apart who see no red or green (Okabe and Ito, "Color universal design", 2008).
fn colour(profile: &Profile) -> RGBColor {
    match profile.name {
        "fast" => RGBColor(213, 94, 0),
        "calm" => RGBColor(0, 158, 115),
        _ => RGBColor(0, 114, 178),
    }
}

fn power_of_ten(power: f64) -> String {
    let superscript = |digit: char| match digit {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        other => other,
    };
    match power.round() {
        0.0 => "1".to_owned(),
        1.0 => "10".to_owned(),
        power => format!(
            "10{}",
            format!("{power:.0}").chars().map(superscript).collect::<String>()
        ),
    }
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().into()
}

/// The powers of ten at which the panels begin and end.
const ABOVE_FROM: f64 = -5.0;
const BELOW_FROM: f64 = -2.0;
const TO: f64 = 6.0;

/// Width and height in pixels.
const SIZE: (u32, u32) = (1_000, 1_020);
const LEGEND_HEIGHT: u32 = 84;
const ABOVE_HEIGHT: u32 = 500;
