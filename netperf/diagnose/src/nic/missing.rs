//! Is what is watched still there?

use netperf_core::model::nic::figures::NicFigures;

use crate::{Finding, Level};

/// One finding for each interface that was asked for by name and is gone.
pub(super) fn of(figures: &NicFigures<'_>) -> Vec<Finding> {
    let gone = |name: &String| {
        Finding::new(
            Level::Critical,
            format!("interface {name} is gone"),
            "it was there at the start, and the kernel does not list it any more: it was removed, renamed or moved \
             to another network namespace; nothing of it was measured in this tick"
                .to_owned(),
            &[
                "`ip link` shows what there is, `dmesg` and the journal why a device went (USB, SR-IOV, driver); a \
                 tunnel goes with the program that holds it"
                    .to_owned(),
            ],
        )
    };
    figures.missing.iter().map(gone).collect()
}
