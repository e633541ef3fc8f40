//! What may be the trouble: what is looked at first, and what is the cause of what?

use serde::Serialize;

/// What a check is about, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their titles say what they are")]
pub enum Topic {
    Cpu,
    Disk,
    Memory,
    Interfaces,
    Dns,
    Delay,
    Loss,
    Closing,
    Ports,
    Listen,
    Failing,
    SocketMemory,
    Drops,
    Tables,
    Mtu,
    Process,
    Way,
}

impl Topic {
    /// Title of the check.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cpu => "processors",
            Self::Disk => "disks",
            Self::Memory => "memory",
            Self::Interfaces => "interfaces",
            Self::Dns => "names (DNS)",
            Self::Delay => "delays",
            Self::Loss => "retransmissions",
            Self::Closing => "closing",
            Self::Ports => "ports, TIME_WAIT",
            Self::Listen => "listen queues",
            Self::Failing => "failed connects",
            Self::SocketMemory => "limits of TCP",
            Self::Drops => "dropped packets",
            Self::Tables => "kernel tables",
            Self::Mtu => "large packets",
            Self::Process => "the process",
            Self::Way => "its way",
        }
    }

    /// Among troubles of the same level, those with a lower number are more likely the cause and the
    /// others what comes of it: a full link loses packets, and lost packets take time.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Process => 0,
            Self::Ports => 1,
            Self::Closing => 2,
            Self::Listen => 3,
            Self::Tables => 4,
            Self::Interfaces => 5,
            Self::SocketMemory => 6,
            Self::Dns => 7,
            Self::Failing => 8,
            Self::Drops => 9,
            Self::Mtu => 10,
            Self::Loss => 11,
            Self::Way => 12,
            Self::Memory => 13,
            Self::Disk => 14,
            Self::Cpu => 15,
            Self::Delay => 16,
        }
    }
}
