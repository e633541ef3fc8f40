//! The common parts of every tick: its time, and how reliable it is.

use netperf_core::model::Model;
use netperf_core::sample::Loss;
use serde::Serialize;

use super::time::Rfc3339;

/// Time and length of a tick.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct When {
    /// The end of the tick.
    pub time: Rfc3339,
    /// Its measured length in seconds; `None` if the clock stood still.
    pub interval_s: Option<f64>,
}

/// How reliable a tick is, and what tracing cost.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health<'m> {
    /// Events and updates lost since start.
    pub loss: Loss,
    /// Sources that could not be read in this tick.
    pub degraded: &'m [String],
    /// What the tracer itself costs.
    pub tracer: TracerRow,
}

/// CPU time and memory of the tracer.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TracerRow {
    /// Share of one CPU in this tick.
    pub cpu_share: Option<f64>,
    /// Resident memory plus the memory of its kernel maps.
    pub memory_bytes: u64,
}

impl When {
    /// The latest tick of the model.
    pub fn of(model: &Model) -> Self {
        let interval_s = model.span().length().map(|length| length.as_secs_f64());
        Self {
            time: Rfc3339(model.wall()),
            interval_s,
        }
    }
}

impl<'m> Health<'m> {
    /// The latest tick of the model.
    pub fn of(model: &'m Model) -> Self {
        let tracer = TracerRow {
            cpu_share: model.tracer_cpu(),
            memory_bytes: model.tracer().memory_bytes,
        };
        Self {
            loss: model.loss(),
            degraded: model.degraded(),
            tracer,
        }
    }

    /// The loss in words. It names missing bytes, and says so where the counts are exact nevertheless.
    pub fn loss_text(&self) -> String {
        let Loss {
            ring_lost,
            map_full,
            unread,
        } = self.loss;
        if self.loss == Loss::default() {
            return "lost 0".to_owned();
        }
        let bytes_missing = map_full.saturating_add(unread);
        format!("LOST {bytes_missing} (map full {map_full}, unread {unread}, ring {ring_lost})")
    }
}
