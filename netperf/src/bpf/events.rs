//! What did the kernel side emit? The records of the ring buffer, checked and typed.

use bytes::Buf;
use netperf_common::event::{ACTIVE, CLOSED, OWNED, SlotEvent};

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A slot was active for the first time in a tick.
    Active {
        /// Its index.
        slot: u32,
    },
    /// A slot is one of several of a socket.
    Owned {
        /// Its index.
        slot: u32,
        /// Cookie of the socket.
        socket: u64,
    },
    /// A socket ended.
    Closed {
        /// Index of its current slot.
        slot: u32,
        /// Its cookie.
        socket: u64,
    },
}

impl Event {
    /// Reads a record; `None` for one that is cut or of a kind that nobody asked for.
    pub(super) fn decode(mut record: &[u8]) -> Option<Self> {
        if record.len() < size_of::<SlotEvent>() {
            return None;
        }
        let kind = record.get_u32_ne();
        let slot = record.get_u32_ne();
        let socket = record.get_u64_ne();
        match kind {
            ACTIVE => Some(Self::Active { slot }),
            OWNED => Some(Self::Owned { slot, socket }),
            CLOSED => Some(Self::Closed { slot, socket }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, slot: u32, socket: u64) -> Vec<u8> {
        [
            &kind.to_ne_bytes()[..],
            &slot.to_ne_bytes(),
            &socket.to_ne_bytes(),
        ]
        .concat()
    }

    #[test]
    fn each_kind_is_told_apart() {
        assert_eq!(
            Event::decode(&record(ACTIVE, 7, 9)),
            Some(Event::Active { slot: 7 })
        );
        assert_eq!(
            Event::decode(&record(OWNED, 7, 9)),
            Some(Event::Owned { slot: 7, socket: 9 })
        );
        assert_eq!(
            Event::decode(&record(CLOSED, 7, 9)),
            Some(Event::Closed { slot: 7, socket: 9 })
        );
    }

    #[test]
    fn a_cut_or_foreign_record_is_passed_over() {
        assert_eq!(Event::decode(&record(ACTIVE, 7, 9)[..15]), None);
        assert_eq!(Event::decode(&record(99, 7, 9)), None);
    }
}
