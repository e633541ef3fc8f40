//! The order of rows: by which key, on which figures, in which direction.

use std::cmp::{Ordering, Reverse};

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SortKey {
    /// Bytes that were sent.
    Tx,
    /// Bytes that were received.
    Rx,
    /// Bytes sent and received.
    #[default]
    Total,
    /// Segments that were retransmitted.
    Retrans,
    /// Number of the process.
    Pid,
    /// Name of the process.
    Name,
}

/// The figures that come first: current rates, or totals since the start.
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
    /// The key to sort by.
    pub key: SortKey,
    /// Rates of this tick, or totals since start.
    pub figures: Figures,
}

/// From small to large or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest value first.
    Ascending,
    /// Largest value first.
    Descending,
}

impl SortKey {
    /// The useful order for this key: the largest traffic, but the smallest pid, first.
    pub fn order(self) -> Order {
        match self {
            Self::Pid | Self::Name => Order::Ascending,
            Self::Tx | Self::Rx | Self::Total | Self::Retrans => Order::Descending,
        }
    }
}

/// The figures that rows are sorted by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weight {
    /// Bytes that were sent.
    pub tx_bytes: u64,
    /// Bytes that were received.
    pub rx_bytes: u64,
    /// Segments that were retransmitted.
    pub retrans: u64,
}

/// A row that can be sorted.
pub trait Ranked {
    /// The figures of the row; unknown ones count as zero.
    fn weight(&self, figures: Figures) -> Weight;
    /// Number of the process.
    fn pid(&self) -> u32;
    /// Name of the process.
    fn name(&self) -> &str;
    /// Order of rows that are equal otherwise. Never equal itself, so that rows keep their places.
    fn tie(&self, other: &Self) -> Ordering;
}

/// Sorts rows and keeps the first `keep` of them.
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
