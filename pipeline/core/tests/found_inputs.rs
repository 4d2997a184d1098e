//! Every input that fuzzing, or thinking of the worst, has found (`fuzz/found`), read again: each is a row, soon.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use dicomlake_core::drive::{ByteSource, ReadingLimits, Refused};
use dicomlake_core::scan::{FileToRead, ScanPlan, Surroundings};
use dicomlake_core::table::Batches;
use dicomlake_core::value::DictionaryVr;
use dicomlake_core::value::typed::{ItemType, ReadColumn};
use dicomlake_core::vr::{Letters, Vr};
use dicomlake_core::wanted::{ItemChoice, Step};

/// Name, path as tags of which those with `*` are gathered over, VR, type, and whether it is a list.
type Column = (&'static str, &'static [(u32, bool)], Vr, ItemType, bool);

/// Columns that the inputs mean to strain.
const COLUMNS: [Column; 12] = [
    ("SOPInstanceUID", &[(0x0008_0018, false)], Vr::UI, ItemType::Text, false),
    ("SOPClassUID", &[(0x0008_0016, false)], Vr::UI, ItemType::Text, false),
    ("PatientID", &[(0x0010_0020, false)], Vr::LO, ItemType::Text, false),
    ("PatientBirthDate", &[(0x0010_0030, false)], Vr::DA, ItemType::Date, false),
    ("ImageType", &[(0x0008_0008, false)], Vr::CS, ItemType::Text, true),
    ("OperatorsName", &[(0x0008_1070, false)], Vr::PN, ItemType::Text, true),
    ("InstanceNumber", &[(0x0020_0013, false)], Vr::IS, ItemType::Int64, false),
    ("ImageComments", &[(0x0020_4000, false)], Vr::LT, ItemType::Text, false),
    ("SliceThickness", &[(0x0018_0050, false)], Vr::DS, ItemType::Float64, true),
    ("Labels", &[(0x0062_0002, true), (0x0062_0005, false)], Vr::LO, ItemType::Text, true),
    ("Numbers", &[(0x0062_0002, true), (0x0062_0004, false)], Vr::US, ItemType::Int32, true),
    ("References", &[(0x0008_2112, true), (0x0008_1155, false)], Vr::UI, ItemType::Text, true),
];

/// The most bytes of text that a column of findings may hold for one small file.
const FINDINGS_TEXT_LIMIT: usize = 2 << 20;

fn plan(headers: bool) -> ScanPlan {
    let columns = COLUMNS.into_iter().map(|(name, path, vr, item, is_list)| {
        let steps: Vec<Step> = path
            .iter()
            .map(|(tag, every)| Step { tag: *tag, creator: None, item: every.then_some(ItemChoice::Every) })
            .collect();
        let tag = steps.last().map_or(0, |step| step.tag);
        let expected: Vec<Letters> = vec![vr.name().as_bytes().try_into().unwrap()];
        let vr = DictionaryVr::One(vr);
        let gathers = steps.len() > 1;
        (
            ReadColumn {
                name: name.to_owned(),
                tag,
                expected,
                vr,
                item,
                is_list,
                gathers,
                is_partition: false,
                is_single: true,
            },
            steps,
        )
    });
    let file_time_limit = Duration::from_secs(600);
    let limits = ReadingLimits { first_read: 16 * 1024, header_limit: 4 << 20, file_time_limit };
    ScanPlan::new(columns.collect(), limits, headers)
}

struct OnlyLocal;

impl Surroundings for OnlyLocal {
    fn open(&mut self, _: FileToRead<'_>) -> Result<Box<dyn ByteSource>, Refused> {
        unreachable!("a local file")
    }

    fn goes_on(&mut self) -> bool {
        true
    }
}

fn scan(path: &Path, headers: bool) -> Batches {
    let file = FileToRead { url: path.to_str().unwrap(), size: None };
    plan(headers).scan([file].into_iter(), &mut OnlyLocal).unwrap()
}

fn found() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/found");
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn text<'a>(batch: &'a RecordBatch, name: &str) -> Vec<Option<&'a str>> {
    batch.column_by_name(name).unwrap().as_string::<i32>().iter().collect()
}

#[test]
fn every_found_input_is_a_row() {
    let found = found();
    assert!(!found.is_empty());
    for path in found {
        for headers in [false, true] {
            let began = Instant::now();
            let batches = scan(&path, headers);
            assert!(began.elapsed() < Duration::from_secs(5), "{} takes {:?}", path.display(), began.elapsed());
            let [files] = batches.files.as_slice() else { panic!("{}: one batch", path.display()) };
            assert_eq!(files.num_rows(), 1, "{}", path.display());
            let (status, code) = (text(files, "status"), text(files, "code"));
            assert!(status == [Some("indexed")] || code != [None], "{}: {status:?} {code:?}", path.display());
            let instances: usize = batches.instances.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(instances, usize::from(status == [Some("indexed")]), "{}", path.display());
        }
    }
}

#[test]
fn findings_do_not_repeat_long_keys_without_bound() {
    for path in found() {
        for findings in scan(&path, false).findings {
            for name in ["SOPInstanceUID", "PatientID", "element_path", "raw"] {
                let bytes: usize = text(&findings, name).into_iter().flatten().map(str::len).sum();
                assert!(bytes <= FINDINGS_TEXT_LIMIT, "{}: {bytes} bytes of {name}", path.display());
            }
        }
    }
}
