//! What stands behind the header of a message of the kernel's? Attributes, some of which hold others.

use netlink_packet_core::{NLA_HEADER_SIZE, NlaBuffer, NlasIterator};

/// Each attribute, until one is cut.
pub(super) fn each(bytes: &[u8]) -> impl Iterator<Item = NlaBuffer<&[u8]>> {
    NlasIterator::new(bytes).map_while(Result::ok)
}

/// What the first attribute of a kind holds.
pub(super) fn value(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    let found = each(bytes).find(|attribute| attribute.kind() == kind)?;
    let length = found.value_length();
    found.into_inner().get(NLA_HEADER_SIZE..)?.get(..length)
}

/// A number at this offset, not aligned; `None` beyond the end.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let rest = bytes.get(at..)?;
    rest.first_chunk().copied().map(u32::from_ne_bytes)
}

/// Text that a zero ends where it is shorter. Untrusted.
pub(super) fn text(bytes: &[u8]) -> String {
    let name = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::ask::attribute;

    #[test]
    fn a_value_is_that_of_the_first_attribute_of_its_kind() {
        let bytes = [
            attribute(1, b"a\0b"),
            attribute(2, &[7, 0, 0, 0]),
            attribute(2, &[]),
        ]
        .concat();
        assert_eq!(value(&bytes, 1).map(text), Some("a".to_owned()));
        assert_eq!(
            value(&bytes, 2).and_then(|it| u32_at(it, 0)),
            Some(u32::from_ne_bytes([7, 0, 0, 0]))
        );
        assert_eq!(value(&bytes, 3), None);
        assert_eq!(value(&bytes[..11], 2), None, "cut");
    }
}
