//! The outages as a picture: one row for each contender and fault, a dot for each run, a bar at the median.

use std::collections::BTreeMap;

use anyhow::Result;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea as _;
use plotters::element::{Circle, Rectangle, Text};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color as _, IntoFont as _, RGBColor, TextStyle, WHITE};

use super::super::contender::{Contender, Profile};
use super::super::figures::Spread;
use super::super::keepalived::Flavour;
use super::super::report::Report;
use super::table::OUTAGES;

/// Draws what was measured as SVG.
pub(super) fn draw(reports: &[Report], contenders: &[Contender]) -> Result<String> {
    let rows = rows(reports, contenders);
    let longest = rows
        .iter()
        .flat_map(|row| row.values.iter())
        .max()
        .copied()
        .unwrap_or(1000);
    let (most, height) = (
        longest as f64 * 1.05,
        u32::try_from(rows.len())? * ROW_HEIGHT + AXIS_HEIGHT,
    );
    let mut svg = String::new();
    {
        let page = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        page.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&page)
            .margin(10)
            .margin_left(LABEL_WIDTH)
            .x_label_area_size(46)
            .build_cartesian_2d(0.0..most, rows.len() as f64..0.0)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .x_desc("outage that a client sees, ms (a dot for each run, a bar at the median)")
            .x_label_formatter(&|ms| format!("{ms:.0}"))
            .max_light_lines(0)
            .bold_line_style(BLACK.mix(0.12))
            .label_style(text(14))
            .axis_desc_style(text(15))
            .draw()?;
        for (at, row) in rows.iter().enumerate() {
            let (middle, colour) = (at as f64 + 0.5, colour(row.contender));
            let dots = row
                .values
                .iter()
                .map(|ms| Circle::new((*ms as f64, middle), 4, colour.mix(0.6).filled()));
            chart.draw_series(dots)?;
            if let Some(median) = row.median {
                let (x, half) = (median as f64, most / 700.0);
                let bar = [(x - half, middle - 0.36), (x + half, middle + 0.36)];
                chart.draw_series([Rectangle::new(bar, colour.filled())])?;
            }
            let (_, y) = chart.backend_coord(&(0.0, middle));
            let right = text(14).pos(Pos::new(HPos::Right, VPos::Center));
            let label = format!("{}, {}", row.fault, row.contender);
            page.draw(&Text::new(label, (i32::try_from(LABEL_WIDTH)? - 2, y), right))?;
            if row.values.is_empty() {
                let (x, y) = chart.backend_coord(&(most / 200.0, middle));
                page.draw(&Text::new(
                    "never",
                    (x, y),
                    text(14).pos(Pos::new(HPos::Left, VPos::Center)),
                ))?;
            }
        }
        page.present()?;
    }
    Ok(svg)
}

struct Row {
    fault: &'static str,
    contender: Contender,
    values: Vec<u64>,
    median: Option<u64>,
}

fn rows(reports: &[Report], contenders: &[Contender]) -> Vec<Row> {
    let by_name: BTreeMap<_, _> = reports
        .iter()
        .map(|report| ((report.scenario.name, report.contender), &report.runs))
        .collect();
    let wanted = OUTAGES
        .iter()
        .flat_map(|(scenario, fault)| contenders.iter().map(move |who| (*scenario, *fault, *who)));
    let rows = wanted.filter_map(|(scenario, fault, contender)| {
        let runs = by_name.get(&(scenario, contender))?;
        Some(Row {
            fault,
            contender,
            values: runs
                .iter()
                .filter_map(|run| run.figures.get("outage_ms").copied())
                .collect(),
            median: Spread::of("outage_ms", runs).map(|spread| spread.median),
        })
    });
    rows.collect()
}

/// Colours that also those can tell apart who see no red or green (Okabe and Ito, "Color universal design", 2008).
fn colour(contender: Contender) -> RGBColor {
    match contender {
        Contender::Paird(Profile::Default) => RGBColor(0, 114, 178),
        Contender::Paird(Profile::Fast) => RGBColor(213, 94, 0),
        Contender::Paird(Profile::Calm) => RGBColor(0, 158, 115),
        Contender::Keepalived(Flavour::Standard) => RGBColor(86, 86, 86),
        Contender::Keepalived(Flavour::Fast) => RGBColor(160, 120, 60),
    }
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().into()
}

/// In pixels.
const WIDTH: u32 = 900;
const LABEL_WIDTH: u32 = 250;
const ROW_HEIGHT: u32 = 26;
const AXIS_HEIGHT: u32 = 70;
