//! Sets of socket states.

use serde::{Deserialize, Serialize};

use super::TcpState;

/// A set of socket states. Those without a connection are in [`TcpState::Close`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateSet(u32);

impl StateSet {
    /// All states.
    pub const ALL: Self = Self(0xffe);
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// The set of these.
    pub fn of(states: impl IntoIterator<Item = TcpState>) -> Self {
        let bits = states.into_iter().map(|state| 1 << state.to_kernel());
        Self(bits.fold(0, |set, bit: u32| set | bit))
    }

    /// States in this set or in `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// States in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// States in this set and not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set contains this state.
    pub fn contains(self, state: TcpState) -> bool {
        self.0 & (1 << state.to_kernel()) != 0
    }

    /// Bit N for the state with number N in `include/net/tcp_states.h`.
    pub fn kernel_bits(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_of_the_kernel_s_bits() {
        let set = StateSet::of([TcpState::Established, TcpState::Listen]);
        assert_eq!(set.kernel_bits(), 1 << 1 | 1 << 10);
        assert!(set.contains(TcpState::Listen) && !set.contains(TcpState::Close));
        assert_eq!(set.without(set), StateSet::NONE);
        let listening = StateSet::of([TcpState::Listen, TcpState::Close]);
        assert_eq!(set.and(listening), StateSet::of([TcpState::Listen]));
        let all = (1..=11).filter_map(TcpState::from_kernel);
        assert_eq!(StateSet::of(all), StateSet::ALL);
    }
}
