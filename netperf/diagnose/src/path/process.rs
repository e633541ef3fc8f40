//! Do the process's own connections see the same times as the probes?

use netperf_core::model::path::{PathModel, ProcessSide};
use netperf_core::units::format_micros;

use crate::{Finding, Level};

/// How much more than the path is much.
const TIMES: u32 = 2;
const MORE_US: u32 = 10_000;

pub(super) fn of(path: &PathModel, process: Option<&ProcessSide>) -> Option<Finding> {
    let process = process?;
    let (own, path_us) = (process.srtt_median_us?, path.destination.median_us()?);
    let evidence = format!(
        "its connections have a smoothed round-trip time of {} in the middle, probes take {}",
        format_micros(own),
        format_micros(path_us)
    );
    let who = format!("{} (PID {})", process.name, process.pid);
    let is_slower = own > path_us.saturating_mul(TIMES).saturating_add(MORE_US);
    Some(if is_slower {
        Finding {
            level: Level::Warn,
            what: format!("{who} waits longer for acknowledgements than the way takes"),
            evidence,
            advice: vec![
                "its own data may fill a queue on the way (compare while it is quiet, or hold it back with \
                 `netperf-trace limit`), or the other end acknowledges late because it is busy"
                    .to_owned(),
            ],
        }
    } else {
        Finding {
            level: Level::Ok,
            what: format!("{who} sees about what the probes see"),
            evidence,
            advice: Vec::new(),
        }
    })
}
