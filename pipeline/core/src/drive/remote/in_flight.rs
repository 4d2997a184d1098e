//! One file between its first request and its end.

use std::borrow::Cow;
use std::time::Instant;

use bytes::{Buf, Bytes};

use super::super::held::{Ask, Held, Piece};
use super::super::{Reading, ReadingLimits, Refused};
use super::fetch::{Failure, Fetched};
use crate::error::FileCode;
use crate::header::{HeaderDecoder, Plan};
use crate::walk::Progress;
use crate::window::{Need, StreamEnd, Window};

/// A file between its first request and its end.
#[derive(Debug)]
pub(super) struct InFlight {
    pub index: usize,
    pub began: Instant,
    pub reading: Reading,
    pub held: Held,
    pub bytes: Bytes,
    pub version: Option<String>,
    pub asked: Piece,
    /// Where the first answer was not enough: its own, since others are decoded meanwhile.
    pub decoder: Option<Box<HeaderDecoder>>,
}

/// The outcome of one look at the bytes held.
pub(super) enum Look {
    Done,
    Fetch(Piece),
}

const TIMED_OUT: &str = "reading took longer than file_seconds_limit";

impl InFlight {
    pub(super) fn new(index: usize, size: Option<u64>) -> Self {
        Self {
            index,
            began: Instant::now(),
            reading: Reading { size, ..Reading::default() },
            held: Held::new(size),
            bytes: Bytes::new(),
            version: None,
            asked: Piece { from: 0, length: 0 },
            decoder: None,
        }
    }

    /// The bytes that it holds and waits for.
    pub(super) const fn weight(&self) -> u64 {
        self.asked.length.saturating_add(self.bytes.len() as u64)
    }

    /// Takes what came of its request; an answer where no more will come.
    pub(super) fn came(&mut self, fetched: Fetched) -> Option<Refused> {
        self.reading.requests = self.reading.requests.saturating_add(fetched.requests);
        self.reading.bytes_read = self.reading.bytes_read.saturating_add(fetched.bytes);
        let unreadable = |reason: Cow<'static, str>| Some(Refused { code: FileCode::Unreadable, reason });
        match fetched.answer {
            Ok(part) => {
                // An object may be another than its listing said a moment ago; what the listing said it has no more of is not read.
                self.held.size = Some(self.held.size.map_or(part.size, |size| size.min(part.size)));
                self.reading.size = self.held.size;
                self.held.came(self.asked, part.bytes.len());
                self.version = part.version;
                self.bytes = if self.bytes.is_empty() {
                    part.bytes
                } else {
                    [self.bytes.as_ref(), part.bytes.as_ref()].concat().into()
                };
                None
            }
            Err(Failure::Beyond) => {
                self.held.came(self.asked, 0);
                self.reading.size = self.held.size;
                None
            }
            Err(Failure::Absent) => unreadable("the object is not there (any more)".into()),
            Err(Failure::NoRanges) => unreadable("the server has no ranges".into()),
            Err(Failure::Changed) => unreadable("the object changed while it was read".into()),
            Err(Failure::Refused(word)) => unreadable(format!("the store refuses access to it: {word}").into()),
            Err(Failure::Unreadable(word)) => unreadable(format!("the store can't give it now: {word}").into()),
            Err(Failure::Unanswered(word)) => {
                unreadable(format!("the store does not answer as it should: {word}").into())
            }
            Err(Failure::TimedOut) => Some(Refused { code: FileCode::TimedOut, reason: TIMED_OUT.into() }),
        }
    }

    fn ask(&mut self, need: Need, more: u64, header_limit: u64) -> Result<Option<Piece>, Refused> {
        let room = header_limit.saturating_sub(self.reading.bytes_read);
        let Ask { passed, fetch } = self.held.ask(need, more, room, header_limit)?;
        self.bytes.advance(passed.min(self.bytes.len()));
        Ok(fetch)
    }

    /// Goes on with what is held, up to the file's end or to what has to be fetched: `more` bytes at once if fewer are lacking.
    pub(super) fn decode(
        &mut self,
        decoder: &mut HeaderDecoder,
        plan: &Plan,
        limits: &ReadingLimits,
        more: u64,
    ) -> Look {
        loop {
            let end = self.held.ended.then_some(StreamEnd::OF_FILE);
            let window = Window { bytes: &self.bytes, start: self.held.start, size: self.held.size, end };
            let need = match decoder.resume(plan, &window) {
                Progress::Done => return Look::Done,
                Progress::Pause => None,
                Progress::Need(need) => Some(need),
            };
            let refused = if self.began.elapsed() > limits.file_time_limit {
                Refused { code: FileCode::TimedOut, reason: TIMED_OUT.into() }
            } else {
                match need.map_or(Ok(None), |need| self.ask(need, more, limits.header_limit)) {
                    Ok(Some(piece)) => return Look::Fetch(piece),
                    Ok(None) => continue,
                    Err(refused) => refused,
                }
            };
            decoder.stop(plan, refused.code, refused.reason);
            return Look::Done;
        }
    }
}
