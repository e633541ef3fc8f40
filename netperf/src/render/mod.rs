//! How do rows reach the user? As JSON, as plain text, or on a full screen.

pub mod cell;
mod churn;
pub mod dns;
pub mod dns_watch;
pub mod doctor;
pub mod hangup;
pub mod http;
pub mod json;
mod latency;
pub mod limit;
mod looks;
pub mod nic;
pub mod path;
pub mod preflight;
mod retrans;
pub mod sink;
pub mod sockets;
pub mod states;
pub mod stream;
pub mod text;
mod text_table;
pub mod tui;
pub mod width;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;

use netperf_core::model::Model;
use netperf_core::sample::ProcessId;
use netperf_core::sample::event::ConnectionEvent;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::sample::socket::SocketSample;
use netperf_core::units::ByteRate;

use crate::view::envelope::{End, Start};

/// Something that shows a session, from its start to its end.
pub trait Front {
    /// The source is open.
    ///
    /// # Errors
    /// When the output fails; a closed pipe is [`Event::Closed`] later, or the same error here.
    fn start(&mut self, start: &Start) -> io::Result<()>;

    /// A tick has ended.
    ///
    /// # Errors
    /// See [`Front::start`].
    fn tick(&mut self, model: &Model) -> io::Result<()>;

    /// Whether something that happened is to be shown.
    fn takes(&self, _event: &ConnectionEvent, _model: &Model) -> bool {
        false
    }

    /// Something happened within a tick that is to be shown.
    ///
    /// # Errors
    /// See [`Front::start`].
    fn happened(&mut self, _events: &[ConnectionEvent]) -> io::Result<()> {
        Ok(())
    }

    /// False while the reader of the output is still busy with the tick before. The next tick then
    /// waits, and is longer.
    fn is_ready(&self) -> bool;

    /// Waits until something happens on the user's side. Dropping the future loses nothing.
    fn event(&mut self, model: &Model) -> impl Future<Output = io::Result<Event>>;

    /// Whether the sockets are to be looked at now.
    fn wants_sockets(&self) -> bool {
        false
    }

    /// A look at the sockets that was wanted, or why there is none.
    fn sockets(&mut self, _look: Result<SocketSample, String>, _model: &Model) {}

    /// Whether it shows which processes are limited.
    fn wants_limits(&self) -> bool {
        false
    }

    /// The limits that are held now.
    fn limits(&mut self, _held: Vec<LimitRecord>) {}

    /// What came of an order.
    fn answered(&mut self, _text: &str, _model: &Model) {}

    /// The session has ended.
    ///
    /// # Errors
    /// See [`Front::start`].
    fn end(&mut self, end: &End) -> impl Future<Output = io::Result<()>>;
}

/// What happened on the user's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing that concerns the session.
    Handled,
    /// The user wants to end it.
    Quit,
    /// The user wants to begin or end a limit.
    Order(LimitOrder),
    /// Nobody reads any more.
    Closed,
}

/// What the user wants done about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitOrder {
    /// It is to be limited.
    Begin {
        /// Which.
        process: ProcessId,
        /// What it may send at most.
        up: Option<ByteRate>,
        /// What it may receive at most.
        down: Option<ByteRate>,
    },
    /// Its limits are to end.
    End {
        /// Which.
        process: ProcessId,
    },
}
