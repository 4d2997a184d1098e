//! A unit of files into rows.

use std::sync::Arc;

use crate::drive::{ByteSource, Driver, LocalFile, ReadingLimits, Refused};
use crate::header::{HeaderDecoder, Plan};
use crate::json::JsonRecorder;
use crate::recorder::Recorder;
use crate::table::{Batches, FileFacts, UnitRows};
use crate::value::typed::ReadColumn;
use crate::wanted::Step;

/// What to read of files, made once for all units.
#[derive(Debug)]
pub struct ScanPlan {
    plan: Plan,
    columns: Arc<Vec<ReadColumn>>,
    limits: ReadingLimits,
    headers: bool,
}

/// A file to be read.
#[derive(Clone, Copy, Debug)]
pub struct FileToRead<'a> {
    /// Its key.
    pub url: &'a str,
    /// In bytes, as its listing says.
    pub size: Option<u64>,
}

/// Opens what is no local file.
pub type OpenSource<'a> = dyn FnMut(FileToRead<'_>) -> Result<Box<dyn ByteSource>, Refused> + 'a;

impl ScanPlan {
    /// A plan of columns, each with the path to its element; `headers` asks for `header_json`.
    #[must_use]
    pub fn new(columns: Vec<(ReadColumn, Vec<Step>)>, limits: ReadingLimits, headers: bool) -> Self {
        let (columns, paths): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        Self { plan: Plan::new(&paths), columns: Arc::new(columns), limits, headers }
    }

    /// The plan of a header.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A decoder for files of this plan.
    #[must_use]
    pub fn decoder(&self) -> HeaderDecoder {
        HeaderDecoder::new(&self.plan, self.limits.header_limit)
    }

    /// A driver for files of this plan.
    #[must_use]
    pub fn driver(&self) -> Driver {
        Driver::new(self.limits)
    }

    /// Rows for files of this plan.
    #[must_use]
    pub fn rows(&self) -> UnitRows {
        UnitRows::new(&self.columns)
    }

    /// Reads the headers of files, one after the other; no file and no value in it fails the call.
    pub fn scan<'a>(&self, files: impl Iterator<Item = FileToRead<'a>>, open: &mut OpenSource<'_>) -> Batches {
        let mut decoder = self.decoder();
        let mut driver = self.driver();
        let mut rows = self.rows();
        for (number, file) in (0..).zip(files) {
            let recorder = self.headers.then(|| Recorder::Json(JsonRecorder::default()));
            let reading = match local_path(file.url) {
                Some(path) => match LocalFile::open(&path) {
                    Ok(mut local) => driver.read(&mut decoder, &self.plan, recorder, Ok(&mut local)),
                    Err(refused) => driver.read(&mut decoder, &self.plan, recorder, Err(refused)),
                },
                None => match open(file) {
                    Ok(mut source) => driver.read(&mut decoder, &self.plan, recorder, Ok(source.as_mut())),
                    Err(refused) => driver.read(&mut decoder, &self.plan, recorder, Err(refused)),
                },
            };
            let facts = FileFacts {
                number,
                url: file.url,
                size: file.size.or(reading.size),
                bytes_read: reading.bytes_read,
                requests: reading.requests,
            };
            rows.add(&facts, &mut decoder.header);
        }
        rows.finish()
    }
}

/// The path of a local url as the bytes that the file system knows: `\\` is a backslash, `\xHH` a byte. None for what has a scheme.
#[must_use]
pub fn local_path(url: &str) -> Option<std::borrow::Cow<'_, [u8]>> {
    if has_scheme(url) {
        return None;
    }
    if !url.contains('\\') {
        return Some(url.as_bytes().into());
    }
    let mut path = Vec::with_capacity(url.len());
    let mut rest = url.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        (rest, _) = match (byte, behind) {
            (b'\\', [b'\\', behind @ ..]) => (behind, path.push(b'\\')),
            (b'\\', [b'x', high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (behind, path.push(high << 4 | low)),
                _ => (behind_of(rest), path.push(b'\\')),
            },
            _ => (behind, path.push(*byte)),
        };
    }
    Some(path.into())
}

fn behind_of(rest: &[u8]) -> &[u8] {
    rest.get(1..).unwrap_or_default()
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a url begins with a scheme: a letter, then letters, digits, `+`, `.`, `-`, and `://` or `::`.
fn has_scheme(url: &str) -> bool {
    let bytes = url.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let end = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'.' | b'-'));
    let rest = end.and_then(|end| bytes.get(end..)).unwrap_or_default();
    rest.starts_with(b"://") || rest.starts_with(b"::")
}
