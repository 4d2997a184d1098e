//! What the driver fetches: no byte twice, none that was jumped over, never more than `header_limit`, and only as much as there is.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

mod files;

use std::time::Duration;

use dicomlake_core::drive::{ByteSource, Driver, Reading, ReadingLimits, Refused};
use dicomlake_core::error::FileCode;
use dicomlake_core::header::HeaderDecoder;
use files::{E, EXPLICIT, LIMIT, Random, answer, damaged, decode_whole, part10, plan, samples};

/// Bytes in memory that refuse what a driver must not ask for.
struct Guarded {
    data: Vec<u8>,
    tells_size: bool,
    /// The size of a listing, which may be wrong.
    listed: Option<u64>,
    /// Where the next read may begin.
    next: u64,
    fetched: u64,
    reads: u64,
    fails_at: Option<u64>,
}

impl Guarded {
    fn new(data: &[u8]) -> Self {
        Self { data: data.to_vec(), tells_size: true, listed: None, next: 0, fetched: 0, reads: 0, fails_at: None }
    }
}

impl ByteSource for Guarded {
    fn size(&self) -> Option<u64> {
        self.tells_size.then_some(self.listed.unwrap_or(self.data.len() as u64))
    }

    fn size_is_claimed(&self) -> bool {
        self.listed.is_some()
    }

    fn look_at_size(&mut self) -> Result<Option<u64>, Refused> {
        self.next = 0; // bytes may be fetched again
        Ok(Some(self.data.len() as u64))
    }

    fn read(&mut self, offset: u64, into: &mut [u8], requests: &mut u64) -> Result<usize, Refused> {
        assert!(offset >= self.next, "bytes from {offset} on are fetched, and those up to {} were", self.next);
        if self.fails_at.is_some_and(|at| offset + into.len() as u64 > at) {
            return Err(Refused { code: FileCode::Unreadable, reason: "gone".into() });
        }
        let rest = self.data.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let came = rest.len().min(into.len());
        assert!(came > 0 || !self.tells_size || self.listed.is_some(), "bytes are fetched after the end");
        into[..came].copy_from_slice(&rest[..came]);
        self.next = offset + came as u64;
        self.fetched += came as u64;
        self.reads += 1;
        *requests += 1;
        Ok(came)
    }
}

fn limits(first_read: u64, header_limit: u64) -> ReadingLimits {
    ReadingLimits { first_read, header_limit, file_time_limit: Duration::from_secs(60) }
}

fn read(source: &mut Guarded, limits: ReadingLimits) -> (String, Reading, Option<FileCode>) {
    let plan = plan();
    let mut decoder = HeaderDecoder::new(&plan, limits.header_limit);
    let reading = Driver::new(limits).read(&mut decoder, &plan, None, Ok(source));
    let code = decoder.header.found.defect.as_ref().map(|defect| defect.code);
    (answer(&mut decoder), reading, code)
}

fn whole(data: &[u8]) -> String {
    let plan = plan();
    let mut decoder = HeaderDecoder::new(&plan, LIMIT);
    decoder.begin(None);
    decode_whole(&mut decoder, &plan, data);
    answer(&mut decoder)
}

#[test]
fn each_byte_is_fetched_once_and_the_answer_is_the_same() {
    let mut random = Random(4);
    for (name, sound) in samples() {
        let expected = whole(&sound);
        for first_read in [256, 300, 1000, 16_384, 1 << 20] {
            let mut source = Guarded::new(&sound);
            let (answer, reading, _) = read(&mut source, limits(first_read, LIMIT));
            assert_eq!(answer, expected, "{name}, {first_read} at first");
            assert_eq!((reading.bytes_read, reading.requests), (source.fetched, source.reads), "{name}");
            let data = damaged(&mut random, &sound);
            let (answer, ..) = read(&mut Guarded::new(&data), limits(first_read, LIMIT));
            assert_eq!(answer, whole(&data), "{name} damaged, {first_read} at first");
        }
    }
}

#[test]
fn a_large_value_that_nobody_wants_is_jumped_over() {
    let (before, behind) = (E.keys(), E.element(0x0062_0005, "LO", "end"));
    let data = part10(EXPLICIT, &[before, E.element(0x0042_0011, "OB", vec![0; 5 << 20]), behind].concat());
    let mut source = Guarded::new(&data);
    let (answer, reading, code) = read(&mut source, limits(4096, LIMIT));
    assert_eq!(code, None);
    assert_eq!(answer, whole(&data));
    assert!(reading.bytes_read < 16_384 && reading.requests == 2, "{reading:?}");
}

#[test]
fn pixels_are_never_fetched() {
    let data = part10(EXPLICIT, &[E.keys(), E.element(0x7FE0_0010, "OW", vec![0; 5 << 20])].concat());
    let (_, reading, _) = read(&mut Guarded::new(&data), limits(4096, LIMIT));
    assert_eq!((reading.bytes_read, reading.requests), (4096, 1));
}

#[test]
fn no_more_than_the_limit_is_fetched() {
    let data = part10(
        EXPLICIT,
        &[E.keys(), E.element(0x0010_0020, "UT", vec![b'x'; 100_000]), E.element(0x0020_0013, "IS", "7")].concat(),
    );
    for first_read in [256, 5000, 1 << 20] {
        for limit in [256, 1000, 8192, 99_000] {
            let mut source = Guarded::new(&data);
            let (_, _, code) = read(&mut source, limits(first_read, limit));
            assert_eq!(code, Some(FileCode::HeaderTooLarge), "{first_read} at first, {limit} at most");
            assert!(source.fetched <= limit, "{first_read} at first, {limit} at most: {}", source.fetched);
        }
    }
}

#[test]
fn a_source_of_unknown_size_or_one_that_lies_ends_where_it_ends() {
    for (name, data) in samples().into_iter().filter(|(name, _)| !matches!(*name, "empty" | "a text")) {
        let mut source = Guarded::new(&data);
        source.tells_size = false;
        let (answer, reading, code) = read(&mut source, limits(300, LIMIT));
        if code.is_none() {
            assert_eq!(answer, whole(&data), "{name}");
        }
        assert!(reading.bytes_read <= data.len() as u64, "{name}");
    }
}

#[test]
fn what_was_read_before_a_source_fails_is_kept() {
    let data = part10(EXPLICIT, &[E.keys(), E.element(0x0010_0020, "UT", vec![b'x'; 100_000])].concat());
    let mut source = Guarded::new(&data);
    source.fails_at = Some(50_000);
    let (answer, _, code) = read(&mut source, limits(1024, LIMIT));
    assert_eq!(code, Some(FileCode::Unreadable));
    assert!(answer.contains("0: ") && answer.contains("gone"), "{answer}");
}

#[test]
fn a_file_takes_no_longer_than_it_may() {
    let data = part10(EXPLICIT, &[E.keys(), E.mark(files::ITEM_END, 0).repeat(50_000)].concat());
    let limits = ReadingLimits { file_time_limit: Duration::ZERO, ..limits(1 << 20, LIMIT) };
    let (answer, _, code) = read(&mut Guarded::new(&data), limits);
    assert_eq!(code, Some(FileCode::TimedOut));
    assert!(answer.contains("0: "), "{answer}");
}

#[test]
fn a_listing_with_another_size_changes_nothing() {
    let mut random = Random(7);
    let damaged_ones: Vec<_> =
        samples().into_iter().map(|(name, sound)| (name, damaged(&mut random, &sound))).collect();
    for (name, data) in samples().into_iter().chain(damaged_ones) {
        let size = data.len() as u64;
        for listed in [0, 1, 200, size / 2, size.saturating_sub(1), size, size + 1, size + 100_000] {
            for first_read in [256, 4096] {
                let mut source = Guarded { listed: Some(listed), ..Guarded::new(&data) };
                let (found, ..) = read(&mut source, limits(first_read, LIMIT));
                assert_eq!(found, whole(&data), "{name}: {size} bytes, listed as {listed}");
            }
        }
    }
}
