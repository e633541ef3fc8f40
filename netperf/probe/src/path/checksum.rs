//! What is the Internet checksum of some bytes (RFC 1071)?

use std::net::IpAddr;

/// Ones' complement sum of 16-bit words, not yet complemented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(u32);

impl Sum {
    /// With these bytes; an odd last one counts as the upper half of a word.
    #[must_use]
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let words = bytes.chunks(2).map(|pair| {
            let low = pair.get(1).copied().unwrap_or(0);
            u16::from_be_bytes([pair[0], low])
        });
        words.fold(self, Self::word)
    }

    /// With this word.
    #[must_use]
    pub(super) fn word(self, word: u16) -> Self {
        let sum = self.0 + u32::from(word);
        Self((sum & 0xffff) + (sum >> 16))
    }

    /// With the pseudo-header of a transport's packet between these hosts.
    #[must_use]
    pub(super) fn pseudo_header(self, from: IpAddr, to: IpAddr, protocol: u8, length: u16) -> Self {
        let addresses = [from, to]
            .into_iter()
            .fold(self, |sum, address| match address {
                IpAddr::V4(address) => sum.bytes(&address.octets()),
                IpAddr::V6(address) => sum.bytes(&address.octets()),
            });
        addresses.word(protocol.into()).word(length)
    }

    /// The sum itself.
    pub(super) fn value(self) -> u16 {
        u16::try_from(self.0 & 0xffff).unwrap_or(0)
    }

    /// What stands in a header.
    pub(super) fn checksum(self) -> u16 {
        !self.value()
    }

    /// The word that makes this sum `wanted`.
    pub(super) fn missing_for(self, wanted: u16) -> u16 {
        Self::default().word(wanted).word(!self.value()).value()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_rfc_comes_out() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::default().bytes(&bytes).value(), 0xddf2);
    }

    proptest! {
        #[test]
        fn the_missing_word_makes_the_sum(bytes: Vec<u8>, wanted in 1_u16..0xffff) {
            let sum = Sum::default().bytes(&bytes);
            prop_assert_eq!(sum.word(sum.missing_for(wanted)).value(), wanted);
        }
    }
}
