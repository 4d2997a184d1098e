//! How many bytes to read first: what the files around needed.
//!
//! Files of one series have headers of about one size, and neighbours mostly are of one series. Too little costs a second read, too much
//! costs bytes; what is read never depends on it.

/// Reads are of whole pages.
const PAGE: u64 = 4096;

/// The most bytes that are read first, however large the headers around were.
const MOST: u64 = 1 << 20;

/// How many files back are looked at.
const LOOKED_BACK: usize = 8;

/// The policy.
#[derive(Clone, Copy, Debug)]
pub struct FirstRead {
    unknown: u64,
    needed: [u64; LOOKED_BACK],
    next: usize,
}

impl FirstRead {
    /// A policy that begins with `unknown` bytes.
    #[must_use]
    pub const fn new(unknown: u64) -> Self {
        Self { unknown, needed: [0; LOOKED_BACK], next: 0 }
    }

    /// How many bytes to read first of the next file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self.needed.iter().max() {
            None | Some(0) => self.unknown,
            Some(most) => most.saturating_add(PAGE / 8).next_multiple_of(PAGE).min(MOST.max(self.unknown)),
        }
    }

    /// Of a file `bytes` were needed before some were skipped, or the header ended; 0 where that is not known.
    pub fn learn(&mut self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if let Some(place) = self.needed.get_mut(self.next) {
            *place = bytes;
        }
        self.next = self.next.saturating_add(1).checked_rem(LOOKED_BACK).unwrap_or(0);
    }
}
