//! How is the verdict written? The most likely cause on the first line, then what else is wrong, then
//! every check; or as one object for programs.

use std::io::{self, Write};

use super::json;
use super::looks::sentence;
use super::text::LINE;
use crate::view::envelope::{End, Start};
use crate::view::states::{Finding, Level};
use crate::view::triage::{Cause, Check, Status, Triage};

/// Longest line of a sentence: longer ones are hard to read.
const SENTENCE: usize = 100;

/// Blanks below a level: that of the longest, and two.
const INDENT: usize = 10;

/// Width of the column of titles.
const TITLE: usize = 17;

/// How a verdict is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// NDJSON.
    Json,
    /// Text of so many columns, where stdout is a terminal.
    Text(Option<usize>),
}

impl Written {
    /// Writes what stands before it.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn start(self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(start, out),
            Self::Text(_) => Ok(()),
        }
    }

    /// Writes the verdict and what stands after it.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn verdict(self, triage: &Triage<'_>, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => {
                json::line(triage, out)?;
                json::line(end, out)
            }
            Self::Text(width) => text(triage, width.unwrap_or(LINE), out),
        }
    }
}

fn text(triage: &Triage<'_>, width: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let room = width.min(SENTENCE);
    verdict(triage, width, out)?;
    if let Some(first) = triage.causes.first() {
        details(&first.finding, room, out)?;
    }
    for cause in triage.causes.iter().skip(1) {
        also(cause, room, out)?;
    }
    let seconds = triage.interval_s;
    writeln!(out, "\nCHECKS, measured for {seconds:.1} s")?;
    for one in &triage.checks {
        check(one, room, out)?;
    }
    if !triage.unavailable.is_empty() {
        writeln!(out)?;
    }
    for missing in triage.unavailable {
        let text = format!("not seen: {}: {}", missing.what, missing.why);
        sentence("", &text, room, out)?;
    }
    Ok(())
}

/// On one line, however long it is, unless the terminal is narrower: it is what a person came for.
fn verdict(triage: &Triage<'_>, width: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let level = triage.status.word();
    let mark = format!("{level:INDENT$}");
    let text = if triage.causes.is_empty() {
        triage.verdict.clone()
    } else {
        format!("most likely cause: {}", triage.verdict)
    };
    sentence(&mark, &text, width, out)
}

/// Another cause, below the most likely one.
fn also(cause: &Cause, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let level = cause.finding.level.word();
    let text = format!("also: {}", cause.finding.what);
    sentence(&format!("{level:INDENT$}"), &text, room, out)?;
    details(&cause.finding, room, out)
}

fn details(finding: &Finding, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let blank = " ".repeat(INDENT);
    sentence(&blank, &finding.evidence, room, out)?;
    for advice in &finding.advice {
        sentence(&format!("{blank}-> "), advice, room, out)?;
    }
    Ok(())
}

fn check(check: &Check, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let (status, title) = (check.status.word(), check.topic.title());
    let mark = format!("{status:INDENT$}{title:TITLE$} ");
    sentence(&mark, &check.evidence, room, out)?;
    // What is odd and as it should be stands here; what is wrong stands above.
    let blank = " ".repeat(INDENT + TITLE + 1);
    let odd = check.findings.iter().filter(|it| it.level == Level::Ok);
    for finding in odd.filter(|_| check.status != Status::Skipped) {
        sentence(&blank, &finding.what, room, out)?;
    }
    Ok(())
}
