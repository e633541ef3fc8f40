//! Output of `limit`: a status line that is redrawn, plain lines, or JSON.

mod line;
mod plan;

use std::io::{self, Write};

use serde::Serialize;

use self::line::{full_line, short_line};
use super::output::{AGAIN, Report, Style};
use super::text_table;
use crate::view::limit::{LimitTick, LimitsTick};
use crate::view::time::Rfc3339;

/// Width of a table that is not written to a terminal.
const TABLE_COLUMNS: usize = 160;

/// Width of a terminal that does not report one.
const COLUMNS: usize = 80;

impl Report for LimitTick<'_> {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let (time, line) = (self.time.to_seconds(), full_line(self, style.units));
        writeln!(out, "{time}  {line}")
    }

    fn draw(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        let columns = style.width.unwrap_or(COLUMNS);
        write!(out, "{AGAIN}{}", short_line(self, style.units, columns))
    }
}

impl Report for LimitsTick {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        if self.limits.is_empty() {
            return writeln!(out, "no limit is held on this machine");
        }
        let columns = style.width.unwrap_or(TABLE_COLUMNS);
        for line in text_table::lines(&self.table(), style.units, columns) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// Result of an order to one or more limits.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "limit_order")]
pub struct Ordered {
    /// When the order was carried out.
    pub time: Rfc3339,
    /// The order: `set`, `clear` or `detach`.
    pub done: &'static str,
    /// Numbers of those limits.
    pub ids: Vec<u8>,
    /// The result as text.
    #[serde(skip)]
    pub text: String,
}

impl Report for Ordered {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        writeln!(out, "{}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::output::Format;
    use crate::render::output::tests::{text_of, written_as};
    use crate::view::limit::Outlook;
    use netperf_core::clock::WallNs;
    use netperf_core::fixtures::{limit_record, limit_sample};
    use netperf_core::model::limit::LimitModel;
    use netperf_core::sample::limit::LimitRecord;
    use netperf_core::units::Units;

    const STYLE: Style = Style {
        units: Units::Auto,
        width: Some(80),
    };

    fn written(format: Format) -> String {
        let mut model = LimitModel::new(limit_sample(0, 0));
        model.advance(limit_sample(1_000, 19_900_000));
        let outlook = Outlook {
            id: 3,
            name: "rs\x1bync",
            left_s: Some(598.0),
        };
        written_as(format, &LimitTick::new(&model, outlook))
    }

    #[test]
    fn a_live_line_is_drawn_over_itself_and_others_are_lines() {
        let live = written(Format::Live(STYLE));
        assert!(
            live.starts_with("\r\x1b[Kup 19.9/20.0 MB/s") && !live.contains('\n'),
            "{live}"
        );
        let lines = written(Format::Text(STYLE));
        assert!(
            lines.ends_with('\n') && !lines.contains('\x1b'),
            "{lines:?}"
        );
        assert_eq!(written(Format::Nothing), "");
    }

    #[test]
    fn json_is_one_line_without_control_characters() {
        let json = written(Format::Json);
        assert_eq!(json.matches(char::is_control).collect::<String>(), "\n");
        let tick: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(tick["name"], "rs\x1bync");
        assert_eq!(tick["left_s"], 598.0);
    }

    #[test]
    fn the_list_as_a_table() {
        let hostile = LimitRecord {
            down_bytes_per_s: Some(5_000_000),
            ..limit_record(2)
        };
        let mut hostile = hostile;
        hostile.processes[0].name = "\x1b[2Jevil".to_owned();
        let held = vec![(limit_record(1), None), (hostile, None)];
        let tick = LimitsTick::new(held, WallNs(1_795_340_460_000_000_000));
        insta::assert_snapshot!(text_of(&tick, None));
        assert!(
            text_of(&tick, Some(80))
                .lines()
                .all(|line| netperf_core::text::width(line) <= 80)
        );
    }

    #[test]
    fn an_empty_list_says_so() {
        let tick = LimitsTick::new(Vec::new(), WallNs(0));
        assert!(text_of(&tick, None).starts_with("no limit is held"));
    }
}
