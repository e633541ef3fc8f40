//! What happens when a limit ends, and what is said of it?

use anyhow::Context;
use netperf_core::failure::Failure;
use netperf_core::model::limit::LimitModel;
use netperf_core::units::{Units, format_duration};

use super::{Ended, Session};
use crate::cmd::looks;
use crate::exit::PassedOn;
use crate::render::limit::Written;
use crate::view::envelope::Reason;
use crate::view::limit::moved;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::limit::{LimitMetric, outcome};

impl Session {
    /// A moment's rate says nothing to people; programs add up the bytes.
    fn is_worth_a_line(&self) -> bool {
        let length = self.model.interval().unwrap_or_default();
        self.hold.written == Written::Json || length >= self.hold.timing.interval / 10
    }

    /// Lifts it, and says the last.
    pub(super) async fn end(mut self, ended: Ended) -> anyhow::Result<()> {
        // A last, shorter tick; where it can't be read any more, lifting matters more.
        let read = self.limit.read();
        if let Ok(last) = read {
            if let Some(checked) = &mut self.checked {
                checked.advance(last.clone());
            }
            if !matches!(ended, Ended::For(Reason::Count)) {
                self.model.advance(last);
                self.ticks += 1;
                if self.is_worth_a_line() {
                    self.show()?;
                }
            }
        }
        self.limit.lift();
        drop(self.registration);
        let reason = match ended {
            Ended::For(reason) => reason,
            Ended::Command(_) => Reason::Eof,
            Ended::Unseen => return Ok(()),
        };
        let written = self.hold.written;
        if let Written::Live(_) = written {
            // The line stays.
            self.output.pending().extend_from_slice(b"\n");
        }
        let length = format_duration(self.model.length());
        let moved = moved(&self.model.overall(), self.units);
        let text = format!("limit {} lifted after {length}{moved}", self.record.id);
        written.say(&text, self.output.pending());
        written.end(&looks::end(self.ticks, reason), self.output.pending())?;
        self.output.finish(reason).await.context("can't write")?;
        if let Ended::Command(status) = ended {
            return if status == PassedOn(0) {
                Ok(())
            } else {
                Err(status.into())
            };
        }
        match (self.hold.check, self.checked) {
            (Some(condition), Some(checked)) => verdict(&condition, &checked, self.units),
            (Some(_), None) => Err(Failure::CheckFailed(
                "the check could not be made: it ended early".into(),
            )
            .into()),
            (None, _) => Ok(()),
        }
    }
}

/// Says on stderr what the check found.
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
