//! Why this kernel can't count, in words for the user.

use super::btf::BtfError;

/// Why this kernel can't count.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No ring buffer, kernel 5.8.
    #[error(
        "this kernel has no BPF ring buffer (making one was tried), through which the kernel reports \
         connections; it came with Linux 5.8"
    )]
    NoRingBuffer,
    /// No BTF, and the hooks that do without were refused.
    #[error(
        "{without}, without which the places of addresses and counters in its structures are not \
         known (it needs CONFIG_DEBUG_INFO_BTF); of the hooks that do without, it accepts \
         none:{tried}"
    )]
    NoBtf {
        /// Why it can't be had.
        without: String,
        /// What was tried, and what the kernel said.
        tried: String,
    },
    /// No BTF, and more than bytes was asked for.
    #[error(
        "{without}, without which the places of addresses and counters in its structures are not known (it \
         needs CONFIG_DEBUG_INFO_BTF); what connections lose, which states they go through, how long they \
         take and what is refused to them can't be seen without"
    )]
    NoEvents {
        /// Why it can't be had.
        without: String,
    },
    /// BTF without something needed.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// The maps or the object were refused.
    #[error("the kernel refused the tables that count")]
    Load(#[source] anyhow::Error),
    /// No set of hooks could be attached.
    #[error("this kernel accepts none of the hooks that were tried:{tried}")]
    NoHooks {
        /// Each set on a line of its own, with what the kernel said.
        tried: String,
    },
}
