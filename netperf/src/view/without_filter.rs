//! What is there that a filter does not take? Told where it takes nothing: a filter with a typing error
//! must not look like silence.

use netperf_core::model::traffic::Traffic;
use serde::Serialize;

/// What a view would show without its filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WithoutFilter {
    /// How many rows.
    pub rows: usize,
    /// What they sent in this tick; `None` where the view counts no bytes.
    pub tx_bytes: Option<u64>,
    /// What they received in this tick; `None` where the view counts no bytes.
    pub rx_bytes: Option<u64>,
}

impl WithoutFilter {
    /// Of a view whose rows are counted, and no bytes.
    pub fn rows(rows: usize) -> Self {
        Self {
            rows,
            tx_bytes: None,
            rx_bytes: None,
        }
    }

    /// Of a view whose rows moved this in the tick.
    pub fn moved(rows: usize, sum: Traffic) -> Self {
        Self {
            rows,
            tx_bytes: Some(sum.tx_bytes),
            rx_bytes: Some(sum.rx_bytes),
        }
    }
}
