//! Damages good packets, to test the parsers that read them: at random in unit tests, by a fuzzer in
//! `tests/fuzz`.

#[cfg(any(test, feature = "fixtures"))]
mod mutations;

#[cfg(any(test, feature = "fixtures"))]
pub use self::mutations::damaged;

/// Overwrites parts of a packet. `script` repeats an offset, a number of bytes, and the bytes themselves.
/// A number from 128 on cuts that many bytes less 128 off the end. An empty script changes nothing. The bytes stand
/// in the script as in the packet, so a fuzzer can place values that the parser compares with.
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

/// Like [`patched`], for the packet with index `choice`, or an empty one beyond the last.
#[cfg(fuzzing)]
pub fn one_patched(packets: &[Vec<u8>], choice: u8, script: &[u8]) -> Vec<u8> {
    let packet = packets.get(usize::from(choice)).map_or(&[][..], |it| it);
    patched(packet, script)
}
