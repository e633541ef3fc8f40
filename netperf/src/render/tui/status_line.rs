//! The line above the keys: what is wrong now, or else the latest message. It also holds the session's
//! start.

use netperf_core::clock::MonoNs;
use netperf_core::model::Model;
use netperf_core::text::visible;

use crate::view::envelope::Start;

/// How long a message is shown.
const SHOWN_NS: u64 = 10_000_000_000;

/// The start of the session and the latest message.
#[derive(Clone, Debug)]
pub(super) struct StatusLine {
    pub(super) start: Start,
    message: Option<(String, MonoNs)>,
}

impl StatusLine {
    pub(super) fn new(start: &Start) -> Self {
        Self {
            start: start.clone(),
            message: None,
        }
    }

    /// Shows a message from now on for a while.
    pub(super) fn say(&mut self, text: String, now: MonoNs) {
        self.message = Some((text, now));
    }

    /// The text of the line: what is wrong now, or else the latest message.
    pub(super) fn message(&self, model: &Model) -> Option<String> {
        if let Some(source) = model.degraded().first() {
            return Some(format!("not read in this tick: {}", visible(source)));
        }
        let (text, since) = self.message.as_ref()?;
        (model.at().0.saturating_sub(since.0) < SHOWN_NS).then(|| visible(text).into_owned())
    }
}
