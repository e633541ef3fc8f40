//! How do limits reach the user? As one line that is drawn again and again, as lines, or as JSON.

mod keys;
mod line;
mod plan;

use std::io;

use netperf_core::units::Units;

pub use self::keys::{Key, Keys};
pub use self::line::{full_line, short_line};
use super::json;
use super::text_table;
use crate::view::envelope::{End, Start};
use crate::view::limit::{LimitPlan, LimitTick, LimitsTick};
use crate::view::time::Rfc3339;

/// Columns of a table that goes nowhere in particular.
const TABLE_COLUMNS: usize = 160;

/// Begins the line anew and clears what was there.
const AGAIN: &str = "\r\x1b[K";

/// How limits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// NDJSON.
    Json,
    /// A line each tick.
    Lines(Units),
    /// One line that is drawn again, on a terminal.
    Live(Units),
    /// Nothing: the terminal is the command's that runs under the limit.
    Nothing,
}

impl Written {
    /// Writes what stands before the first tick.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn start(self, start: &Start, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(start, out),
            Self::Lines(_) | Self::Live(_) | Self::Nothing => Ok(()),
        }
    }

    /// Writes a message to people; JSON has none.
    pub fn say(self, text: &str, out: &mut Vec<u8>) {
        let text = netperf_core::text::visible(text);
        match self {
            Self::Json | Self::Nothing => {}
            Self::Lines(_) => out.extend_from_slice(format!("{text}\n").as_bytes()),
            Self::Live(_) => out.extend_from_slice(format!("{AGAIN}{text}\n").as_bytes()),
        }
    }

    /// Writes a tick; a line that is drawn again has so many `columns`.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn tick(self, tick: &LimitTick<'_>, columns: usize, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => return json::line(tick, out),
            Self::Lines(units) => {
                let line = full_line(tick, units);
                let time = tick.time.to_seconds();
                out.extend_from_slice(format!("{time}  {line}\n").as_bytes());
            }
            Self::Live(units) => {
                let line = short_line(tick, units, columns);
                out.extend_from_slice(format!("{AGAIN}{line}").as_bytes());
            }
            Self::Nothing => {}
        }
        Ok(())
    }

    /// Writes what stands after the last tick.
    ///
    /// # Errors
    /// When a value can't be written.
    pub fn end(self, end: &End, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Json => json::line(end, out),
            Self::Lines(_) | Self::Live(_) | Self::Nothing => Ok(()),
        }
    }
}

/// What a limit would do, in lines.
pub fn plan_text(plan: &LimitPlan, units: Units) -> String {
    plan::text(plan, units)
}

/// All limits as a table, or the line that says that there are none.
pub fn list_text(limits: &LimitsTick, units: Units, columns: Option<usize>) -> String {
    if limits.limits.is_empty() {
        return "no limit is held on this machine\n".to_owned();
    }
    let columns = columns.unwrap_or(TABLE_COLUMNS);
    let lines = text_table::lines(&limits.table(), units, columns);
    lines.join("\n") + "\n"
}

/// All limits, between the two lines that every session has.
///
/// # Errors
/// When a value can't be written as JSON.
pub fn list_json(start: &Start, limits: &LimitsTick, end: &End) -> io::Result<Vec<u8>> {
    objects(start, limits, end)
}

/// What a limit would do, between the two lines that every session has.
///
/// # Errors
/// When a value can't be written as JSON.
pub fn plan_json(start: &Start, plan: &LimitPlan, end: &End) -> io::Result<Vec<u8>> {
    objects(start, plan, end)
}

fn objects(start: &Start, middle: &impl serde::Serialize, end: &End) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    json::line(start, &mut out)?;
    json::line(middle, &mut out)?;
    json::line(end, &mut out)?;
    Ok(out)
}

/// What an order was answered, as one object.
#[derive(Clone, Debug, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "limit_order")]
pub struct Ordered {
    /// When.
    pub time: Rfc3339,
    /// What was done: `set`, `clear` or `detach`.
    pub done: &'static str,
    /// Numbers of the limits that it was done to.
    pub ids: Vec<u8>,
}

/// An answer to an order, as one line of JSON.
///
/// # Errors
/// When it can't be written.
pub fn order_json(ordered: &Ordered) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    json::line(ordered, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::limit::Outlook;
    use netperf_core::clock::WallNs;
    use netperf_core::fixtures::{limit_record, limit_sample};
    use netperf_core::model::limit::LimitModel;
    use netperf_core::sample::limit::LimitRecord;

    fn written(how: Written) -> String {
        let mut model = LimitModel::new(limit_sample(0, 0));
        model.advance(limit_sample(1_000, 19_900_000));
        let outlook = Outlook {
            id: 3,
            name: "rs\x1bync",
            left_s: Some(598.0),
        };
        let mut out = Vec::new();
        let tick = LimitTick::new(&model, outlook);
        how.tick(&tick, 80, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_live_line_is_drawn_over_itself_and_others_are_lines() {
        let live = written(Written::Live(Units::Auto));
        assert!(
            live.starts_with("\r\x1b[Kup 19.9/20.0 MB/s") && !live.contains('\n'),
            "{live}"
        );
        let lines = written(Written::Lines(Units::Auto));
        assert!(
            lines.ends_with('\n') && !lines.contains('\x1b'),
            "{lines:?}"
        );
        assert_eq!(written(Written::Nothing), "");
    }

    #[test]
    fn json_is_one_line_without_control_characters() {
        let json = written(Written::Json);
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
        insta::assert_snapshot!(list_text(&tick, Units::Auto, None));
        assert!(
            list_text(&tick, Units::Auto, Some(80))
                .lines()
                .all(|line| netperf_core::text::width(line) <= 80)
        );
    }

    #[test]
    fn an_empty_list_says_so() {
        let tick = LimitsTick::new(Vec::new(), WallNs(0));
        assert!(list_text(&tick, Units::Auto, None).starts_with("no limit is held"));
    }
}
