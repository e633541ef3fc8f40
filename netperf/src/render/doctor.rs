//! The verdict of `doctor` as text: the most likely cause on the first line, then other trouble, then
//! every check.

use std::io::{self, Write};

use super::output::{Report, Style};
use super::prose::{LEVEL, SENTENCE, judged, reasons, sentence};
use crate::view::doctor::Doctor;
use netperf_core::units::format_seconds;
use netperf_diagnose::Level;
use netperf_diagnose::doctor::{Check, Status};

/// Width of the column of titles.
const TITLE: usize = 17;

impl Report for Doctor<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        text(self, style.width, out)
    }
}

fn text(doctor: &Doctor<'_>, width: Option<usize>, out: &mut Vec<u8>) -> io::Result<()> {
    let room = width.unwrap_or(SENTENCE).min(SENTENCE);
    let mut causes = doctor.causes.iter();
    let first = causes.next();
    let mark = if first.is_some() {
        "most likely cause: "
    } else {
        ""
    };
    let verdict = format!("{mark}{}", doctor.verdict);
    // On one line, unless the terminal is narrower: it is what a person came for.
    judged(
        doctor.status.word(),
        &verdict,
        width.unwrap_or(usize::MAX),
        out,
    )?;
    if let Some(first) = first {
        reasons(&first.finding, true, room, out)?;
    }
    for cause in causes {
        let also = format!("also: {}", cause.finding.what);
        judged(cause.finding.level.word(), &also, room, out)?;
        reasons(&cause.finding, true, room, out)?;
    }
    let length = format_seconds(doctor.interval_s);
    writeln!(out, "\nCHECKS, measured for {length}")?;
    for one in &doctor.checks {
        check(one, room, out)?;
    }
    if !doctor.unavailable.is_empty() {
        writeln!(out)?;
    }
    for missing in doctor.unavailable {
        let text = format!("not seen: {}: {}", missing.what, missing.why);
        sentence("", &text, room, out)?;
    }
    Ok(())
}

fn check(check: &Check, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let (status, title) = (check.status.word(), check.topic.title());
    let mark = format!("{status:LEVEL$}{title:TITLE$} ");
    sentence(&mark, &check.evidence, room, out)?;
    // What is odd and as it should be stands here; what is wrong stands above.
    let blank = " ".repeat(LEVEL + TITLE + 1);
    let odd = check.findings.iter().filter(|it| it.level == Level::Ok);
    for finding in odd.filter(|_| check.status != Status::Skipped) {
        sentence(&blank, &finding.what, room, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::output::tests::text_of;
    use crate::view::time::Rfc3339;
    use netperf_core::clock::WallNs;
    use netperf_core::sample::Loss;
    use netperf_diagnose::Finding;
    use netperf_diagnose::doctor::{Cause, Topic};

    fn written(what: &str, width: usize) -> String {
        let found = |level, what: &str| Finding {
            level,
            what: what.to_owned(),
            evidence: "820 in CLOSE_WAIT; +3.1 per second".to_owned(),
            advice: vec!["see which they are: `netperf-trace sockets`".to_owned()],
        };
        let cause = |topic, level, what: &str| Cause {
            topic,
            finding: found(level, what),
        };
        let causes = vec![
            cause(Topic::Closing, Level::Critical, what),
            cause(Topic::Interfaces, Level::Warn, "eth0 is full"),
        ];
        let check = |topic, status, evidence: &str| Check {
            topic,
            status,
            evidence: evidence.to_owned(),
            findings: vec![found(Level::Ok, "TIME_WAIT is healthy")],
        };
        let doctor = Doctor {
            time: Rfc3339(WallNs(1)),
            interval_s: 10.02,
            status: Status::Critical,
            verdict: what.to_owned(),
            causes,
            checks: vec![
                check(Topic::Ports, Status::Ok, "12 in TIME_WAIT"),
                check(Topic::Loss, Status::Skipped, "no BTF"),
            ],
            lookups: Vec::new(),
            failed_connects: Vec::new(),
            pid: None,
            unavailable: &[],
            loss: Loss::default(),
        };
        text_of(&doctor, Some(width))
    }

    #[test]
    fn the_cause_stands_on_the_first_line_and_every_check_below() {
        let text = written("worker (PID 8821) does not close 820 connections", 100);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn names_can_not_steer_the_terminal() {
        let text = written("\x1b[2J (PID 7) does not close", 100);
        assert!(!text.contains('\x1b') && text.contains("(PID 7)"), "{text}");
    }
}
