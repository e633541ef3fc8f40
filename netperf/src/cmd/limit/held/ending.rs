//! The end of a limit, and its last report.

use netperf_core::failure::Failure;
use netperf_core::model::limit::LimitModel;
use netperf_core::units::{Units, format_duration};
use netperf_diagnose::condition::Condition;
use netperf_diagnose::limit::{LimitMetric, outcome};

use super::Held;
use crate::cmd::session::{Ending, end};
use crate::exit::PassedOn;
use crate::render::output::Output;
use crate::view::envelope::Reason;
use crate::view::limit::moved;

impl Held {
    /// Whether the last, shorter tick is worth a report: to programs, which add up bytes, but not to
    /// people.
    fn is_worth_a_line(&self, out: &Output) -> bool {
        let length = self.model.interval().unwrap_or_default();
        out.is_json() || length >= self.hold.timing.interval / 10
    }

    /// Reports a last, shorter tick. If it can't be read, lifting the limit matters more.
    pub(super) fn report_rest(&mut self, out: &mut Output) -> anyhow::Result<()> {
        let Ok(last) = self.limit.read() else {
            return Ok(());
        };
        if let Some(checked) = &mut self.checked {
            checked.advance(last.clone());
        }
        self.model.advance(last);
        self.ticks += 1;
        if self.is_worth_a_line(out) {
            self.show(out)?;
        }
        Ok(())
    }

    /// Lifts the limit, and reports the totals.
    pub(super) fn lift(self, reason: Reason, out: &mut Output) -> Ending {
        drop(self.events);
        self.limit.lift();
        drop(self.registration);
        out.keep_line();
        let length = format_duration(self.model.length());
        let moved = moved(&self.model.overall(), self.units);
        out.say(&format!(
            "limit {} lifted after {length}{moved}",
            self.record.id
        ));
        let verdict = match (self.status, self.hold.check, self.checked) {
            (Some(PassedOn(0)), ..) | (None, None, _) => Ok(()),
            (Some(status), ..) => Err(status.into()),
            (None, Some(condition), Some(checked)) => verdict(&condition, &checked, self.units),
            (None, Some(_), None) => {
                let text = "the check could not be made: it ended early".to_owned();
                Err(Failure::CheckFailed(text).into())
            }
        };
        Ending {
            end: end(self.ticks, reason),
            verdict,
        }
    }
}

/// Prints the result of the check on stderr.
fn verdict(
    condition: &Condition<LimitMetric>,
    checked: &LimitModel,
    units: Units,
) -> anyhow::Result<()> {
    let outcome = outcome(condition, &checked.overall(), units);
    if outcome.is_met {
        log::info!("{}", outcome.text);
        return Ok(());
    }
    Err(Failure::CheckFailed(outcome.text).into())
}
