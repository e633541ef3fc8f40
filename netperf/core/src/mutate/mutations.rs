//! Single mutations of a packet, and a proptest strategy that combines them.

use proptest::prelude::*;

/// A mutation of a packet. Offsets are taken modulo its length.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(usize, u8),
    Byte(usize, u8),
    /// Overwrites two bytes: a wrong length, count or pointer.
    Word(usize, u16),
    Cut(usize),
    Remove(usize, usize),
    /// Inserts some of the packet a second time.
    Repeat(usize, usize),
    Append(Vec<u8>),
}

impl Mutation {
    fn apply(&self, packet: &mut Vec<u8>) {
        let length = packet.len().max(1);
        let part = |from: &usize, count: &usize| {
            let from = from % length;
            from.min(length)..(from + count % 64).min(length)
        };
        match self {
            _ if packet.is_empty() => {}
            Self::Flip(at, bit) => packet[at % length] ^= 1 << (bit % 8),
            Self::Byte(at, byte) => packet[at % length] = *byte,
            Self::Word(at, word) => {
                let [high, low] = word.to_be_bytes();
                packet[at % length] = high;
                packet[(at + 1) % length] = low;
            }
            Self::Cut(at) => packet.truncate(at % length),
            Self::Remove(from, count) => drop(packet.drain(part(from, count))),
            Self::Repeat(from, count) => {
                let again = packet[part(from, count)].to_vec();
                packet.splice(from % length..from % length, again);
            }
            Self::Append(tail) => packet.extend(tail),
        }
    }
}

/// One of these packets with several mutations, now and then with none.
pub fn damaged(packets: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    // Lengths at their limits, labels that are pointers, and pointers to the places where names stand.
    const BYTES: [u8; 8] = [0, 1, 63, 64, 127, 128, 192, 255];
    const WORDS: [u16; 10] = [0, 1, 2, 255, 0x7fff, 0x8000, 0xffff, 0xc000, 0xc00c, 0xc010];
    let at = || 0_usize..512;
    let mutation = prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        (at(), prop::sample::select(&BYTES)).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        (at(), prop::sample::select(&WORDS)).prop_map(|(at, word)| Mutation::Word(at, word)),
        // A pointer to anywhere in the packet: ahead, to itself, in circles.
        (at(), 0_u16..96).prop_map(|(at, to)| Mutation::Word(at, 0xc000 | to)),
        at().prop_map(Mutation::Cut),
        (at(), at()).prop_map(|(from, count)| Mutation::Remove(from, count)),
        (at(), at()).prop_map(|(from, count)| Mutation::Repeat(from, count)),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(Mutation::Append),
    ];
    let mutations = prop::collection::vec(mutation, 0..5);
    (prop::sample::select(packets), mutations).prop_map(|(mut packet, mutations)| {
        for mutation in mutations {
            mutation.apply(&mut packet);
        }
        packet
    })
}
