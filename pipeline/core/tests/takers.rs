//! Row takers: a table of one row for each item of a sequence, over files of all kinds, beside the other tables.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

mod files;
mod scanned;

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use dicomlake_core::drive::ReadingLimits;
use dicomlake_core::scan::ScanPlan;
use dicomlake_core::table::{Batches, entity_key};
use dicomlake_core::taker::ItemTable;
use dicomlake_core::value::typed::ReadColumn;
use dicomlake_core::vr::Vr;
use dicomlake_core::wanted::Step;
use files::{B, BIG_ENDIAN, DEFLATED, E, EXPLICIT, I, IMPLICIT, Random, Writer, damaged, deflated, part10};
use scanned::{Folder, batches_of, column};

/// SegmentSequence and SegmentLabel.
const SEQUENCE: u32 = 0x0062_0002;
const LABEL: u32 = 0x0062_0005;
/// A sequence that no taker asks for by its tag.
const OTHER: u32 = 0x0008_1140;

fn plan(takers: bool) -> ScanPlan {
    let columns = [
        column("SOPInstanceUID", 0x0008_0018, Vr::UI),
        column("StudyInstanceUID", 0x0020_000D, Vr::UI),
        column("SeriesInstanceUID", 0x0020_000E, Vr::UI),
        column("PatientID", 0x0010_0020, Vr::LO),
        column("PatientComments", 0x0010_4000, Vr::LT),
    ];
    let with_steps = |column: ReadColumn| {
        let steps = vec![Step { tag: column.tag, creator: None, item: None }];
        (column, steps)
    };
    let limits = ReadingLimits { first_read: 256, header_limit: 4 << 20, file_time_limit: Duration::from_secs(600) };
    let plan = ScanPlan::new(columns.into_iter().map(with_steps).collect(), limits, false);
    let labels = || vec![column("label", LABEL, Vr::LO)];
    let of = |name: &str, sequence| ItemTable { table: name.to_owned(), sequence, columns: labels() };
    if takers {
        plan.with_takers(vec![Arc::new(of("segments", Some(SEQUENCE))), Arc::new(of("items", None))])
    } else {
        plan
    }
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).unwrap().as_string::<i32>();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

/// The number of the file and the label of each row of a table.
fn rows(batches: &Batches, table: &str) -> Vec<(i64, Option<String>)> {
    let rows = batches_of(batches, table).iter().flat_map(|batch| {
        let numbers = batch.column_by_name("file").unwrap().as_primitive::<Int64Type>().values().to_vec();
        numbers.into_iter().zip(texts(batch, "label")).collect::<Vec<_>>()
    });
    rows.collect()
}

/// Keys, a sequence of two labelled items of which one holds another sequence, and a value behind.
fn data_set(writer: Writer, is_open: bool) -> Vec<u8> {
    let inner = [writer.item(&writer.element(LABEL, "LO", "inner"))];
    let label = |text: &str| writer.element(LABEL, "LO", text);
    let (first, second) = ([writer.sequence(OTHER, &inner), label("first")].concat(), label("second"));
    let sequence = if is_open {
        writer.open_sequence(SEQUENCE, &[writer.open_item(&first), writer.item(&second)])
    } else {
        writer.sequence(SEQUENCE, &[writer.item(&first), writer.item(&second)])
    };
    let other = writer.sequence(OTHER, &[writer.item(&label("other")), writer.item(&[])]);
    let study = writer.element(0x0020_000D, "UI", "1.2");
    [writer.element(0x0008_0018, "UI", "1.2.3"), other, writer.element(0x0010_0020, "LO", "P"), study, sequence]
        .concat()
}

fn owned(rows: &[(i64, Option<&str>)]) -> Vec<(i64, Option<String>)> {
    rows.iter().map(|(file, label)| (*file, label.map(str::to_owned))).collect()
}

#[test]
fn items_are_rows_in_every_transfer_syntax() {
    let folder = Folder::new("syntaxes");
    for (writer, syntax) in [(E, EXPLICIT), (I, IMPLICIT), (B, BIG_ENDIAN), (E, DEFLATED)] {
        for is_open in [false, true] {
            let content = data_set(writer, is_open);
            let file = part10(syntax, &if syntax == DEFLATED { deflated(&content) } else { content });
            let batches = folder.scan(&[file], &plan(true));
            assert_eq!(
                rows(&batches, "segments"),
                owned(&[(0, Some("first")), (0, Some("second"))]),
                "{syntax} {is_open}"
            );
            let items = [Some("other"), None, Some("first"), Some("inner"), Some("second")].map(|label| (0, label));
            assert_eq!(rows(&batches, "items"), owned(&items), "{syntax} {is_open}");
        }
    }
}

#[test]
fn rows_have_the_keys_of_their_instance() {
    let batches = Folder::new("keys").scan(&[part10(EXPLICIT, &data_set(E, false))], &plan(true));
    let batch = &batches.taken[0].1[0];
    let of = |name: &str| texts(batch, name)[1].clone().unwrap();
    assert_eq!(
        (of("SOPInstanceUID"), of("PatientID"), of("StudyInstanceUID")),
        ("1.2.3".into(), "P".into(), "1.2".into())
    );
    assert_eq!(of("patient_key"), entity_key([None, Some("P")]));
    assert_eq!(of("study_key"), entity_key([Some("1.2")]));
    assert_eq!(of("series_key"), entity_key([Some("1.2"), None]));
    assert!(texts(batch, "SeriesInstanceUID").iter().all(Option::is_none));
}

#[test]
fn a_file_without_the_sequence_or_without_a_row_has_none() {
    let bare = part10(EXPLICIT, &E.keys());
    let without_key = part10(EXPLICIT, &E.sequence(SEQUENCE, &[E.item(&E.element(LABEL, "LO", "lost"))]));
    let empty = part10(EXPLICIT, &[E.keys(), E.sequence(SEQUENCE, &[])].concat());
    let whole = part10(EXPLICIT, &data_set(E, false));
    let batches = Folder::new("without").scan(&[bare, without_key, empty, b"no DICOM".to_vec(), whole], &plan(true));
    assert_eq!(rows(&batches, "segments"), owned(&[(4, Some("first")), (4, Some("second"))]));
}

#[test]
fn takers_change_nothing_in_other_tables() {
    let folder = Folder::new("others");
    let whole = [(E, EXPLICIT, true), (E, EXPLICIT, false), (I, IMPLICIT, true), (B, BIG_ENDIAN, false)];
    let mut files: Vec<Vec<u8>> =
        whole.into_iter().map(|(writer, syntax, open)| part10(syntax, &data_set(writer, open))).collect();
    let mut random = Random(7);
    for number in 0..400 {
        let whole = files[number % 4].clone();
        files.push(damaged(&mut random, &whole));
    }
    for length in (0..files[0].len()).step_by(7) {
        files.push(files[0][..length].to_vec());
    }
    let (with, without) = (folder.scan(&files, &plan(true)), folder.scan(&files, &plan(false)));
    assert_eq!(with.files, without.files);
    assert_eq!(with.instances, without.instances);
    assert_eq!(with.findings, without.findings);
    assert!(without.taken.is_empty());
    let indexed: Vec<i64> = with
        .instances
        .iter()
        .flat_map(|batch| batch.column_by_name("file").unwrap().as_primitive::<Int64Type>().values().to_vec())
        .collect();
    let taken = rows(&with, "items");
    assert!(taken.len() > 400);
    assert!(taken.iter().all(|(file, _)| indexed.contains(file)));
    assert!(taken.is_sorted_by_key(|(file, _)| *file));
}
