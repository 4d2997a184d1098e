//! What every input is held to. A check that fails panics, which is what fuzzers look for.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use dicomlake_core::error::FileCode;
use dicomlake_core::table::Batches;
use serde::de::IgnoredAny;

use crate::scanning::{Manner, Outcome, Scanner};

/// The bound of the project: no input of n bytes allocates more than 64 n and 8 MiB, beyond what was inflated.
const BYTES_A_BYTE: usize = 64;
const BYTES_BESIDE: usize = 8 << 20;

/// The most findings of one file.
const FINDINGS: usize = 256;

/// Columns of `files` that say how an input was read and not what it is.
const OF_READING: [&str; 2] = ["bytes_read", "requests"];

/// Holds an input by itself to everything.
pub fn one(scanner: &Scanner, input: &[u8]) {
    let manners = Manner::pair(input);
    let answers = manners.map(|manner| {
        let (outcome, batches) = scanner.scan(input, manner);
        assert!(
            outcome.peak <= most_bytes(scanner, input.len(), outcome.deflated),
            "{} bytes are allocated for {} ({manner:?})",
            outcome.peak,
            input.len()
        );
        outcome_of(&outcome, input);
        rows(&batches, 1);
        (outcome, batches)
    });
    let [(one, rows), (other, other_rows)] = &answers;
    same(rows, other_rows, &manners);
    assert_eq!(one.tree, other.tree, "the tree depends on how the file is read: {manners:?}");
    // Of a source that does not say its size the answer may be another, but it is one.
    let (outcome, batches) = scanner.scan(input, Manner { knows_size: false, ..manners[0] });
    outcome_of(&outcome, input);
    self::rows(&batches, 1);
}

/// The most bytes that may be allocated for an input.
#[must_use]
pub fn most_bytes(scanner: &Scanner, length: usize, deflated: bool) -> usize {
    // Nothing inflates to more than 1032 times its size (RFC 1951).
    let inflated = if deflated { (length * 1032).min(scanner.header_limit() as usize) } else { 0 };
    (length + inflated) * BYTES_A_BYTE + BYTES_BESIDE
}

/// Holds what is beside the rows of an input to what it should be.
pub fn outcome_of(outcome: &Outcome, input: &[u8]) {
    assert!(outcome.reading.bytes_read <= input.len() as u64, "more bytes are read than there are");
}

/// Holds the rows of a unit of inputs to what they should be.
pub fn rows(batches: &Batches, inputs: usize) {
    let (mut files, mut indexed) = (0, 0);
    for batch in &batches.files {
        files += batch.num_rows();
        let text = |name: &str| batch.column_by_name(name).expect("a column of files").as_string::<i32>();
        for (status, code) in text("status").iter().zip(text("code")) {
            indexed += usize::from(status == Some("indexed"));
            assert!(code.is_none_or(|code| FileCode::of(code).is_some()), "{code:?} is no code");
            let fits = match status {
                Some("indexed") => true,
                Some("not_dicom" | "skipped" | "failed") => code.is_some(),
                _ => false,
            };
            assert!(fits, "{status:?} with code {code:?}");
        }
    }
    assert_eq!(files, inputs, "a file is a row");
    assert_eq!(count(&batches.instances), indexed, "what is indexed is an instance");
    assert!(count(&batches.findings) <= inputs * FINDINGS, "too many findings");
    for batch in &batches.instances {
        for json in batch.column_by_name("header_json").expect("a column of instances").as_string::<i32>().iter().flatten() {
            is_json(json);
        }
    }
}

/// Holds the rows of inputs read in two manners to be the same.
pub fn same(rows: &Batches, other: &Batches, manners: &[Manner; 2]) {
    let files = |batches: &Batches| batches.files.iter().map(less_reading).collect::<Vec<_>>();
    assert_eq!(files(rows), files(other), "files depend on how they are read: {manners:?}");
    assert_eq!(rows.instances, other.instances, "instances depend on how files are read: {manners:?}");
    assert_eq!(rows.findings, other.findings, "findings depend on how files are read: {manners:?}");
}

fn less_reading(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let kept = (0..batch.num_columns()).filter(|at| !OF_READING.contains(&schema.field(*at).name().as_str()));
    batch.project(&kept.collect::<Vec<_>>()).expect("columns that there are")
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

fn is_json(text: &str) {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let read: Result<IgnoredAny, _> = serde::Deserialize::deserialize(&mut reader);
    read.and_then(|_| reader.end()).unwrap_or_else(|error| panic!("header_json is no JSON: {error}"));
}
