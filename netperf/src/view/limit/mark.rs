//! The cell of a process table that shows the limit of a process.

use netperf_core::sample::ProcessId;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::units::ByteRate;

use crate::view::table::Cell;

/// The limit of a process, the tightest of several; one rate where both directions have the same.
pub fn limit_cell<'t>(id: ProcessId, limits: &[LimitRecord]) -> Cell<'t> {
    let covering = limits
        .iter()
        .filter(|limit| limit.processes.iter().any(|one| one.is(id)));
    let tightest = |pick: fn(&LimitRecord) -> Option<u64>| {
        let rate = covering.clone().filter_map(pick).min();
        rate.map(ByteRate)
    };
    let up = tightest(|limit| limit.up_bytes_per_s);
    let down = tightest(|limit| limit.down_bytes_per_s);
    match (up, down) {
        (None, None) => Cell::Blank,
        (Some(up), Some(down)) if up == down => up.into(),
        (up, down) => {
            let up = up.map(|rate| ["up".into(), rate.into()]);
            let down = down.map(|rate| ["down".into(), rate.into()]);
            Cell::Several(up.into_iter().chain(down).flatten().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::clock::MonoNs;
    use netperf_core::fixtures::limit_record;

    fn cell(tgid: u32, limits: &[LimitRecord]) -> Cell<'static> {
        let start = MonoNs(5);
        limit_cell(ProcessId { tgid, start }, limits)
    }

    #[test]
    fn the_tightest_limit_is_shown_and_nothing_where_there_is_none() {
        let tighter = LimitRecord {
            up_bytes_per_s: Some(5_000_000),
            ..limit_record(2)
        };
        let limits = [limit_record(1), tighter];
        let up = vec!["up".into(), ByteRate(5_000_000).into()];
        assert_eq!(cell(9821, &limits), Cell::Several(up));
        assert_eq!(cell(7, &limits), Cell::Blank);
        let both = LimitRecord {
            down_bytes_per_s: Some(20_000_000),
            ..limit_record(1)
        };
        assert_eq!(cell(9821, &[both]), ByteRate(20_000_000).into());
    }
}
