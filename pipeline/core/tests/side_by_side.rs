//! Local files that are read side by side: the same headers as one after the other, whatever stands at a path.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

mod files;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use dicomlake_core::drive::{FirstRead, Pace, ReadingLimits, SideBySide};
use dicomlake_core::error::FileCode;
use files::{LIMIT, answer, decode_whole, plan, samples};

const LIMITS: ReadingLimits =
    ReadingLimits { first_read: 512, header_limit: LIMIT, file_time_limit: Duration::from_secs(60) };

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dicomlake-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> Vec<u8> {
        self.0.join(name).into_os_string().into_encoded_bytes()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn whole(data: &[u8]) -> String {
    let plan = plan();
    let mut decoder = dicomlake_core::header::HeaderDecoder::new(&plan, LIMIT);
    decoder.begin(None);
    decode_whole(&mut decoder, &plan, data);
    answer(&mut decoder)
}

#[test]
fn files_side_by_side_have_the_headers_that_they_have_alone() {
    let folder = Folder::new("side-by-side");
    let data: Vec<Vec<u8>> = samples().into_iter().map(|(_, data)| data).collect();
    let mut files: Vec<(Cow<'_, [u8]>, Option<u64>)> = vec![];
    for number in 0..96 {
        let bytes = &data[number % data.len()];
        let name = format!("{number}");
        std::fs::write(folder.0.join(&name), bytes).unwrap();
        let size = bytes.len() as u64;
        let listed = [None, Some(size), Some(size / 2), Some(size + 10)][number % 4];
        files.push((folder.path(&name).into(), listed));
    }
    let plan = plan();
    let reader = SideBySide::new(&plan, LIMITS, &files, FirstRead::new(512));
    let mut seen = vec![0; files.len()];
    let started = reader.read(
        8,
        &|| None,
        &mut |ended| {
            seen[ended.index] += 1;
            assert_eq!(answer(&mut ended.decoder), whole(&data[ended.index % data.len()]), "file {}", ended.index);
        },
        &mut || true,
    );
    assert!(started);
    assert!(seen.iter().all(|times| *times == 1), "{seen:?}");
}

#[test]
fn what_is_no_file_is_an_answer_too() {
    let folder = Folder::new("no-file");
    let long: Vec<u8> = [folder.path("x"), vec![b'x'; 5000]].concat();
    let files: Vec<(Cow<'_, [u8]>, Option<u64>)> = vec![
        (folder.path("absent").into(), Some(100)),
        (folder.path("").into(), Some(100)),
        (folder.path("a\0b").into(), None),
        (long.into(), Some(1)),
    ];
    let expected = [FileCode::Unreadable, FileCode::NotRegular, FileCode::Unreadable, FileCode::Unreadable];
    let plan = plan();
    let reader = SideBySide::new(&plan, LIMITS, &files, FirstRead::new(512));
    let mut codes = vec![None; files.len()];
    reader.read(
        3,
        &|| None,
        &mut |ended| codes[ended.index] = ended.decoder.header.found.defect.as_ref().map(|defect| defect.code),
        &mut || true,
    );
    assert_eq!(codes, expected.map(Some));
}

#[test]
fn it_stops_when_it_is_not_to_go_on() {
    let folder = Folder::new("stops");
    let files: Vec<(Cow<'_, [u8]>, Option<u64>)> =
        (0..10_000).map(|number| (folder.path(&format!("{number}")).into(), None)).collect();
    let plan = plan();
    let reader = SideBySide::new(&plan, LIMITS, &files, FirstRead::new(512));
    let mut ended = 0;
    reader.read(2, &|| None, &mut |_| ended += 1, &mut || false);
    assert!(ended < files.len(), "{ended}");
}

#[test]
fn a_slow_disk_is_told_from_a_fast_one() {
    let mut pace = Pace::new(128);
    pace.note_stretch(Duration::from_millis(5));
    assert!(pace.note_file());
    assert_eq!(pace.stretch().0, 83);
    pace.note_stretch(Duration::from_secs(1));
    assert_eq!(pace.stretch().0, 128);
    pace.note_stretch(Duration::from_micros(20));
    assert!(!pace.note_file());

    // One fast file among slow ones: the process had to wait for its turn.
    for _ in 0..100 {
        (0..7).for_each(|_| pace.note_time(Duration::from_millis(4)));
        pace.note_time(Duration::from_micros(20));
    }
    assert!(!pace.note_file());
    (0..8).for_each(|_| pace.note_time(Duration::from_millis(4)));
    assert!(pace.stretch().0 > 60);

    let mut alone = Pace::new(1);
    alone.note_stretch(Duration::from_secs(1));
    assert!(!alone.note_file());
}
