//! Which bytes of a file are held, and which to fetch next: what every driver goes by, wherever its bytes come from.

use super::Refused;
use crate::error::FileCode;
use crate::window::Need;

/// The steps for a need: forget `passed` bytes from the front, then fetch a range, unless the file ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub passed: usize,
    pub fetch: Option<Piece>,
}

/// `length` bytes from a position of the file on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub from: u64,
    pub length: u64,
}

/// The bytes of a file that are held: `held` of them from `start` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub size: Option<u64>,
    /// The size is that of a listing, and may be another by now: a read behind it shows where the file ends.
    pub is_claimed: bool,
    pub start: u64,
    pub held: usize,
    pub ended: bool,
}

impl Held {
    /// Nothing yet of a file of this size.
    pub(super) const fn new(size: Option<u64>) -> Self {
        Self { size, is_claimed: false, start: 0, held: 0, ended: matches!(size, Some(0)) }
    }

    /// Likewise of a file that had this size when it was listed.
    pub(super) const fn claimed(size: Option<u64>) -> Self {
        Self { size, is_claimed: true, start: 0, held: 0, ended: false }
    }

    /// The position behind what is held.
    #[cfg(feature = "stores")]
    pub(super) const fn to(&self) -> u64 {
        self.start.saturating_add(self.held as u64)
    }

    /// The range to fetch so that the need is held: `ahead` bytes at once if fewer are lacking, of which `room` may still be read.
    ///
    /// # Errors
    /// More is needed than may be read; `header_limit` is for the message.
    pub(super) fn ask(&mut self, need: Need, ahead: u64, room: u64, header_limit: u64) -> Result<Ask, Refused> {
        let passed = usize::try_from(need.position.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.held);
        self.held = self.held.saturating_sub(passed);
        self.start = need.position.max(self.start);
        let held = self.held as u64;
        let from = self.start.saturating_add(held);
        let there = match self.size {
            Some(size) if !self.is_claimed => size.saturating_sub(from),
            _ => u64::MAX,
        };
        let lacking = need.length.saturating_sub(held).min(there);
        if lacking == 0 {
            self.ended = true;
            return Ok(Ask { passed, fetch: None });
        }
        if lacking > room {
            let reason = format!("the header goes on after {header_limit} bytes (header_limit)");
            return Err(Refused { code: FileCode::HeaderTooLarge, reason: reason.into() });
        }
        let length = lacking.max(ahead).min(room).min(there);
        Ok(Ask { passed, fetch: Some(Piece { from, length }) })
    }

    /// Of a piece `read` bytes came, and are held.
    pub(super) fn came(&mut self, piece: Piece, read: usize) {
        self.held = self.held.saturating_add(read);
        let to = piece.from.saturating_add(read as u64);
        if (read as u64) < piece.length {
            // A file may be shorter than its listing or its inode said a moment ago: what could be read is what there is.
            self.size = Some(if self.is_claimed { to } else { self.size.map_or(to, |size| size.min(to)) });
            self.is_claimed = false;
        } else if self.is_claimed && self.size.is_some_and(|size| to > size) {
            self.size = None; // it has grown since
        }
        self.ended = !self.is_claimed && self.size.is_some_and(|size| to >= size);
    }
}
