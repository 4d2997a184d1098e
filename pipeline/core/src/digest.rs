//! The digest of a header: 128-bit XXH3 over what the walk passes, by which two copies of an instance are told to be the same or not.
//!
//! Exactly what counts is written down once, in `dicomlake.extract.pydicom_engine.digest`; the two engines are held to it.

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
