//! A decoder's view of a stream: some of its bytes, and the way to ask for others.
//!
//! Nothing here reads. A decoder that lacks bytes answers a [`Need`]; whoever drives it fetches them, drops those that lie before, and
//! calls again. So one decoder serves disks, object stores and members of archives.

use crate::error::FileCode;

/// Bytes that a decoder needs to go on: `length` of them from `position` on, or as many as there are. What lies before is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Position in the stream of the first byte.
    pub position: u64,
    /// How many bytes.
    pub length: u64,
}

/// How a stream ends after the bytes that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    /// Whether it ended as a stream of its kind does.
    pub whole: bool,
    /// The code of a header that goes on after its end.
    pub shortage: FileCode,
}

impl StreamEnd {
    /// The end of a file.
    pub const OF_FILE: Self = Self { whole: true, shortage: FileCode::Truncated };
}

/// The bytes of a stream that are held.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The position in the stream of the first of them.
    pub start: u64,
    /// The length of the stream, where it is known.
    pub size: Option<u64>,
    /// Set where no byte follows those held.
    pub end: Option<StreamEnd>,
}

impl<'a> Window<'a> {
    /// The bytes held from a position on.
    #[must_use]
    pub fn from(&self, position: u64) -> &'a [u8] {
        let at = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The position after the last byte held.
    #[must_use]
    pub fn held_to(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64)
    }

    /// The bytes from `position` on: at least `length` of them, fewer only where the stream ends.
    ///
    /// # Errors
    /// They are not held yet.
    pub fn reach(&self, position: u64, length: u64) -> Result<&'a [u8], Need> {
        if position.saturating_add(length) <= self.held_to() || self.end.is_some() {
            Ok(self.from(position))
        } else {
            Err(Need { position, length })
        }
    }

    /// Whether what has this limit has no end inside the stream: what passes that end is cut short, not corrupt.
    #[must_use]
    pub fn ends_before(&self, limit: u64) -> bool {
        self.size.is_none_or(|size| limit >= size)
    }

    /// How the stream ended; asked after `reach` answered fewer bytes than it should.
    #[must_use]
    pub fn ending(&self) -> StreamEnd {
        self.end.unwrap_or(StreamEnd::OF_FILE)
    }
}
