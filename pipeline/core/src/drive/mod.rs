//! Drivers: they fetch the bytes that the decoder says it needs, and look at the clock.
//!
//! How much to read first and how to grow is decided here alone. No byte is fetched twice, bytes that were jumped over are never fetched,
//! and never more than `header_limit` bytes are fetched of one file: what is held is bounded by that, whatever lengths a file claims.

mod estimate;
mod first_read;
mod held;
mod local;
#[cfg(feature = "stores")]
pub mod remote;
mod schedule;
mod side_by_side;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use estimate::{Estimate, REQUEST_BYTES};
pub use first_read::FirstRead;
pub use local::{LastFolder, LocalFile};
pub use schedule::{Begin, Schedule};
pub use side_by_side::{Ended, Pace, SideBySide};
pub(crate) use side_by_side::{SLOW, SLOW_FILES};

use crate::error::FileCode;
use crate::header::{HeaderDecoder, Plan};
use crate::recorder::Recorder;
use crate::walk::Progress;
use crate::window::{Need, StreamEnd, Window};
use held::{Ask, Held};

/// The most bytes fetched at once beyond those asked for.
const GROWTH_LIMIT: u64 = 256 * 1024;

/// A file of which more bytes were read is large.
const SMALL: u64 = 1 << 20;

/// How far to go into one file.
#[derive(Clone, Copy, Debug)]
pub struct ReadingLimits {
    /// Bytes to read first where nothing is known of the files around.
    pub first_read: u64,
    /// The most bytes that are read, or inflated, of one file.
    pub header_limit: u64,
    /// The most time that reading one file takes.
    pub file_time_limit: Duration,
}

/// Why bytes can't be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `unreadable`, `not-regular`, or what else the store says.
    pub code: FileCode,
    /// One line for a person; no url and no credential.
    pub reason: Cow<'static, str>,
}

/// Something that answers ranges of bytes.
pub trait ByteSource {
    /// Its length in bytes, where it is known.
    fn size(&self) -> Option<u64>;

    /// Whether that is the length of a listing, which may be another by now.
    fn size_is_claimed(&self) -> bool {
        false
    }

    /// Looks at the length as it is now.
    ///
    /// # Errors
    /// It can't be looked at, or this is not a regular file.
    fn look_at_size(&mut self) -> Result<Option<u64>, Refused> {
        Ok(self.size())
    }

    /// Fetches bytes at an offset into the whole of `into`, and answers how many there were: fewer only where it ends. Every request is
    /// counted into `requests`.
    ///
    /// # Errors
    /// The disk or the store refuses.
    fn read(&mut self, offset: u64, into: &mut [u8], requests: &mut u64) -> Result<usize, Refused>;
}

/// The cost and the end of reading one file, beside its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Of the file, as its source says.
    pub size: Option<u64>,
    /// Bytes fetched.
    pub bytes_read: u64,
    /// Reads or requests.
    pub requests: u64,
}

/// Reads the headers of files, one after the other.
#[derive(Debug)]
pub struct Driver {
    limits: ReadingLimits,
    /// The policy of the first read, which learns from each file.
    pub first_read: FirstRead,
    /// Bytes held, in its first `held` bytes; the rest is room.
    buffer: Vec<u8>,
    /// Taken by each file that may need much memory, where others are read beside it.
    large: Option<Arc<Mutex<()>>>,
}

impl Driver {
    /// A driver with these limits.
    #[must_use]
    pub fn new(limits: ReadingLimits) -> Self {
        Self { limits, first_read: FirstRead::new(limits.first_read), buffer: vec![], large: None }
    }

    /// The same; a file that may need much memory is read while it holds `large`.
    #[must_use]
    pub fn with_large(self, large: Arc<Mutex<()>>) -> Self {
        Self { large: Some(large), ..self }
    }

    /// Reads one header into the decoder.
    pub fn read(
        &mut self,
        decoder: &mut HeaderDecoder,
        plan: &Plan,
        recorder: Option<Recorder>,
        source: Result<&mut dyn ByteSource, Refused>,
    ) -> Reading {
        let second = recorder.as_ref().map(Recorder::new_of_its_kind);
        decoder.begin(recorder);
        let source = match source {
            Ok(source) => source,
            Err(Refused { code, reason }) => {
                decoder.stop(plan, code, reason);
                return Reading::default();
            }
        };
        let size = source.size();
        if !source.size_is_claimed() {
            return self.drive(decoder, plan, source, Held::new(size));
        }
        let reading = self.drive(decoder, plan, source, Held::claimed(size));
        // How damage is judged depends on where the file ends.
        let found = &decoder.header.found;
        if found.defect.is_none() && found.findings.is_empty() {
            return reading;
        }
        let again = match source.look_at_size() {
            Ok(now) if now == size => return reading,
            Ok(now) => {
                decoder.begin(second);
                self.drive(decoder, plan, source, Held::new(now))
            }
            Err(Refused { code, reason }) => {
                decoder.begin(second);
                decoder.stop(plan, code, reason);
                Reading::default()
            }
        };
        Reading {
            size: again.size,
            bytes_read: reading.bytes_read.saturating_add(again.bytes_read),
            requests: reading.requests.saturating_add(again.requests),
        }
    }

    fn drive(
        &mut self,
        decoder: &mut HeaderDecoder,
        plan: &Plan,
        source: &mut dyn ByteSource,
        mut file: Held,
    ) -> Reading {
        let mut reading = Reading { size: file.size, ..Reading::default() };
        let mut growth = self.limits.first_read;
        let mut began = None;
        let large = self.large.clone();
        let mut alone = None;
        let first = self.first_read.bytes();
        if let Err(refused) = self.fetch(&mut file, &mut reading, source, Need { position: 0, length: 1 }, first) {
            decoder.stop(plan, refused.code, refused.reason);
            return reading;
        }
        loop {
            let bytes = self.buffer.get(..file.held).unwrap_or_default();
            let end = file.ended.then_some(StreamEnd::OF_FILE);
            let need = match decoder.resume(plan, &Window { bytes, start: file.start, size: file.size, end }) {
                Progress::Done => break,
                Progress::Pause => None,
                Progress::Need(need) => Some(need),
            };
            // The clock is looked at only by files that take more than one look.
            let began = *began.get_or_insert_with(Instant::now);
            if began.elapsed() > self.limits.file_time_limit {
                decoder.stop(plan, FileCode::TimedOut, "reading took longer than file_seconds_limit");
                break;
            }
            if let Some(large) = &large
                && alone.is_none()
                && (reading.bytes_read > SMALL || decoder.is_inflating())
            {
                alone = Some(large.lock().unwrap_or_else(PoisonError::into_inner));
            }
            if let Some(need) = need {
                if let Err(refused) = self.fetch(&mut file, &mut reading, source, need, growth) {
                    decoder.stop(plan, refused.code, refused.reason);
                    break;
                }
                growth = growth.saturating_mul(2).min(GROWTH_LIMIT.max(growth));
            }
        }
        drop(alone);
        self.first_read.learn(decoder.header.first_part);
        self.let_go();
        reading
    }

    /// Holds what is needed, fetching `ahead` bytes at once if fewer are lacking, and forgets what lies before.
    fn fetch(
        &mut self,
        file: &mut Held,
        reading: &mut Reading,
        source: &mut dyn ByteSource,
        need: Need,
        ahead: u64,
    ) -> Result<(), Refused> {
        let room = self.limits.header_limit.saturating_sub(reading.bytes_read);
        let held = file.held;
        let Ask { passed, fetch } = file.ask(need, ahead, room, self.limits.header_limit)?;
        if let Some(kept) = self.buffer.get_mut(..held) {
            kept.copy_within(passed.., 0);
        }
        if let Some(piece) = fetch {
            let read = self.read_into(file.held, piece.length, piece.from, source, &mut reading.requests)?;
            reading.bytes_read = reading.bytes_read.saturating_add(read as u64);
            file.came(piece, read);
        }
        Ok(())
    }

    /// Fetches `asked` bytes behind those held. Memory grows with what comes in, not with what was asked for.
    fn read_into(
        &mut self,
        held: usize,
        asked: u64,
        from: u64,
        source: &mut dyn ByteSource,
        requests: &mut u64,
    ) -> Result<usize, Refused> {
        let mut read: usize = 0;
        let asked = usize::try_from(asked).unwrap_or(usize::MAX);
        while read < asked {
            let piece = asked.saturating_sub(read).min(PIECE);
            let begin = held.saturating_add(read);
            let end = begin.saturating_add(piece);
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            let into = self.buffer.get_mut(begin..end).unwrap_or_default();
            let came = source.read(from.saturating_add(read as u64), into, requests)?.min(piece);
            read = read.saturating_add(came);
            if came < piece {
                break;
            }
        }
        Ok(read)
    }

    /// Gives back what one file with a large header took.
    fn let_go(&mut self) {
        if self.buffer.len() > PIECE {
            self.buffer.truncate(PIECE);
            self.buffer.shrink_to(PIECE);
        }
    }
}

/// The most bytes fetched into memory at once.
const PIECE: usize = 4 << 20;
