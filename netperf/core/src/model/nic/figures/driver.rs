//! What do the counters of a driver's own mean, which each driver names as it likes?

use serde::Serialize;

use crate::model::nic::NicModel;
use crate::sample::nic::NicReading;

/// One counter of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DriverRow<'m> {
    /// As the driver calls it. Untrusted text.
    pub name: &'m str,
    /// Value of the counter.
    pub value: u64,
    /// By how much it grew in this tick.
    pub in_tick: Option<u64>,
    /// What it is, where that is known.
    pub known_as: Option<Known>,
}

/// What several drivers count, each by a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Packets that arrived and found no buffer.
    RxNoBuffer,
    /// Frames that were damaged on the wire.
    RxDamaged,
    /// The driver gave up waiting for a packet to be sent.
    TxTimeout,
    /// The other end asked to pause.
    PausedByPeer,
    /// A limit of the cloud's virtual machine.
    CloudLimit,
}

/// Every counter of the driver, in its order.
pub(super) fn rows<'m>(model: &NicModel, nic: &'m NicReading) -> Vec<DriverRow<'m>> {
    let row = |(name, value): &'m (String, u64)| DriverRow {
        name,
        value: *value,
        in_tick: model.driver_growth(nic, name),
        known_as: known(name),
    };
    nic.driver_counters.iter().map(row).collect()
}

/// By names of drivers in the kernel's sources. The number of a queue in it does not matter.
fn known(name: &str) -> Option<Known> {
    let plain: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
    Some(match plain.as_str() {
        // e1000e, igb, ixgbe, i40e, ice; mlx5; bnxt; tg3; r8169; ena.
        "rx_no_buffer_count"
        | "rx_no_dma_resources"
        | "alloc_rx_buff_failed"
        | "rx_out_of_buffer"
        | "rx_discards_phy"
        | "rx_missed"
        | "rx_missed_errors"
        | "rx_discards"
        | "rx_drops"
        | "port.rx_discards"
        | "rx_dropped.nic"
        | "rx_queue__drops" => Known::RxNoBuffer,
        "rx_crc_errors" | "rx_crc_errors.nic" | "port.rx_crc_errors" | "rx_crc_errors_phy"
        | "rx_symbol_err_phy" | "rx_fcs_errors" | "rx_align_errors" | "align_errors" => {
            Known::RxDamaged
        }
        "tx_timeout" | "tx_timeout_count" | "queue__tx_timeout" => Known::TxTimeout,
        "rx_flow_control_xoff"
        | "rx_pause_ctrl_phy"
        | "rx_xoff_frames"
        | "rx_pause_frames"
        | "port.link_xoff_rx"
        | "link_xoff_rx.nic" => Known::PausedByPeer,
        "bw_in_allowance_exceeded"
        | "bw_out_allowance_exceeded"
        | "pps_allowance_exceeded"
        | "conntrack_allowance_exceeded"
        | "linklocal_allowance_exceeded" => Known::CloudLimit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drivers_name_differently_is_known_as_the_same() {
        for (name, what) in [
            ("rx_queue_3_drops", Some(Known::RxNoBuffer)),
            ("rx_out_of_buffer", Some(Known::RxNoBuffer)),
            ("rx_fcs_errors", Some(Known::RxDamaged)),
            ("bw_out_allowance_exceeded", Some(Known::CloudLimit)),
            ("rx_queue_0_packets", None),
        ] {
            assert_eq!(known(name), what, "{name}");
        }
    }
}
