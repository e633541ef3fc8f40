//! Decodes the records of the ring buffer: checked and typed.

use bytes::Buf;
use netperf_common::event::{
    ACTIVE, CLOSED, FAILED, FIN_ARRIVED, OWNED, RECEIVED, RESET, RETRANS, ResetEvent, RetransEvent,
    SENT, STATE, SYNACK, SlotEvent, StateEvent,
};
use netperf_common::flow::{FlowKey, Owner};
use netperf_core::clock::MonoNs;
use netperf_core::sample::losses::{ResetDirection, RetransKind};

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
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
    /// Something happened to a connection.
    Connection {
        /// Slot of the process that last used it; 0 is none.
        slot: u32,
        /// What; who is still to be found.
        event: KernelEvent,
    },
}

/// Something that happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelEvent {
    /// Time on `CLOCK_BOOTTIME`.
    pub at: MonoNs,
    /// Cookie of the socket; 0 if there is none.
    pub socket: u64,
    /// Addresses.
    pub key: FlowKey,
    /// As the kernel described the process; `None` if none is known.
    pub owner: Option<Owner>,
    /// Kind of event.
    pub what: KernelEventKind,
}

/// What happened. States are as in `tcp_states.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelEventKind {
    /// Something was sent again.
    Retransmit {
        /// What triggered the retransmission.
        kind: RetransKind,
        /// State of the connection.
        state: u8,
        /// Smoothed round-trip time; 0 if unknown.
        srtt_us: u32,
        /// Congestion window in segments.
        cwnd: u32,
    },
    /// The connection went from one state to another.
    Transition {
        /// Before.
        old: u8,
        /// After.
        new: u8,
        /// How long it was in the state before; 0 if that began unseen.
        in_old_ns: u64,
        /// The other end's FIN has arrived.
        fin_arrived: bool,
        /// An error ended it.
        failed: bool,
    },
    /// The connection was reset.
    Reset {
        /// Which end sent the reset.
        direction: ResetDirection,
        /// State before; 0 if there is no socket.
        state: u8,
    },
}

impl Record {
    /// Reads a record; `None` for one that is cut or of an unknown kind.
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
            STATE => {
                let read = |record: &mut &[u8]| Some(transition(record));
                event(slot, socket, record, size_of::<StateEvent>(), read)
            }
            RETRANS | SYNACK => {
                let read = |record: &mut &[u8]| Some(retransmit(kind, record));
                event(slot, socket, record, size_of::<RetransEvent>(), read)
            }
            RESET => event(slot, socket, record, size_of::<ResetEvent>(), reset),
            _ => None,
        }
    }
}

/// Reads what comes after the head, which is the same in all records, if the whole record is `size` long.
fn event(
    slot: u32,
    socket: u64,
    mut rest: &[u8],
    size: usize,
    read: impl FnOnce(&mut &[u8]) -> Option<(FlowKey, KernelEventKind)>,
) -> Option<Record> {
    if rest.len() + size_of::<SlotEvent>() < size {
        return None;
    }
    let at = MonoNs(rest.get_u64_ne());
    let (key, what) = read(&mut rest)?;
    let event = KernelEvent {
        at,
        socket,
        key,
        owner: None,
        what,
    };
    Some(Record::Connection { slot, event })
}

fn transition(record: &mut &[u8]) -> (FlowKey, KernelEventKind) {
    let in_old_ns = record.get_u64_ne();
    let key = addresses(record);
    let (old, new) = (record.get_u8(), record.get_u8());
    let flags = record.get_u16_ne();
    let told = KernelEventKind::Transition {
        old,
        new,
        in_old_ns,
        fin_arrived: flags & FIN_ARRIVED != 0,
        failed: flags & FAILED != 0,
    };
    (key, told)
}

fn retransmit(record_kind: u32, record: &mut &[u8]) -> (FlowKey, KernelEventKind) {
    let key = addresses(record);
    record.advance(size_of::<u32>());
    let srtt_us = record.get_u32_ne();
    let (state, ca_state, pending) = (record.get_u8(), record.get_u8(), record.get_u8());
    record.advance(1);
    let kind = if record_kind == SYNACK {
        RetransKind::Synack
    } else {
        RetransKind::of(state, ca_state, pending)
    };
    let told = KernelEventKind::Retransmit {
        kind,
        state,
        srtt_us,
        cwnd: record.get_u32_ne(),
    };
    (key, told)
}

/// `None` for a direction that nobody knows.
fn reset(record: &mut &[u8]) -> Option<(FlowKey, KernelEventKind)> {
    let key = addresses(record);
    let state = record.get_u8();
    let direction = match record.get_u8() {
        SENT => ResetDirection::Sent,
        RECEIVED => ResetDirection::Received,
        _ => return None,
    };
    Some((key, KernelEventKind::Reset { direction, state }))
}

fn addresses(record: &mut &[u8]) -> FlowKey {
    let mut key = FlowKey::default();
    record.copy_to_slice(&mut key.local_addr);
    record.copy_to_slice(&mut key.remote_addr);
    key.netns = record.get_u32_ne();
    key.local_port = record.get_u16_ne();
    key.remote_port = record.get_u16_ne();
    key.family = record.get_u16_ne();
    key.protocol = record.get_u16_ne();
    key
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
            Record::decode(&record(ACTIVE, 7, 9)),
            Some(Record::Active { slot: 7 })
        );
        assert_eq!(
            Record::decode(&record(OWNED, 7, 9)),
            Some(Record::Owned { slot: 7, socket: 9 })
        );
        assert_eq!(
            Record::decode(&record(CLOSED, 7, 9)),
            Some(Record::Closed { slot: 7, socket: 9 })
        );
    }

    #[test]
    fn a_cut_or_foreign_record_is_passed_over() {
        assert_eq!(Record::decode(&record(ACTIVE, 7, 9)[..15]), None);
        assert_eq!(Record::decode(&record(99, 7, 9)), None);
    }

    /// A record that begins with its head, then has `before` up to the addresses.
    fn told(kind: u32, before: &[u8], after: &[u8]) -> Vec<u8> {
        let mut all = record(kind, 7, 9);
        all.extend(5_u64.to_ne_bytes());
        all.extend(before);
        all.extend([[10; 16], [20; 16]].concat());
        all.extend(99_u32.to_ne_bytes());
        for half in [80_u16, 443, 2, 6] {
            all.extend(half.to_ne_bytes());
        }
        all.extend(after);
        all
    }

    fn what(record: &[u8]) -> Option<KernelEventKind> {
        let Record::Connection { slot, event } = Record::decode(record)? else {
            return None;
        };
        assert_eq!((slot, event.socket, event.at), (7, 9, MonoNs(5)));
        assert_eq!((event.key.netns, event.key.local_port), (99, 80));
        assert_eq!(event.key.remote_addr, [20; 16]);
        Some(event.what)
    }

    #[test]
    fn a_transition_is_read_as_the_kernel_side_writes_it() {
        let whole = told(STATE, &77_u64.to_ne_bytes(), &[5, 7, 1, 0]);
        assert_eq!(whole.len(), size_of::<StateEvent>());
        let expected = KernelEventKind::Transition {
            old: 5,
            new: 7,
            in_old_ns: 77,
            fin_arrived: true,
            failed: false,
        };
        assert_eq!(what(&whole), Some(expected));
        assert_eq!(Record::decode(&whole[..whole.len() - 1]), None);
    }

    #[test]
    fn a_retransmission_and_a_reset_are_read_as_the_kernel_side_writes_them() {
        let rest = [
            &[3, 0, 0, 0, 200, 0, 0, 0][..],
            &[1, 4, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let whole = told(RETRANS, &[], &rest);
        assert_eq!(whole.len(), size_of::<RetransEvent>());
        let expected = KernelEventKind::Retransmit {
            kind: RetransKind::Rto,
            state: 1,
            srtt_us: 200,
            cwnd: 10,
        };
        assert_eq!(what(&whole), Some(expected));
        let whole = told(RESET, &[], &[1, SENT, 0, 0]);
        assert_eq!(whole.len(), size_of::<ResetEvent>());
        let direction = ResetDirection::Sent;
        assert_eq!(
            what(&whole),
            Some(KernelEventKind::Reset {
                direction,
                state: 1
            })
        );
    }
}
