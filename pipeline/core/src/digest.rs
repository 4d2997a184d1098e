//! The digest of a header: 128-bit XXH3 over what the walk passes, by which two copies of an instance are told to be the same or not.
//!
//! The digest is XXH3 of 128 bits with seed 0, as lower-case hex digits, most significant byte first. It covers the bytes of the data set
//! as they stand in the file, or as inflated, in order:
//!
//! * It begins with the tag of the first element. The preamble, group 2 and a command set before the data set do not count.
//! * It ends before the tag of the element that ends the header (pixel data at top level), else with the last byte of the data set.
//! * Of a value of more than [`LARGE_VALUE`] bytes only the element's tag, VR and length count. A sequence is not a value: its own tag, its
//!   items and its delimitations count, and in turn each value inside.
//! * An element of undefined length that is not a sequence (fragments, PS3.5 A.4) counts token by token: tag and length of each fragment's
//!   item, the fragment unless it has more than [`LARGE_VALUE`] bytes, and the delimitation.
//! * Bytes that the walk passes without knowing what they are do not count: the rest of a container after a corrupt element, a stray item
//!   at top level, and the value of a sequence of defined length that is nested too deep.
//! * Where reading stopped early, the digest covers what was walked: up to the tag of the element at which reading stopped.

use std::fmt;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

/// Values of more bytes than this count by tag, VR and length only.
pub const LARGE_VALUE: u32 = 16 * 1024;

/// Takes the bytes of a stream as the walk passes over them, each once, in order.
pub struct HeaderDigest {
    /// Made when bytes come in more than one part.
    hash: Option<Box<Xxh3Default>>,
    position: u64,
}

impl fmt::Debug for HeaderDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HeaderDigest").field("position", &self.position).finish_non_exhaustive()
    }
}

impl HeaderDigest {
    /// Begins at a position of the stream.
    #[must_use]
    pub fn new(position: u64) -> Self {
        Self { hash: None, position }
    }

    /// Counts the bytes from where it stands up to `to`; the first of `bytes` stands at `start`.
    pub fn cover(&mut self, bytes: &[u8], start: u64, to: u64) {
        if to > self.position {
            let passed = self.part(bytes, start, to);
            if !passed.is_empty() {
                self.hash.get_or_insert_with(|| Box::new(Xxh3Default::new())).update(passed);
            }
            self.position = to;
        }
    }

    fn part<'a>(&self, bytes: &'a [u8], start: u64, to: u64) -> &'a [u8] {
        let from = usize::try_from(self.position.saturating_sub(start)).unwrap_or(usize::MAX);
        let end = usize::try_from(to.saturating_sub(start)).unwrap_or(usize::MAX);
        bytes.get(from..end).unwrap_or_default()
    }

    /// Passes over the bytes up to `to`.
    pub fn leave_out(&mut self, to: u64) {
        self.position = self.position.max(to);
    }

    /// The digest with the bytes up to `to`, which are the last; most headers come in one part.
    #[must_use]
    pub fn finish(mut self, bytes: &[u8], start: u64, to: u64) -> u128 {
        if self.hash.is_none() {
            return xxh3_128(if to > self.position { self.part(bytes, start, to) } else { &[] });
        }
        self.cover(bytes, start, to);
        self.hash.map_or(0, |hash| hash.digest128())
    }
}
