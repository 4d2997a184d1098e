//! The decoder reads nothing: however the bytes of a file come to it, in whichever pieces, it answers the same.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

mod files;

use dicomlake_core::header::{HeaderDecoder, Plan};
use dicomlake_core::json::JsonRecorder;
use dicomlake_core::recorder::Recorder;
use dicomlake_core::tree::TreeRecorder;
use dicomlake_core::walk::Progress;
use dicomlake_core::window::{StreamEnd, Window};
use files::{LIMIT, Random, answer, damaged, decode_whole, plan, samples};

fn recorder(kind: usize) -> Option<Recorder> {
    match kind % 3 {
        0 => None,
        1 => Some(Recorder::Json(JsonRecorder::default())),
        _ => Some(Recorder::Tree(TreeRecorder::default())),
    }
}

/// Decodes a file of which at each step so many bytes more are held as `more` says, and of what lies before as few as may be.
fn decode_in_pieces(
    decoder: &mut HeaderDecoder,
    plan: &Plan,
    data: &[u8],
    size: Option<u64>,
    mut more: impl FnMut() -> usize,
) {
    let (mut from, mut to) = (0, more().min(data.len()));
    let mut steps = 0;
    loop {
        let end = (to == data.len() && from <= to).then_some(StreamEnd::OF_FILE);
        let bytes = data.get(from..to).unwrap_or_default();
        match decoder.resume(plan, &Window { bytes, start: from as u64, size, end }) {
            Progress::Done => break,
            Progress::Pause => {}
            Progress::Need(need) => {
                let position = usize::try_from(need.position).unwrap().min(data.len());
                let length = usize::try_from(need.length).unwrap();
                assert!(position >= from, "what lies before {from} was done with, and {need:?} is asked for");
                assert!(end.is_none(), "{need:?} is asked for after the end of the file");
                from = position;
                // Fewer than are asked for come too: then they are asked for again.
                to = to.max(from).saturating_add(more().min(length.max(1) * 4)).min(data.len());
            }
        }
        steps += 1;
        assert!(steps < 2_000_000, "it goes on for ever");
    }
}

fn check(name: &str, data: &[u8], random: &mut Random) {
    let plan = plan();
    for kind in 0..3 {
        let mut decoder = HeaderDecoder::new(&plan, LIMIT);
        decoder.begin(recorder(kind));
        decode_whole(&mut decoder, &plan, data);
        let whole = answer(&mut decoder);
        for most in [1, 100, 5000] {
            if most < 100 && data.len() > 30_000 {
                continue;
            }
            decoder.begin(recorder(kind));
            decode_in_pieces(&mut decoder, &plan, data, Some(data.len() as u64), || 1 + random.below(most));
            assert_eq!(answer(&mut decoder), whole, "{name}, at most {most} bytes at once");
        }
    }
}

#[test]
fn sound_files_in_any_pieces() {
    let mut random = Random(1);
    for (name, data) in samples() {
        check(name, &data, &mut random);
    }
}

#[test]
fn damaged_files_in_any_pieces() {
    let mut random = Random(2);
    for round in 0..8 {
        for (name, data) in samples() {
            if data.len() < 30_000 {
                check(&format!("{name} {round}"), &damaged(&mut random, &data), &mut random);
            }
        }
    }
}

/// A stream whose size nobody knows ends where it ends; what is wrong at its end may be told in other words, what stands before is the same.
#[test]
fn streams_of_unknown_size() {
    let mut random = Random(3);
    let plan = plan();
    for (name, data) in samples() {
        let mut decoder = HeaderDecoder::new(&plan, LIMIT);
        decoder.begin(None);
        decode_whole(&mut decoder, &plan, &data);
        let sound = decoder.header.found.defect.is_none();
        let whole = answer(&mut decoder);
        decoder.begin(None);
        decode_in_pieces(&mut decoder, &plan, &data, None, || 1 + random.below(3000));
        if sound {
            assert_eq!(answer(&mut decoder), whole, "{name}");
        }
    }
}

/// Every prefix ends, and keeps no value that the whole file has not.
#[test]
fn prefixes() {
    let plan = plan();
    for (name, data) in samples() {
        let mut decoder = HeaderDecoder::new(&plan, LIMIT);
        decoder.begin(None);
        decode_whole(&mut decoder, &plan, &data);
        let whole: Vec<_> = (0..files::COLUMNS).map(|column| files::cell(&decoder, column)).collect();
        for length in (0..data.len()).step_by(if data.len() > 5000 { 97 } else { 1 }) {
            decoder.begin(None);
            decode_whole(&mut decoder, &plan, &data[..length]);
            for (column, whole) in whole.iter().enumerate() {
                if let Some(part) = files::cell(&decoder, column) {
                    let whole = whole.as_deref().unwrap_or_default();
                    let parts_fit =
                        part.split('|').zip(whole.split('|')).all(|(part, whole)| part == "-" || part == whole);
                    assert!(parts_fit, "{name} to {length}, column {column}: {part:?} of {whole:?}");
                }
            }
        }
    }
}
