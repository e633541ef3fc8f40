//! Retransmissions as a share of the segments sent.

use std::ops::AddAssign;

use serde::Serialize;

use super::flow::FlowTraffic;
use crate::sample::losses::Kinds;

/// What was sent again of what was sent, in a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "Fields")]
pub struct Account {
    /// Segments sent again.
    pub retrans: u64,
    /// Segments sent, those included.
    pub sent: u64,
    /// Events by kind; one may stand for several segments.
    pub kinds: Kinds,
}

impl Account {
    /// The losses of one connection.
    pub fn of(flow: &FlowTraffic) -> Self {
        let lost = flow.lost.unwrap_or_default();
        Self {
            retrans: flow.retrans.unwrap_or(0).into(),
            sent: lost.sent_segments.into(),
            kinds: lost.events,
        }
    }

    /// Whether anything was sent again.
    pub fn lost_anything(&self) -> bool {
        self.retrans > 0 || self.kinds != Kinds::default()
    }

    /// Share of the segments sent that were sent again; `None` if nothing is known to be sent. A SYN-ACK
    /// sent again is none of its listener's own segments.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share needs no more digits than a float has"
    )]
    pub fn loss_percent(&self) -> Option<f64> {
        let share = self.retrans as f64 / self.sent as f64;
        (self.sent > 0).then_some((share * 100.0).min(100.0))
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.retrans = self.retrans.saturating_add(other.retrans);
        self.sent = self.sent.saturating_add(other.sent);
        self.kinds += other.kinds;
    }
}

/// As JSON: the fields beside `retrans`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Fields {
    /// Events by kind; one may stand for several segments.
    kinds: Kinds,
    /// Segments sent, those sent again included.
    segments_sent: u64,
    /// Share of the segments sent that were sent again; null where nothing is known to be sent.
    loss_percent: Option<f64>,
}

impl From<Account> for Fields {
    fn from(account: Account) -> Self {
        Self {
            kinds: account.kinds,
            segments_sent: account.sent,
            loss_percent: account.loss_percent(),
        }
    }
}
