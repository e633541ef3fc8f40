//! What waits to be sent at each interface, and what was thrown away? By an `RTM_GETQDISC` dump.

use std::collections::HashMap;

use netperf_core::sample::nic::QueueReading;

use crate::netlink::ask::words;
use crate::netlink::attributes::{text, u32_at, value};
use crate::netlink::dump::{Conversation, DumpError};

/// `sizeof(struct tcmsg)`.
const HEADER_BYTES: usize = 20;
/// `TC_H_ROOT`: the outermost queue.
const ROOT: u32 = u32::MAX;
/// `TC_H_INGRESS`: where filters of what arrives are.
const INGRESS: u32 = 0xFFFF_FFF1;

const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATS2: u16 = 7;
/// Within `STATS2`.
const STATS_QUEUE: u16 = 3;
/// Within the `OPTIONS` of a token bucket: the rate of 32 bits at its third word, and that of 64 bits,
/// which is there if the other is full.
const BUCKET_PARAMETERS: u16 = 1;
const BUCKET_RATE64: u16 = 4;

/// The queues of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Queues {
    pub(super) root: Option<QueueReading>,
    pub(super) ingress_drops: Option<u64>,
}

/// The queues of each interface, by its number.
pub(super) fn read(route: &mut Conversation) -> Result<HashMap<u32, Queues>, DumpError> {
    let mut found: HashMap<u32, Queues> = HashMap::new();
    let everything = words(&[0; HEADER_BYTES / 4]);
    route.dump(
        libc::RTM_GETQDISC,
        libc::RTM_NEWQDISC,
        &everything,
        |payload| {
            let Some((index, parent, queue)) = queue(payload) else {
                return;
            };
            let of_interface = found.entry(index).or_default();
            match parent {
                ROOT => of_interface.root = Some(queue),
                INGRESS => of_interface.ingress_drops = Some(queue.drops.into()),
                _ => {}
            }
        },
    )?;
    Ok(found)
}

/// Number of the interface, what the queue belongs to, and how it stands.
fn queue(payload: &[u8]) -> Option<(u32, u32, QueueReading)> {
    let (header, attributes) = payload.split_at_checked(HEADER_BYTES)?;
    let (index, parent) = (u32_at(header, 4)?, u32_at(header, 12)?);
    let mut queue = QueueReading {
        kind: text(value(attributes, KIND)?),
        ..QueueReading::default()
    };
    let numbers = value(value(attributes, STATS2)?, STATS_QUEUE)?;
    let (numbers, _) = numbers.as_chunks::<4>();
    let number = |at: usize| numbers.get(at).copied().map(u32::from_ne_bytes);
    // `struct gnet_stats_queue` (`linux/gen_stats.h`).
    queue.backlog_packets = number(0)?;
    queue.backlog_bytes = number(1)?;
    queue.drops = number(2)?;
    queue.requeues = number(3)?;
    queue.overlimits = number(4)?;
    if queue.kind == "tbf" {
        queue.rate = value(attributes, OPTIONS).and_then(bucket_rate);
    }
    Some((index, parent, queue))
}

fn bucket_rate(options: &[u8]) -> Option<u64> {
    let wide = value(options, BUCKET_RATE64);
    let wide = wide.and_then(|bytes| bytes.first_chunk().copied().map(u64::from_ne_bytes));
    let narrow = || u32_at(value(options, BUCKET_PARAMETERS)?, 8).map(u64::from);
    wide.or_else(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::ask::attribute;

    #[test]
    fn the_rate_of_a_bucket_is_read_in_both_sizes() {
        let narrow = attribute(BUCKET_PARAMETERS, &words(&[0, 0, 250_000, 0]));
        assert_eq!(bucket_rate(&narrow), Some(250_000));
        let wide = attribute(BUCKET_RATE64, &5_000_000_000_u64.to_ne_bytes());
        assert_eq!(bucket_rate(&[narrow, wide].concat()), Some(5_000_000_000));
        assert_eq!(bucket_rate(&[]), None);
    }

    #[test]
    fn a_queue_is_read_with_what_it_belongs_to() {
        let stats = attribute(STATS_QUEUE, &words(&[3, 4_000, 5, 6, 7]));
        let header = words(&[0, 2, 0x8001_0000, ROOT, 2]);
        let payload = [header, attribute(KIND, b"tbf\0"), attribute(STATS2, &stats)].concat();
        let expected = QueueReading {
            kind: "tbf".to_owned(),
            backlog_packets: 3,
            backlog_bytes: 4_000,
            drops: 5,
            requeues: 6,
            overlimits: 7,
            rate: None,
        };
        assert_eq!(queue(&payload), Some((2, ROOT, expected)));
        for length in 0..payload.len() {
            assert_eq!(queue(&payload[..length]), None, "{length} bytes");
        }
    }
}
