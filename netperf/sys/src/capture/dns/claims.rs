//! What holds of every DNS message and stream that anybody can send? For the unit tests and the fuzzer.

use super::message::{NAME_MAX, name, read};
use super::stream::{KEPT, Segment, Stream};

/// A question for the addresses of `x.y`, or with other flags its answer.
pub(super) fn message(number: u16, flags: u16) -> Vec<u8> {
    let mut message = number.to_be_bytes().to_vec();
    message.extend(flags.to_be_bytes());
    message.extend([0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend(b"\x01x\x01y\0\0\x1c\0\x01");
    message
}

/// Reads a message, and panics if what is read is not in it.
pub(super) fn hold(bytes: &[u8]) {
    let Some(beginning) = read(bytes) else {
        return;
    };
    assert_eq!(bytes[..2], beginning.number.to_be_bytes());
    // A byte that is no text becomes a character of three.
    assert!((1..=3 * NAME_MAX).contains(&beginning.name.len()));
    let end = name(bytes).map_or(bytes.len(), |(_, end)| end + 2);
    let without_the_rest = read(&bytes[..end]);
    assert_eq!(without_the_rest, Some(beginning), "the question is all");
}

/// Reads these bytes in segments of these lengths, of which only so much is seen, and panics if a message is
/// not as it was sent, as far as it is known.
pub(super) fn hold_stream(bytes: &[u8], lengths: &[usize], seen: usize) {
    let mut sent = messages(bytes);
    let (mut stream, mut at) = (Stream::default(), 0);
    let mut is_known = true;
    for length in lengths.iter().cycle() {
        let whole = &bytes[at..(at + length.max(&1)).min(bytes.len())];
        let (read, is_whole) = stream.take(Segment {
            sequence: u32::try_from(at).unwrap_or(u32::MAX),
            length: u32::try_from(whole.len()).unwrap_or(u32::MAX),
            here: &whole[..whole.len().min(seen)],
        });
        for message in read {
            let sent = sent.next();
            assert!(
                sent.is_some_and(|sent| sent.starts_with(&message)),
                "{message:?} of {sent:?}"
            );
            let is_all = message.len() == sent.map_or(0, <[u8]>::len).min(KEPT);
            assert!(
                is_all || seen < KEPT || whole.len() > seen || !is_known,
                "{message:?}"
            );
        }
        is_known &= is_whole && whole.len() <= seen;
        at += whole.len();
        if at == bytes.len() {
            break;
        }
    }
    assert!(!is_known || sent.next().is_none(), "a message is missing");
}

/// The messages that end in these bytes.
fn messages(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let (message, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into())?;
        rest = behind;
        Some(message)
    })
}

/// For `tests/fuzz`: a message.
#[cfg(fuzzing)]
pub fn fuzz_message(bytes: &[u8]) {
    hold(bytes);
    hold(&netperf_core::mutate::patched(&message(7, 0x8180), bytes));
}

/// For `tests/fuzz`: a stream. The first bytes say how it is cut, and how much is seen.
#[cfg(fuzzing)]
pub fn fuzz_stream(bytes: &[u8]) {
    let Some((&[seen, a, b, c], stream)) = bytes.split_first_chunk() else {
        return;
    };
    let question = message(7, 0x0100);
    let framed = [&[0, 21], &question[..]].concat().repeat(2);
    let lengths = [a, b, c].map(|length| usize::from(length) * 3);
    let seen = if seen == 0 { KEPT } else { seen.into() };
    hold_stream(stream, &lengths, seen);
    hold_stream(
        &netperf_core::mutate::patched(&framed, stream),
        &lengths,
        seen,
    );
    // Anything may be claimed to have come before or behind.
    let mut any = Stream::default();
    for part in stream.chunks(9) {
        let (head, here) = part.split_at(part.len().min(3));
        let word = |at: usize| u32::from(head.get(at).copied().unwrap_or(0));
        any.take(Segment {
            sequence: word(0).wrapping_sub(9),
            length: word(1) << (word(2) % 32),
            here,
        });
    }
}
