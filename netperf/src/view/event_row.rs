//! The row of an event, as it happens: a retransmission or a transition.

use netperf_core::sample::event::{ConnectionEvent, EventKind};
use serde::Serialize;

use super::churn::transition_row::TransitionRow;
use super::retrans::event::RetransmitRow;

/// The row of one event.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum EventRow<'h> {
    /// A segment was sent again.
    Retransmit(RetransmitRow<'h>),
    /// A connection changed its state.
    Transition(TransitionRow<'h>),
}

impl<'h> EventRow<'h> {
    /// The row of `event`.
    pub fn of(event: &'h ConnectionEvent) -> Self {
        match event.what {
            EventKind::Retransmit(what) => Self::Retransmit(RetransmitRow::new(event, what)),
            EventKind::Transition(what) => Self::Transition(TransitionRow::new(event, what)),
        }
    }
}
