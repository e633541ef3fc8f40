//! The selected row, and the rows in view.

use std::net::IpAddr;

use netperf_core::model::states::census::Holder;
use netperf_core::sample::{FlowId, ProcessId};

/// Identity of a row, which stays when rows are sorted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowId {
    Process(ProcessId),
    Flow(FlowId),
    Remote(IpAddr),
    Holder(Holder),
}

/// A move of the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

/// The selected row, and the rows in view.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    pub(super) selected: Option<RowId>,
    offset: usize,
    rows: Vec<RowId>,
    index: usize,
    height: usize,
}

impl Cursor {
    /// Takes over the current rows, `height` of them in view. The selection follows its row; if that is
    /// gone, the row in its place is selected.
    pub(super) fn settle(&mut self, rows: Vec<RowId>, height: usize) {
        self.rows = rows;
        self.height = height.max(1);
        let last = self.rows.len().saturating_sub(1);
        if let Some(selected) = self.selected {
            let place = self.rows.iter().position(|&row| row == selected);
            self.index = place.unwrap_or(self.index).min(last);
            self.selected = self.rows.get(self.index).copied();
        }
        let lowest = if self.selected.is_some() {
            self.index
        } else {
            0
        };
        self.offset = self
            .offset
            .clamp(lowest.saturating_sub(self.height - 1), lowest)
            .min((last + 1).saturating_sub(self.height));
    }

    /// Index of the first row in view.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Number of rows, in view or not.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Position of the selected row among those in view.
    pub(super) fn selected_in_sight(&self) -> Option<usize> {
        self.selected.and(self.index.checked_sub(self.offset))
    }

    /// The selected row; selects the first if none is.
    pub(super) fn selected_or_first(&mut self) -> Option<RowId> {
        self.selected = self.selected.or(self.rows.first().copied());
        self.selected
    }

    /// Moves the selection.
    pub(super) fn shift(&mut self, motion: Motion) {
        let last = self.rows.len().saturating_sub(1);
        let index = match (motion, self.selected) {
            (Motion::First, _) | (Motion::Down | Motion::PageDown, None) => 0,
            (Motion::Last, _) | (Motion::Up | Motion::PageUp, None) => last,
            (Motion::Up, _) => self.index.saturating_sub(1),
            (Motion::Down, _) => self.index + 1,
            (Motion::PageUp, _) => self.index.saturating_sub(self.height),
            (Motion::PageDown, _) => self.index + self.height,
        };
        self.index = index.min(last);
        self.selected = self.rows.get(self.index).copied();
    }
}
