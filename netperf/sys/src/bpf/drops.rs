//! What did the kernel throw away, and which of its reasons count?

use anyhow::Context as _;
use aya::maps::{HashMap, MapData};
use netperf_common::event::DropKey;
use netperf_common::kernel::DROP_REASONS;
use netperf_core::sample::losses::DropReason;
use rustc_hash::FxHashMap;

use super::btf::Btf;

const PREFIX: &[u8] = b"SKB_DROP_REASON_";

/// Packets that were thrown away since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Why the kernel dropped them.
    pub reason: DropReason,
    /// What they were for.
    pub key: DropKey,
    /// Number of packets.
    pub packets: u64,
}

/// The kernel side's counts, and what was told of them.
#[derive(Debug)]
pub(super) struct Drops {
    map: HashMap<MapData, DropKey, u64>,
    told: FxHashMap<DropKey, u64>,
    reasons: FxHashMap<u16, DropReason>,
}

impl Drops {
    /// Counts that are read with this kernel's numbers.
    pub(super) fn new(
        map: HashMap<MapData, DropKey, u64>,
        numbers: Vec<(u16, DropReason)>,
    ) -> Self {
        Self {
            map,
            told: FxHashMap::default(),
            reasons: numbers.into_iter().collect(),
        }
    }

    /// What was added since the last call.
    ///
    /// # Errors
    /// If the kernel refuses to be read.
    pub(super) fn take(&mut self) -> anyhow::Result<Vec<Dropped>> {
        let mut grown = Vec::new();
        if self.reasons.is_empty() {
            return Ok(grown);
        }
        for entry in &self.map {
            let (key, packets) = entry.context("cannot read what was thrown away")?;
            let before = self.told.insert(key, packets).unwrap_or(0);
            if let Some(&reason) = self.reasons.get(&key.reason)
                && packets > before
            {
                let packets = packets - before;
                grown.push(Dropped {
                    reason,
                    key,
                    packets,
                });
            }
        }
        Ok(grown)
    }
}

/// Numbers that this kernel has for the reasons that count.
pub(super) fn numbers(btf: &Btf<'_>) -> Vec<(u16, DropReason)> {
    btf.enumerators("skb_drop_reason")
        .filter_map(|(name, number)| {
            let name = name.strip_prefix(PREFIX)?;
            let mut all = DropReason::ALL.iter();
            let reason = all.find(|reason| reason.name().as_bytes() == name)?;
            Some((u16::try_from(number).ok()?, *reason))
        })
        .collect()
}

/// The same for the kernel side: 1 at each number.
pub(super) fn counted(numbers: &[(u16, DropReason)]) -> [u8; DROP_REASONS] {
    let mut counted = [0; DROP_REASONS];
    for (number, _) in numbers {
        if let Some(one) = counted.get_mut(usize::from(*number)) {
            *one = 1;
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::btf::KERNEL_BTF;

    #[test]
    fn this_kernel_has_numbers_for_the_reasons() {
        let data = std::fs::read(KERNEL_BTF).unwrap();
        let numbers = numbers(&Btf::parse(&data).unwrap());
        let known = |reason| numbers.iter().any(|(_, other)| *other == reason);
        assert!(known(DropReason::SocketRcvbuff) && known(DropReason::NoSocket));
        let counted = counted(&numbers);
        let sum: usize = counted.iter().map(|&one| usize::from(one)).sum();
        assert_eq!(sum, numbers.len());
        assert_eq!(counted[0], 0, "what was not dropped");
    }
}
