//! The row of a limit in one tick.

use netperf_core::model::limit::LimitModel;
use netperf_core::sample::Loss;
use netperf_core::sample::limit::Uncovered;
use serde::Serialize;

use super::direction::DirectionRow;
use crate::view::time::Rfc3339;

/// Facts about a limit that its readings do not hold.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'l> {
    /// Number of the limit.
    pub id: u8,
    /// Name of the first process. Untrusted text.
    pub name: &'l str,
    /// Seconds until it ends by itself.
    pub left_s: Option<f64>,
}

/// One tick of a limit.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "limit")]
pub struct LimitTick<'m> {
    /// When it ended.
    pub time: Rfc3339,
    /// Its measured length; `None` where the clock stood still.
    pub interval_s: Option<f64>,
    /// Number of the limit.
    pub id: u8,
    /// Processes under the limit.
    pub pids: &'m [u32],
    /// Name of the first one. Untrusted text.
    pub name: &'m str,
    /// Number of their sockets.
    pub sockets: usize,
    /// How packets are delayed.
    pub mechanism: &'m str,
    /// Upload; `None` where it is not limited.
    pub up: Option<DirectionRow>,
    /// Download; `None` where it is not limited.
    pub down: Option<DirectionRow>,
    /// Seconds until it ends by itself.
    pub left_s: Option<f64>,
    /// Interfaces that the limit does not cover, because they came later.
    pub uncovered: &'m [Uncovered],
    /// Always zero: a limit counts in its own queue. Every tick has this field.
    pub loss: Loss,
}

impl<'m> LimitTick<'m> {
    /// The latest tick.
    pub fn new(model: &'m LimitModel, outlook: Outlook<'m>) -> Self {
        let (now, latest) = (model.now(), model.latest());
        Self {
            time: Rfc3339(latest.wall),
            interval_s: model.interval().map(|length| length.as_secs_f64()),
            id: outlook.id,
            pids: &now.pids,
            name: outlook.name,
            sockets: now.sockets,
            mechanism: &latest.mechanism,
            up: now.up.map(Into::into),
            down: now.down.map(Into::into),
            left_s: outlook.left_s,
            uncovered: &latest.uncovered,
            loss: Loss::default(),
        }
    }

    /// The directions that are limited, in words.
    pub fn directions(&self) -> impl Iterator<Item = (&'static str, DirectionRow)> {
        let up = self.up.map(|row| ("up", row));
        let down = self.down.map(|row| ("down", row));
        up.into_iter().chain(down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::fixtures::limit_sample;

    #[test]
    fn a_tick_has_every_field_of_the_contract() {
        let mut model = LimitModel::new(limit_sample(0, 0));
        model.advance(limit_sample(1_000, 19_900_000));
        let outlook = Outlook {
            id: 3,
            name: "rsync",
            left_s: None,
        };
        let tick = serde_json::to_value(LimitTick::new(&model, outlook)).unwrap();
        assert_eq!(tick["type"], "limit");
        assert_eq!((&tick["id"], &tick["sockets"]), (&3.into(), &2.into()));
        assert_eq!(tick["pids"], serde_json::json!([9821]));
        assert_eq!(tick["mechanism"], "bounce");
        assert_eq!(tick["down"], serde_json::Value::Null);
        assert_eq!(
            tick["up"],
            serde_json::json!({
                "limit_bytes_per_s": 20_000_000, "bytes_per_s": 19_900_000, "bytes": 19_900_000,
                "dropped": 0, "queued_bytes": 1_000_000, "queue_delay_ms": 50
            })
        );
        assert_eq!(tick["interval_s"], 1.0);
        for field in ["time", "name", "left_s", "uncovered", "loss"] {
            assert!(tick.get(field).is_some(), "{field}");
        }
    }
}
