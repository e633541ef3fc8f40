//! Which messages go through a TCP connection? Each has its length in front; of each segment only the
//! beginning is here.

/// As much of a message as is kept.
pub(super) const KEPT: usize = 288;

/// One direction of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// Sequence number of the next byte.
    next: Option<u32>,
    /// The length of the message that comes, as far as it is here.
    prefix: Vec<u8>,
    /// The message, as far as it is here and kept.
    message: Vec<u8>,
    /// Bytes of it that are still to come.
    missing: usize,
    /// Some of its bytes were not here: what follows does not join what is kept.
    has_hole: bool,
    /// No longer known where messages begin.
    is_lost: bool,
}

/// A segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'p> {
    pub(super) sequence: u32,
    /// All its bytes.
    pub(super) length: u32,
    /// The first of them.
    pub(super) here: &'p [u8],
}

impl Stream {
    /// Takes a segment and gives the messages that ended, or are known well enough; false where some
    /// could not be read.
    pub(super) fn take(&mut self, segment: Segment<'_>) -> (Vec<Vec<u8>>, bool) {
        if self.is_lost {
            return (Vec::new(), true);
        }
        let ahead = self
            .next
            .map_or(0, |next| segment.sequence.wrapping_sub(next));
        if ahead > u32::MAX / 2 {
            // It was sent again.
            return (Vec::new(), true);
        }
        if ahead > 0 {
            self.is_lost = true;
            return (Vec::new(), false);
        }
        self.next = Some(segment.sequence.wrapping_add(segment.length));
        let length = usize::try_from(segment.length).unwrap_or(usize::MAX);
        self.read(segment.here, length.saturating_sub(segment.here.len()))
    }

    /// Reads what is here, with `unseen` bytes behind it.
    fn read(&mut self, mut here: &[u8], mut unseen: usize) -> (Vec<Vec<u8>>, bool) {
        let mut whole = Vec::new();
        loop {
            while self.missing == 0 && self.prefix.len() < 2 {
                let Some((&byte, rest)) = here.split_first() else {
                    self.is_lost = unseen > 0;
                    return (whole, !self.is_lost);
                };
                self.prefix.push(byte);
                here = rest;
            }
            if let [high, low] = self.prefix[..] {
                self.missing = usize::from(u16::from_be_bytes([high, low]));
                self.prefix.clear();
                self.message.clear();
                self.has_hole = false;
            }
            let taken = self.missing.min(here.len());
            let (part, rest) = here.split_at(taken);
            if !self.has_hole {
                let kept = part.len().min(KEPT - self.message.len().min(KEPT));
                self.message.extend_from_slice(&part[..kept]);
            }
            here = rest;
            self.missing -= taken;
            if here.is_empty() {
                let skipped = self.missing.min(unseen);
                self.missing -= skipped;
                unseen -= skipped;
                self.has_hole |= skipped > 0;
            }
            if self.missing > 0 {
                return (whole, true);
            }
            whole.push(std::mem::take(&mut self.message));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::claims::{hold_stream, message};
    use super::*;
    use netperf_core::mutate::damaged;

    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u16::try_from(message.len()).unwrap();
        [&length.to_be_bytes(), message].concat()
    }

    fn segment(sequence: u32, bytes: &[u8]) -> Segment<'_> {
        Segment {
            sequence,
            length: u32::try_from(bytes.len()).unwrap(),
            here: &bytes[..bytes.len().min(KEPT)],
        }
    }

    #[test]
    fn segments_that_are_sent_again_count_once() {
        let bytes = framed(b"question");
        let mut stream = Stream::default();
        assert_eq!(stream.take(segment(5, &bytes)).0, [b"question"]);
        assert_eq!(stream.take(segment(5, &bytes)).0, [[0_u8; 0]; 0]);
    }

    #[test]
    fn a_long_message_is_known_by_its_beginning_and_the_next_one_follows() {
        let long = vec![7; 1_000];
        let mut stream = Stream::default();
        let (messages, is_whole) = stream.take(segment(u32::MAX - 3, &framed(&long)));
        assert!(is_whole);
        assert_eq!(messages, [long[..KEPT - 2].to_vec()]);
        let sequence = (u32::MAX - 3).wrapping_add(1_002);
        assert_eq!(
            stream.take(segment(sequence, &framed(b"next"))).0,
            [b"next"]
        );
    }

    #[test]
    fn a_gap_ends_what_can_be_read() {
        let mut stream = Stream::default();
        stream.take(segment(0, &framed(b"first")));
        assert!(!stream.take(segment(100, &framed(b"second"))).1);
        assert_eq!(
            stream.take(segment(108, &framed(b"third"))),
            (Vec::new(), true)
        );
    }

    #[test]
    fn bytes_behind_a_hole_are_no_part_of_what_is_kept() {
        let bytes = [framed(&[1; 250]), framed(&[2; 200])].concat();
        let (first, second) = bytes.split_at(400);
        let mut stream = Stream::default();
        assert_eq!(stream.take(segment(0, first)).0, [[1; 250]]);
        assert_eq!(stream.take(segment(400, second)).0, [vec![2; KEPT - 254]]);
    }

    #[test]
    fn a_length_that_is_not_here_can_not_be_guessed() {
        let two = [framed(&[1; 400]), framed(&[2; 10])].concat();
        assert!(!Stream::default().take(segment(0, &two)).1);
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_they_are_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 1..6),
            cuts in prop::collection::vec(1_usize..900, 1..40),
            seen in prop_oneof![Just(KEPT), 1..KEPT, Just(10_000)],
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|it| framed(it)).collect();
            hold_stream(&bytes, &cuts, seen);
        }

        #[test]
        fn lengths_that_lie_are_believed_and_nothing_else(
            bytes in damaged(vec![[framed(&message(7, 0x0100)), framed(&message(8, 0x8180))].concat()]),
            cuts in prop::collection::vec(1_usize..60, 1..10),
        ) {
            hold_stream(&bytes, &cuts, KEPT);
        }

        #[test]
        fn no_stream_breaks_it(parts in prop::collection::vec((any::<u32>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..400)), 0..10)) {
            let mut stream = Stream::default();
            for (sequence, length, here) in &parts {
                stream.take(Segment { sequence: *sequence, length: *length, here });
            }
        }
    }
}
