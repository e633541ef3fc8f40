//! How are good packets damaged, to try those who read them? At random by the unit tests, by a fuzzer in
//! `tests/fuzz`.

#[cfg(any(test, feature = "fixtures"))]
mod blows;

#[cfg(any(test, feature = "fixtures"))]
pub use self::blows::damaged;

/// A packet with some of it overwritten, as `script` says: a place, a number of bytes, and these, again and again.
/// From 128 on the number is that of bytes less at the end. Nothing leaves the packet as it is, and what is written
/// stands in the script as in the packet, so that a fuzzer can put what is compared where it belongs.
#[cfg(fuzzing)]
pub fn patched(packet: &[u8], mut script: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    while let [at, count, rest @ ..] = script {
        if let Some(less) = count.checked_sub(128) {
            packet.truncate(packet.len().saturating_sub(less.into()));
            script = rest;
            continue;
        }
        let (bytes, rest) = rest.split_at(usize::from(*count).min(rest.len()));
        let at = usize::from(*at).min(packet.len());
        let end = (at + bytes.len()).min(packet.len());
        packet.splice(at..end, bytes.iter().copied());
        script = rest;
    }
    packet
}

/// The same of one of these packets, or of an empty one beyond them.
#[cfg(fuzzing)]
pub fn one_patched(packets: &[Vec<u8>], choice: u8, script: &[u8]) -> Vec<u8> {
    let packet = packets.get(usize::from(choice)).map_or(&[][..], |it| it);
    patched(packet, script)
}
