//! Deflated data sets (PS3.5 A.5) as a stream: inflated as far as the walk looks, never more than `header_limit`.
//!
//! Bytes before a corrupt place are kept.

use flate2::{Decompress, FlushDecompress, Status};

use crate::error::FileCode;
use crate::window::{Need, StreamEnd, Window};

/// Bytes to inflate, and to take of the output, at a time.
const CHUNK: usize = 16 * 1024;

/// Why inflating can't go on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Bytes of the file are needed.
    Need(Need),
    /// The header goes on after `header_limit` inflated bytes.
    Limit,
}

/// A stream over the inflated bytes; positions count from the first of them.
#[derive(Debug)]
pub struct Inflating {
    inflater: Option<Decompress>,
    /// Position in the file of the next compressed byte.
    compressed: u64,
    bytes: Vec<u8>,
    /// Position in the inflated stream of the first of `bytes`.
    start: u64,
    inflated: u64,
    limit: u64,
    end: Option<StreamEnd>,
}

impl Inflating {
    /// A stream that begins at a position of the file; `limit` is the most bytes to inflate.
    #[must_use]
    pub const fn new(position: u64, limit: u64) -> Self {
        Self { inflater: None, compressed: position, bytes: vec![], start: 0, inflated: 0, limit, end: None }
    }

    /// How far into the file it came.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.compressed
    }

    /// The bytes inflated so far.
    #[must_use]
    pub fn window(&self) -> Window<'_> {
        Window { bytes: &self.bytes, start: self.start, size: None, end: self.end }
    }

    /// Holds what is needed of the inflated bytes, and forgets those before.
    ///
    /// # Errors
    /// Bytes of the file are lacking, or no more may be inflated.
    pub fn reach(&mut self, need: Need, file: &Window<'_>) -> Result<(), Halt> {
        self.forget_before(need.position);
        while (self.start < need.position || (self.bytes.len() as u64) < need.length) && self.end.is_none() {
            self.inflate(file)?;
            self.forget_before(need.position);
        }
        Ok(())
    }

    fn forget_before(&mut self, position: u64) {
        let passed = position.saturating_sub(self.start).min(self.bytes.len() as u64);
        if passed > 0 {
            self.bytes.drain(..usize::try_from(passed).unwrap_or(usize::MAX).min(self.bytes.len()));
            self.start = self.start.saturating_add(passed);
        }
    }

    fn inflate(&mut self, file: &Window<'_>) -> Result<(), Halt> {
        if self.inflated >= self.limit {
            return Err(Halt::Limit);
        }
        let inflater = match &mut self.inflater {
            Some(inflater) => inflater,
            none => {
                let head = file.reach(self.compressed, 2).map_err(Halt::Need)?;
                none.insert(Decompress::new(has_zlib_header(head)))
            }
        };
        let compressed = file.reach(self.compressed, 1).map_err(Halt::Need)?;
        let compressed = compressed.get(..CHUNK).unwrap_or(compressed);
        let room = usize::try_from(self.limit.saturating_sub(self.inflated)).unwrap_or(usize::MAX).min(CHUNK);
        let held = self.bytes.len();
        self.bytes.resize(held.saturating_add(room), 0);
        let (read, written) = (inflater.total_in(), inflater.total_out());
        let output = self.bytes.get_mut(held..).unwrap_or_default();
        let status = inflater.decompress(compressed, output, FlushDecompress::None);
        let (read, written) = (inflater.total_in().saturating_sub(read), inflater.total_out().saturating_sub(written));
        self.bytes.truncate(held.saturating_add(usize::try_from(written).unwrap_or(usize::MAX)));
        self.inflated = self.inflated.saturating_add(written);
        self.compressed = self.compressed.saturating_add(read);
        match status {
            Ok(Status::StreamEnd) => self.end = Some(StreamEnd { whole: true, shortage: FileCode::Truncated }),
            Ok(_) if compressed.is_empty() && written == 0 => {
                self.end = Some(StreamEnd { whole: false, shortage: FileCode::Truncated });
            }
            Ok(_) => {}
            Err(_) => self.end = Some(StreamEnd { whole: false, shortage: FileCode::CorruptDeflate }),
        }
        Ok(())
    }
}

/// PS3.5 A.5 wants RFC 1951 alone; some writers put zlib's two bytes (RFC 1950) before it.
fn has_zlib_header(head: &[u8]) -> bool {
    let [a, b, ..] = *head else {
        return false;
    };
    a & 0x0F == 8 && a >> 4 <= 7 && u16::from_be_bytes([a, b]) % 31 == 0
}
