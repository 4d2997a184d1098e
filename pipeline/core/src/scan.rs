//! A unit of files into rows.

#[cfg(feature = "stores")]
mod remote;

mod side_by_side;

use std::sync::Arc;

use crate::drive::{ByteSource, Driver, LastFolder, LocalFile, Pace, Reading, ReadingLimits, Refused};
use crate::header::{HeaderDecoder, Plan};
use crate::json::JsonRecorder;
use crate::recorder::Recorder;
use crate::table::{BATCH_BYTES, Batches, Fault, FileFacts, UnitRows};
use crate::taker::TakerKind;
use crate::value::typed::ReadColumn;
use crate::wanted::Step;
use side_by_side::{Numbered, local_stretch};

/// A plan of the columns to read, made once for all units.
#[derive(Debug)]
pub struct ScanPlan {
    plan: Plan,
    columns: Arc<Vec<ReadColumn>>,
    limits: ReadingLimits,
    headers: bool,
    batch_bytes: usize,
    in_flight: usize,
}

/// A file to be read.
#[derive(Clone, Copy, Debug)]
pub struct FileToRead<'a> {
    /// Its key.
    pub url: &'a str,
    /// In bytes, as its listing says.
    pub size: Option<u64>,
}

/// The surroundings of a scan.
pub trait Surroundings {
    /// Opens what is no local file.
    ///
    /// # Errors
    /// It can't be opened.
    fn open(&mut self, file: FileToRead<'_>) -> Result<Box<dyn ByteSource>, Refused>;

    /// Whether to go on; asked before each file.
    fn goes_on(&mut self) -> bool;

    /// Takes note that a file has ended, well or not.
    fn note_file(&mut self) {}
}

impl ScanPlan {
    /// A plan of columns, each with the path to its element; `headers` asks for `header_json`.
    #[must_use]
    pub fn new(columns: Vec<(ReadColumn, Vec<Step>)>, limits: ReadingLimits, headers: bool) -> Self {
        let (columns, paths): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        Self {
            plan: Plan::new(&paths),
            columns: Arc::new(columns),
            limits,
            headers,
            batch_bytes: BATCH_BYTES,
            in_flight: 1,
        }
    }

    /// The same, with up to so many requests to stores on their way at one time, and so many local files where the disk is slow. Rows come in the order in which files end.
    #[must_use]
    pub fn with_in_flight(self, in_flight: usize) -> Self {
        Self { in_flight, ..self }
    }

    /// The same, with batches of about so many bytes at most.
    #[must_use]
    pub fn with_batch_bytes(self, batch_bytes: usize) -> Self {
        Self { batch_bytes, ..self }
    }

    /// The same, with tables that row takers fill.
    #[must_use]
    pub fn with_takers(self, kinds: Vec<Arc<dyn TakerKind>>) -> Self {
        Self { plan: self.plan.with_takers(kinds), ..self }
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
        UnitRows::new(&self.columns, self.plan.takers(), self.batch_bytes)
    }

    /// Reads the headers of files, one after the other, as long as the surroundings say so; no file and no value in it fails the call.
    ///
    /// # Errors
    /// A fault of our own: rows can't be put into batches.
    pub fn scan<'a>(
        &self,
        files: impl Iterator<Item = FileToRead<'a>>,
        surroundings: &mut dyn Surroundings,
    ) -> Result<Batches, Fault> {
        let mut rows = self.rows();
        let files = (0..).zip(files).map(|(number, file)| (number, file, Reading::default()));
        self.scan_into(&mut rows, files, surroundings);
        rows.finish()
    }

    /// Adds the rows of files, each with its number and what was spent on it already.
    fn scan_into<'a>(
        &self,
        rows: &mut UnitRows,
        files: impl Iterator<Item = (u64, FileToRead<'a>, Reading)>,
        surroundings: &mut dyn Surroundings,
    ) {
        let mut files = files.peekable();
        let mut decoder = self.decoder();
        let mut driver = self.driver();
        let mut last_folder = LastFolder::default();
        let mut pace = Pace::new(self.in_flight);
        while let Some(numbered) = files.peek().copied() {
            if !surroundings.goes_on() {
                break;
            }
            if pace.note_file()
                && let (threads, most) = pace.stretch()
                && let stretch = local_stretch(&mut files, most)
                && !stretch.is_empty()
            {
                // The last row may be that of any file.
                decoder.header.gathered.forget_all();
                if self.read_side_by_side(rows, &stretch, threads, &mut driver, &mut pace, surroundings) {
                    continue;
                }
                // No thread could be started.
                pace = Pace::new(1);
                for (numbered, _) in stretch {
                    if !surroundings.goes_on() {
                        break;
                    }
                    self.read_alone(rows, numbered, &mut driver, &mut decoder, &mut last_folder, surroundings);
                }
                continue;
            }
            files.next();
            self.read_alone(rows, numbered, &mut driver, &mut decoder, &mut last_folder, surroundings);
        }
    }

    fn read_alone(
        &self,
        rows: &mut UnitRows,
        (number, file, spent): Numbered<'_>,
        driver: &mut Driver,
        decoder: &mut HeaderDecoder,
        last_folder: &mut LastFolder,
        surroundings: &mut dyn Surroundings,
    ) {
        let reading = self.read(file, self.recorder(), driver, decoder, last_folder, surroundings);
        rows.add(&facts_of(number, &file, spent, reading), &mut decoder.header);
        surroundings.note_file();
    }

    fn recorder(&self) -> Option<Recorder> {
        self.headers.then(|| Recorder::Json(JsonRecorder::default()))
    }

    /// Reads the header of one file into the decoder, from wherever it is.
    pub fn read(
        &self,
        file: FileToRead<'_>,
        recorder: Option<Recorder>,
        driver: &mut Driver,
        decoder: &mut HeaderDecoder,
        last_folder: &mut LastFolder,
        surroundings: &mut dyn Surroundings,
    ) -> Reading {
        let mut source: Result<Box<dyn ByteSource>, Refused> = match local_path(file.url) {
            Some(path) => match LocalFile::open(&path, file.size, last_folder) {
                // The usual way, without a box.
                Ok(mut local) => return driver.read(decoder, &self.plan, recorder, Ok(&mut local)),
                Err(refused) => Err(refused),
            },
            None => surroundings.open(file),
        };
        let source =
            source.as_mut().map(|source| source.as_mut() as &mut dyn ByteSource).map_err(|refused| refused.clone());
        driver.read(decoder, &self.plan, recorder, source)
    }
}

fn facts_of<'a>(number: u64, file: &FileToRead<'a>, spent: Reading, reading: Reading) -> FileFacts<'a> {
    FileFacts {
        number,
        url: file.url,
        size: file.size.or(reading.size),
        bytes_read: reading.bytes_read.saturating_add(spent.bytes_read),
        requests: reading.requests.saturating_add(spent.requests),
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
