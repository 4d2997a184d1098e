//! What every input is held to. A check that fails panics, which is what fuzzers look for.

use std::fmt::Debug;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use dicomlake_core::error::FileCode;
use dicomlake_core::table::Batches;
use serde::de::IgnoredAny;

use crate::scanning::{Manner, Outcome, Scanner};

/// The bound of the project is that no input of n bytes allocates more than 64 n and 8 MiB, where what was inflated counts as input. Fuzzers
/// make small inputs, which hardly come to 8 MiB: they are held to 64 n and 4 MiB, of which the empty columns of a unit are 3.
const BYTES_A_BYTE: usize = 64;
const BYTES_BESIDE: usize = 4 << 20;

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
        for json in
            batch.column_by_name("header_json").expect("a column of instances").as_string::<i32>().iter().flatten()
        {
            is_json(json);
        }
    }
}

/// Status and code of every file.
pub fn codes(files: &RecordBatch) -> Vec<String> {
    let text = |name: &str| files.column_by_name(name).expect("a column of files").as_string::<i32>();
    text("status")
        .iter()
        .zip(text("code"))
        .map(|(status, code)| [status.unwrap_or_default(), code.unwrap_or("sound")].join(" "))
        .collect()
}

/// Holds the rows of inputs read in two manners to be the same.
pub fn same(rows: &Batches, other: &Batches, manners: &[Manner; 2]) {
    let files = |batches: &Batches| batches.files.iter().map(less_reading).collect::<Vec<_>>();
    assert_eq!(files(rows), files(other), "files depend on how they are read: {manners:?}");
    assert_eq!(rows.instances, other.instances, "instances depend on how files are read: {manners:?}");
    assert_eq!(rows.findings, other.findings, "findings depend on how files are read: {manners:?}");
    assert_eq!(rows.taken, other.taken, "rows of takers depend on how files are read: {manners:?}");
}

/// Holds the rows of a unit to be those of the same unit read backwards.
pub fn same_reversed(rows: &Batches, backwards: &Batches, inputs: usize) {
    let (files, files_backwards) = (only(&rows.files), only(&backwards.files));
    let (files, files_backwards) = (less_reading(files), less_reading(files_backwards));
    for at in 0..inputs {
        assert_eq!(
            files.slice(at, 1),
            files_backwards.slice(inputs - 1 - at, 1),
            "file {at} depends on those before it"
        );
    }
    let (instances, instances_backwards) = (only(&rows.instances), only(&backwards.instances));
    let count = instances.num_rows();
    assert_eq!(count, instances_backwards.num_rows());
    for at in 0..count {
        let (one, other) = (instances.slice(at, 1), instances_backwards.slice(count - 1 - at, 1));
        assert_eq!(one, other, "instance {at} depends on those before it");
    }
    let (findings, findings_backwards) = (only(&rows.findings), only(&backwards.findings));
    let urls = findings.column_by_name("url").expect("a column of findings").as_string::<i32>();
    let urls: Vec<&str> = urls.iter().flatten().collect();
    same_by_file("findings", findings, findings_backwards, &urls);
    for ((name, taken), (_, taken_backwards)) in rows.taken.iter().zip(&backwards.taken) {
        let (taken, taken_backwards) = (only(taken), only(taken_backwards));
        let files = taken.column_by_name("file").expect("the number of a file").as_primitive::<Int64Type>();
        same_by_file(name, taken, taken_backwards, files.values());
    }
}

/// Holds rows, of which those of one file stay in order, to be those of the same files backwards.
fn same_by_file<T: PartialEq + Debug>(table: &str, rows: &RecordBatch, backwards: &RecordBatch, files: &[T]) {
    let mut end = backwards.num_rows();
    assert_eq!(rows.num_rows(), end);
    assert_eq!(files.len(), end);
    let mut at = 0;
    while at < files.len() {
        let count = files[at..].iter().take_while(|file| **file == files[at]).count();
        end -= count;
        let (one, other) = (rows.slice(at, count), backwards.slice(end, count));
        assert_eq!(one, other, "{table} of {:?} depend on the files before it", files[at]);
        at += count;
    }
}

fn only(batches: &[RecordBatch]) -> &RecordBatch {
    let [batch] = batches else { panic!("{} batches for a few small files", batches.len()) };
    batch
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
