//! Scans of small files that a test makes.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use dicomlake_core::drive::{ByteSource, Refused};
use dicomlake_core::scan::{FileToRead, ScanPlan, Surroundings};
use dicomlake_core::table::Batches;
use dicomlake_core::value::DictionaryVr;
use dicomlake_core::value::typed::{ItemType, ReadColumn};
use dicomlake_core::vr::{Letters, Vr};

/// A column of single texts.
pub fn column(name: &str, tag: u32, vr: Vr) -> ReadColumn {
    let expected: Vec<Letters> = vec![vr.name().as_bytes().try_into().unwrap()];
    let (name, vr) = (name.to_owned(), DictionaryVr::One(vr));
    let (item, is_list) = (ItemType::Text, false);
    ReadColumn { name, tag, expected, vr, item, is_list, gathers: false, is_partition: false, is_single: true }
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

/// A folder of a test's own, which goes with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dicomlake-scanned-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn scan(&self, files: &[Vec<u8>], plan: &ScanPlan) -> Batches {
        let paths: Vec<String> =
            (0..files.len()).map(|n| self.0.join(n.to_string()).to_str().unwrap().to_owned()).collect();
        for (path, data) in paths.iter().zip(files) {
            std::fs::write(path, data).unwrap();
        }
        let to_read = paths.iter().map(|url| FileToRead { url, size: None });
        plan.scan(to_read, &mut OnlyLocal).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The batches of a taker's table.
pub fn batches_of<'b>(batches: &'b Batches, table: &str) -> &'b [RecordBatch] {
    &batches.taken.iter().find(|(name, _)| name == table).unwrap().1
}
