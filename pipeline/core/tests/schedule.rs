//! What a store is asked for: over folders of files alike hardly more than a request and twice the header for each, and never much too
//! much where they differ.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

use std::collections::VecDeque;

use dicomlake_core::drive::{Estimate, REQUEST_BYTES, Schedule};

const KIB: u64 = 1024;
const IN_FLIGHT: usize = 64;
const UNKNOWN: u64 = 16 * KIB;

struct File {
    key: String,
    size: u64,
    header: u64,
}

/// What a store was asked for.
#[derive(Debug, Default)]
struct Asked {
    requests: u64,
    bytes: u64,
}

/// Plays a store that answers in the order in which it is asked, or in the opposite one, as far as requests are on their way.
fn play(files: &[File], last_first: bool) -> Asked {
    let mut schedule = Schedule::new(files.iter().map(|file| (file.key.as_str(), Some(file.size))), UNKNOWN);
    let mut asked = Asked::default();
    let mut on_their_way: VecDeque<(usize, u64)> = VecDeque::new();
    let mut ended = vec![false; files.len()];
    loop {
        while on_their_way.len() < IN_FLIGHT {
            let Some(begin) = schedule.begin_next() else { break };
            let bytes = begin.bytes.min(files[begin.file].size);
            on_their_way.push_back((begin.file, bytes));
            asked.requests += 1;
            asked.bytes += bytes;
        }
        let next = if last_first { on_their_way.pop_back() } else { on_their_way.pop_front() };
        let Some((file, read)) = next else { break };
        if read < files[file].header {
            let more = schedule.more(file, read, read).min(files[file].size - read);
            on_their_way.push_back((file, read + more));
            asked.requests += 1;
            asked.bytes += more;
        } else {
            assert!(!ended[file], "a file is asked for twice");
            ended[file] = true;
            schedule.answered(file, files[file].header);
        }
    }
    assert!(ended.iter().all(|ended| *ended), "a file is never asked for");
    asked
}

fn folder(name: &str, headers: impl Iterator<Item = u64>, pixels: u64) -> Vec<File> {
    let file = |(number, header): (usize, u64)| File { key: format!("{name}/{number}"), size: header + pixels, header };
    headers.enumerate().map(file).collect()
}

/// Headers that are alike differ by the lengths of a few numbers and UIDs.
fn alike(header: u64, files: usize) -> impl Iterator<Item = u64> {
    (0..files as u64).map(move |number| header + number * 7 % 97)
}

#[test]
fn over_folders_of_files_alike_little_more_than_one_request_and_twice_the_header() {
    let headers = [4 * KIB, 2048 * KIB, 9 * KIB, 74 * KIB, 5 * KIB, 300 * KIB, 4 * KIB, 1100 * KIB, 16 * KIB];
    let archive = || {
        headers.iter().enumerate().map(|(number, header)| folder(&format!("f{number}"), alike(*header, 200), 512 * KIB))
    };
    for last_first in [false, true] {
        for files in archive().chain([archive().flatten().collect()]) {
            let asked = play(&files, last_first);
            let needed: u64 = files.iter().map(|file| file.header).sum();
            let requests = asked.requests as f64 / files.len() as f64;
            let bytes = asked.bytes as f64 / needed as f64;
            assert!(requests <= 1.05, "{requests} requests a file, headers of {}", files[0].header);
            assert!(bytes <= 2.0, "{bytes} times the headers, of {}", files[0].header);
        }
    }
}

#[test]
fn a_first_file_unlike_the_others_spoils_few_requests() {
    let files = folder("a", std::iter::once(3 * KIB).chain(alike(74 * KIB, 199)), 512 * KIB);
    assert!(play(&files, false).requests <= 200 + 8);
    let files = folder("a", std::iter::once(2048 * KIB).chain(alike(4 * KIB, 199)), 512 * KIB);
    assert!(play(&files, false).bytes <= 200 * 10 * KIB + 12 * 1024 * KIB);
}

#[test]
fn headers_of_two_lengths_are_told_apart_by_the_sizes_of_their_files() {
    let mut files = folder("a", alike(74 * KIB, 200), 8192 * KIB);
    let small = folder("a", alike(4 * KIB, 200), 128 * KIB);
    let places = small.into_iter().enumerate().map(|(number, file)| (2 * number, file));
    places.for_each(|(place, file)| files.insert(place, file));
    let asked = play(&files, false);
    assert!(asked.requests <= 440 && asked.bytes <= 200 * 2 * 78 * KIB, "{asked:?}");
}

#[test]
fn a_first_run_over_mixed_folders_takes_little_more_than_one_request_a_file() {
    // 25 folders of 200 files; every fourth file has a longer header, before the same pixels.
    let mixed =
        |number: u64| (0..200).map(move |file| if file % 4 == 1 { 74 * KIB } else { 4 * KIB + (file + number) % 64 });
    let files: Vec<File> = (0..25).flat_map(|number| folder(&format!("f{number}"), mixed(number), 512 * KIB)).collect();
    let headers: u64 = files.iter().map(|file| file.header).sum();
    for last_first in [false, true] {
        let asked = play(&files, last_first);
        assert!(asked.requests <= files.len() as u64 * 105 / 100, "{asked:?}");
        assert!(asked.bytes <= headers * 3 / 2, "{asked:?}, headers {headers}");
    }
}

#[test]
fn folders_of_one_file_learn_from_each_other() {
    let files: Vec<File> =
        (0..500).flat_map(|number| folder(&format!("f{number}"), std::iter::once(60 * KIB), 512 * KIB)).collect();
    assert!(play(&files, false).requests <= 500 + IN_FLIGHT as u64 + 16);
}

#[test]
fn an_estimate_is_what_costs_least() {
    let of = |needed: &[u64]| {
        let mut estimate = Estimate::default();
        needed.iter().for_each(|bytes| estimate.learn(*bytes));
        estimate
    };
    assert_eq!(of(&[]).bytes(), None);
    assert_eq!(of(&[0]).bytes(), None, "what is not known is not learnt");
    assert_eq!(of(&[4096]).bytes(), Some(5 * KIB));
    let mut needed = [4096; 16];
    needed[7] = 4 << 20;
    assert_eq!(of(&needed).bytes(), Some(5 * KIB), "one that is unlike the rest costs one request");
    assert_eq!(of(&needed).end_after(5 * KIB), Some((4 << 20) + (512 << 10)), "and then nothing else is known");
    assert_eq!(of(&needed).end_after(5 << 20), None);
    assert_eq!(
        of(&[4096, 4096 + REQUEST_BYTES / 2]).bytes(),
        Some(77 * KIB),
        "fewer bytes than a request costs are read at once"
    );
}
