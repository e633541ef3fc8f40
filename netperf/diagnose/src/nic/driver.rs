//! What do the counters of a driver's own mean, where that is known?

use netperf_core::model::nic::figures::driver::Known;

/// What it means.
pub fn meaning(known: Known) -> &'static str {
    match known {
        Known::RxNoBuffer => "packets arrived while the driver had no buffer for them",
        Known::RxDamaged => "frames arrived damaged",
        Known::TxTimeout => "the device did not send a packet for seconds and was reset",
        Known::PausedByPeer => {
            "the other end sent pause frames: it, or what is behind it, is slower than this end"
        }
        Known::CloudLimit => "the cloud threw packets away: this instance has reached a limit",
    }
}

/// The first thing to do.
pub fn first_step(known: Known, name: &str) -> String {
    match known {
        Known::RxNoBuffer => format!(
            "enlarge the ring (`ethtool -g {name}` shows the maximum, `ethtool -G {name} rx N` \
             sets it) and spread the packets over more processors (`ethtool -l {name}`)"
        ),
        Known::RxDamaged => {
            "change the cable or the transceiver, then the port of the switch".to_owned()
        }
        Known::TxTimeout => {
            "look for the driver's messages: `dmesg`; update driver and firmware".to_owned()
        }
        Known::PausedByPeer => {
            "look at the port of the switch and at who receives behind it".to_owned()
        }
        Known::CloudLimit => {
            "send less at once, or take an instance with a higher limit for what the counter's \
             name says (bandwidth, packets, connections)"
                .to_owned()
        }
    }
}
