//! `doctor --kernel` as text or JSON: a line for each check.

use std::io::{self, Write};

use netperf_core::text::visible;
use netperf_diagnose::preflight::{Check, Preflight, Topic, Verdict};

use super::output::{Report, Style};
use crate::view::preflight::Readiness;

/// Width of the column of verdicts.
const VERDICT: usize = 7;

impl Report for Readiness {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        write!(out, "{}", text(&self.found))
    }
}

/// The report, in lines that begin with their verdict.
fn text(found: &Preflight) -> String {
    let mut lines = vec![format!(
        "{}, Linux {}",
        visible(&found.host),
        visible(&found.kernel)
    )];
    lines.push(verdict_line(found.verdict(), &found.summary()));
    for topic in Topic::ALL {
        lines.extend([String::new(), topic.heading().to_owned()]);
        lines.extend(found.about(topic).map(line));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn line(check: &Check) -> String {
    let advice = check.advice.as_ref().map(|advice| format!(" -> {advice}"));
    let text = format!(
        "{}: {}{}",
        check.name,
        check.why,
        advice.unwrap_or_default()
    );
    verdict_line(check.verdict, &text)
}

fn verdict_line(verdict: Verdict, text: &str) -> String {
    let one_line = text.replace('\n', "; ");
    format!("{:VERDICT$}  {}", verdict.word(), visible(&one_line))
}
