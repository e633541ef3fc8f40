//! The pictures in `docs/images` show the headings and keys of today's screens.
//!
//! Figures differ each time; headings and keys do not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use netperf_screenshots::load::Load;
use netperf_screenshots::network;
use netperf_screenshots::scenario::{SCENARIOS, Scenario};
use netperf_screenshots::svg::{self, Theme};

/// Where the pictures are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/images");

/// The words of the line that contains `part`; how far apart they are depends on figures.
fn words<'a>(lines: &'a [String], part: &str) -> Option<Vec<&'a str>> {
    let line = lines.iter().find(|line| line.contains(part))?;
    Some(line.split_whitespace().collect())
}

/// Fails when a fixed line of the picture is another one today.
fn compare(scenario: &Scenario, picture: &[String], today: &[String]) -> Result<()> {
    for part in scenario.fixed {
        let words = |lines, whose: &str| {
            words(lines, part)
                .with_context(|| format!("{whose} `{}` has no line with {part:?}", scenario.name))
        };
        ensure!(
            words(picture, "the picture")? == words(today, "the screen")?,
            "the picture `{}` is out of date: run `cargo xtask screenshots`\npicture:\n{}\ntoday:\n{}",
            scenario.name,
            picture.join("\n"),
            today.join("\n")
        );
    }
    Ok(())
}

#[test]
fn pictures_have_the_headings_and_keys_of_today() -> Result<()> {
    let file = |scenario: &Scenario, theme| Path::new(FOLDER).join(scenario.file(theme));
    let held =
        |scenario: &&Scenario| !scenario.fixed.is_empty() && file(scenario, Theme::Light).exists();
    let scenarios: Vec<_> = SCENARIOS.iter().filter(held).collect();
    ensure!(
        scenarios.iter().any(|scenario| scenario.name == "top"),
        "no picture of `top`"
    );
    network::create()?;
    let load = Load::start()?;
    for scenario in scenarios {
        let frame = scenario.take(&load, Duration::ZERO)?;
        for theme in Theme::ALL {
            let picture = fs::read_to_string(file(scenario, theme))?;
            compare(scenario, &svg::lines(&picture), &frame.lines())?;
        }
    }
    Ok(())
}

#[test]
fn a_renamed_column_makes_a_picture_out_of_date() -> Result<()> {
    let lines = |heading: &str| {
        vec![
            heading.to_owned(),
            "  1 x  2 MB/s".to_owned(),
            "q quit".to_owned(),
        ]
    };
    let top = &SCENARIOS[0];
    compare(top, &lines("PID NAME  SENT"), &lines("PID NAME SENT"))?;
    let renamed = compare(top, &lines("PID NAME SENT"), &lines("PID NAME TX"));
    ensure!(renamed.is_err(), "a renamed column was not noticed");
    Ok(())
}
