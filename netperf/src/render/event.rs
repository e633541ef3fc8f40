//! Events within a tick, each on a line of its own.

use std::io::{self, Write};

use super::output::{Report, Style};
use super::{churn, retrans};
use crate::view::event_row::EventRow;

impl Report for EventRow<'_> {
    fn text(&self, _: Style, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            EventRow::Retransmit(row) => writeln!(out, "{}", retrans::event(row)),
            EventRow::Transition(row) => writeln!(out, "{}", churn::event(row)),
        }
    }
}
