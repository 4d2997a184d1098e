//! How many bytes to ask a store for first: what costs least over the files that were read before.
//!
//! A request takes time whatever it brings, so one that fetches too little costs more than many bytes too many, up to a point.
//! The rows never depend on it.

/// So many bytes cost about as much as one request more: a tenth of a millisecond of CPU on both sides, and a round trip that others wait
/// through as well.
pub const REQUEST_BYTES: u64 = 128 << 10;

/// How many files back are looked at.
const LOOKED_BACK: usize = 16;

/// Asked for beyond what others needed, as a part of it and at least: UIDs and numbers are not all of one length, and a decoder looks at a
/// KiB to see in which transfer syntax a data set is.
const SLACK_PART: u64 = 8;
const LEAST_SLACK: u64 = 512;
const LEAST: u64 = 2048;
const ROUNDED_TO: u64 = 1024;

/// The bytes that files of one kind needed.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    needed: [u64; LOOKED_BACK],
    known: usize,
    next: usize,
}

impl Estimate {
    /// A file needed so many bytes before some were not worth reading, or the header ended; 0 where that is not known.
    pub fn learn(&mut self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        if let Some(place) = self.needed.get_mut(self.next) {
            *place = bytes;
        }
        self.next = self.next.saturating_add(1).checked_rem(LOOKED_BACK).unwrap_or(0);
        self.known = self.known.saturating_add(1).min(LOOKED_BACK);
    }

    /// How many bytes to read first; None where nothing is known. One file that is unlike the others does not make all of them dear.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.end_after(0)
    }

    /// Up to where to read on from a position; None where no file needed more than that.
    #[must_use]
    pub fn end_after(&self, position: u64) -> Option<u64> {
        let needed = || self.needed.iter().take(self.known).filter(|needed| **needed > position);
        let cost = |end: u64| -> u64 {
            let of_one = |needed: u64| match needed.saturating_sub(end) {
                0 => end,
                lacking => end.saturating_add(REQUEST_BYTES).saturating_add(lacking),
            };
            needed().map(|needed| of_one(*needed)).fold(0, u64::saturating_add)
        };
        needed().map(|needed| with_slack(*needed)).min_by_key(|end| (cost(*end), *end))
    }
}

fn with_slack(bytes: u64) -> u64 {
    let slack = bytes.checked_div(SLACK_PART).unwrap_or(0).max(LEAST_SLACK);
    if bytes == 0 { 0 } else { bytes.saturating_add(slack).next_multiple_of(ROUNDED_TO).max(LEAST) }
}
