//! How are good packets damaged, to try those who read them? At random by the unit tests, by a fuzzer in
//! `tests/fuzz`.

#[cfg(test)]
mod blows;

#[cfg(test)]
pub(crate) use self::blows::damaged;

/// A packet with these bytes XORed over it, and what is left of them behind it: nothing but zeros leaves it
/// as it is, and every packet that is not shorter can be made.
#[cfg(fuzzing)]
pub(crate) fn xored(packet: &[u8], over: &[u8]) -> Vec<u8> {
    let mut damaged = packet.to_vec();
    damaged.resize(packet.len().max(over.len()), 0);
    for (byte, bits) in damaged.iter_mut().zip(over) {
        *byte ^= bits;
    }
    damaged
}
