//! Bytes through the path of a real file: a source, the driver, the decoder, rows.

use std::time::Duration;

use dicomlake_core::drive::{ByteSource, Driver, Reading, ReadingLimits, Refused};
use dicomlake_core::header::HeaderDecoder;
use dicomlake_core::json::JsonRecorder;
use dicomlake_core::recorder::Recorder;
use dicomlake_core::scan::ScanPlan;
use dicomlake_core::table::{Batches, FileFacts, UnitRows};
use dicomlake_core::tree::{Node, TreeRecorder};
use rustix::time::{ClockId, clock_gettime};

use crate::{allocation, columns};

/// Who is told of the whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nobody.
    Nobody,
    /// `header_json`.
    Json,
    /// The tree of `inspect`.
    Tree,
}

/// How an input is read.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Who is told of the whole header.
    pub told: Told,
    /// Bytes to read first.
    pub first_read: u64,
    /// Whether the source says its size.
    pub knows_size: bool,
}

impl Manner {
    /// Two manners that must give one answer, chosen by the last byte of an input. It is part of the input all the same, so that an input
    /// is a file like any other; mostly it stands in pixel data.
    #[must_use]
    pub fn pair(input: &[u8]) -> [Self; 2] {
        const FIRST_READS: [u64; 6] = [256, 300, 1000, 4096, 16 * 1024, 128 * 1024];
        let choice = usize::from(input.last().copied().unwrap_or(0));
        let told = [Told::Nobody, Told::Json, Told::Tree][choice % 3];
        let first = choice / 3 % FIRST_READS.len();
        let second = (first + 1 + choice / 18 % (FIRST_READS.len() - 1)) % FIRST_READS.len();
        [first, second].map(|at| Self { told, first_read: FIRST_READS[at], knows_size: true })
    }
}

/// What became of an input, less its rows.
#[derive(Debug)]
pub struct Outcome {
    /// What was read.
    pub reading: Reading,
    /// The tree, where it was asked for.
    pub tree: Option<Vec<Node>>,
    /// The most bytes allocated at once.
    pub peak: usize,
    /// Whether the data set is deflated.
    pub deflated: bool,
    /// How long it took, in time of the processor.
    pub took: Duration,
}

/// Reads inputs.
#[derive(Debug)]
pub struct Scanner {
    plan: ScanPlan,
    limits: ReadingLimits,
}

impl Scanner {
    /// One that inflates and reads no more than `header_limit` bytes of an input.
    #[must_use]
    pub fn new(header_limit: u64) -> Self {
        let limits = ReadingLimits { first_read: 0, header_limit, file_time_limit: Duration::from_secs(600) };
        Self { plan: ScanPlan::new(columns::all(), limits, false).with_takers(columns::takers()), limits }
    }

    /// The most bytes inflated of an input.
    #[must_use]
    pub const fn header_limit(&self) -> u64 {
        self.limits.header_limit
    }

    /// Reads an input as a file by itself.
    #[must_use]
    pub fn scan(&self, input: &[u8], manner: Manner) -> (Outcome, Batches) {
        let live = allocation::live();
        let began = cpu_time();
        let (mut outcomes, batches) = self.unit(&[input], manner, false);
        let outcome = outcomes.pop().expect("an input");
        // Of the whole: making the columns, the input, and their end.
        let peak = allocation::peak().saturating_sub(live);
        (Outcome { peak, took: cpu_time() - began, ..outcome }, batches)
    }

    /// Reads inputs as the files of one unit, as they come or backwards. The number and the url of a file are its place in `inputs`.
    #[must_use]
    pub fn unit(&self, inputs: &[&[u8]], manner: Manner, backwards: bool) -> (Vec<Outcome>, Batches) {
        let mut driver = Driver::new(ReadingLimits { first_read: manner.first_read, ..self.limits });
        let mut decoder = HeaderDecoder::new(self.plan.plan(), self.limits.header_limit);
        let mut rows = self.plan.rows();
        let mut outcomes = vec![];
        for at in 0..inputs.len() {
            let number = if backwards { inputs.len() - 1 - at } else { at };
            outcomes.push(self.add(inputs[number], manner, number, &mut driver, &mut decoder, &mut rows));
        }
        (outcomes, rows.finish().expect("no fault of our own"))
    }

    fn add(
        &self,
        input: &[u8],
        manner: Manner,
        number: usize,
        driver: &mut Driver,
        decoder: &mut HeaderDecoder,
        rows: &mut UnitRows,
    ) -> Outcome {
        let live = allocation::begin_peak();
        let began = cpu_time();
        let mut source = Memory { bytes: input, knows_size: manner.knows_size, read_to: 0, read: 0 };
        let recorder = match manner.told {
            Told::Nobody => None,
            Told::Json => Some(Recorder::Json(JsonRecorder::default())),
            Told::Tree => Some(Recorder::Tree(TreeRecorder::default())),
        };
        let reading = driver.read(decoder, self.plan.plan(), recorder, Ok(&mut source));
        assert_eq!(reading.bytes_read, source.read, "bytes read are not counted as they should");
        let deflated = decoder.header.is_deflated();
        let mut tree = None;
        if let Some(Recorder::Tree(_)) = &decoder.header.recorder
            && let Some(Recorder::Tree(told)) = decoder.header.recorder.take()
        {
            tree = Some(told.nodes);
        }
        let url = number.to_string();
        let facts = FileFacts {
            number: number as u64,
            url: &url,
            size: Some(input.len() as u64),
            bytes_read: reading.bytes_read,
            requests: reading.requests,
        };
        rows.add(&facts, &mut decoder.header);
        Outcome { reading, tree, peak: allocation::peak().saturating_sub(live), deflated, took: cpu_time() - began }
    }
}

/// What this thread has worked: unlike the time of day it does not depend on what else the machine does.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("a time after the start")
}

/// A file in memory, which holds its reader to reading forwards and no byte twice.
struct Memory<'a> {
    bytes: &'a [u8],
    knows_size: bool,
    read_to: u64,
    read: u64,
}

impl ByteSource for Memory<'_> {
    fn size(&self) -> Option<u64> {
        self.knows_size.then_some(self.bytes.len() as u64)
    }

    fn read(&mut self, offset: u64, into: &mut [u8], requests: &mut u64) -> Result<usize, Refused> {
        *requests += 1;
        assert!(offset >= self.read_to, "bytes are read twice: at {offset} after {}", self.read_to);
        let rest = usize::try_from(offset).ok().and_then(|at| self.bytes.get(at..)).unwrap_or_default();
        let came = rest.len().min(into.len());
        into[..came].copy_from_slice(&rest[..came]);
        self.read_to = offset + came as u64;
        self.read += came as u64;
        Ok(came)
    }
}
