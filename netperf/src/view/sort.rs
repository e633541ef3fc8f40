//! The order of rows: which key, of which figures, in which direction.

use std::cmp::{Ordering, Reverse};

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SortKey {
    /// Bytes sent.
    Tx,
    /// Bytes received.
    Rx,
    /// Bytes sent and received.
    #[default]
    Total,
    /// Segments retransmitted.
    Retrans,
    /// Process id.
    Pid,
    /// Name of the process.
    Name,
}

/// Which figures stand in front: what moves now, or all since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Figures {
    /// Speed over the tick.
    #[default]
    Rates,
    /// Totals since the tracer started.
    Totals,
}

/// The order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// The key that decides.
    pub key: SortKey,
    /// Of this tick, or since start.
    pub figures: Figures,
}

/// From small to large or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Small first.
    Ascending,
    /// Large first.
    Descending,
}

impl SortKey {
    /// The order in which this key is useful: the largest traffic, but the smallest pid, first.
    pub fn order(self) -> Order {
        match self {
            Self::Pid | Self::Name => Order::Ascending,
            Self::Tx | Self::Rx | Self::Total | Self::Retrans => Order::Descending,
        }
    }
}

/// The figures of a row that it can be sorted by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weight {
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Segments retransmitted.
    pub retrans: u64,
}

/// A row that can be put in order.
pub trait Ranked {
    /// Its figures; what is unknown counts as nothing.
    fn weight(&self, figures: Figures) -> Weight;
    /// Process id.
    fn pid(&self) -> u32;
    /// Name of the process.
    fn name(&self) -> &str;
    /// The order of rows that are equal otherwise; never equal itself, so that rows stand still.
    fn tie(&self, other: &Self) -> Ordering;
}

/// Puts rows in order and keeps the first of them.
pub fn arrange<R: Ranked>(rows: &mut Vec<R>, sort: Sort, keep: Option<usize>) {
    rows.sort_by(|a, b| compare(a, b, sort).then_with(|| a.tie(b)));
    rows.truncate(keep.unwrap_or(usize::MAX));
}

fn compare<R: Ranked>(a: &R, b: &R, sort: Sort) -> Ordering {
    let by = |figure: fn(Weight) -> u64| {
        let of = |row: &R| Reverse(figure(row.weight(sort.figures)));
        of(a).cmp(&of(b))
    };
    match sort.key {
        SortKey::Tx => by(|weight| weight.tx_bytes),
        SortKey::Rx => by(|weight| weight.rx_bytes),
        SortKey::Total => by(|weight| weight.tx_bytes.saturating_add(weight.rx_bytes)),
        SortKey::Retrans => by(|weight| weight.retrans),
        SortKey::Pid => a.pid().cmp(&b.pid()),
        SortKey::Name => a.name().cmp(b.name()),
    }
}
