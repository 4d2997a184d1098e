//! Inputs by the million, without a sanitizer: `mutate --seed S --count N --corpus FOLDER [--most BYTES] [--found FOLDER]`.
//!
//! Inputs are read in units of files, since that is how files are read, and since making a unit's columns costs more than a small file does.
//! Every second unit is read again with another size of first read, every second of these in the opposite order: a row must be the same whatever stands
//! before it. What fails is read again alone, to see whether it fails by itself, and is written to `--found`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs};

use arrow_array::RecordBatch;
use dicomlake_fuzz::random::Random;
use dicomlake_fuzz::scanning::{Manner, Scanner};
use dicomlake_fuzz::{checks, mutation};

/// Inputs of one unit.
const UNIT: usize = 128;

/// The longest that one input may take.
const LONGEST: Duration = Duration::from_secs(1);

struct Asked {
    seed: u64,
    count: usize,
    corpus: PathBuf,
    most: usize,
    found: PathBuf,
}

fn asked() -> Asked {
    let mut asked = Asked { seed: 1, count: 100_000, corpus: "corpus/scan".into(), most: 4096, found: env::temp_dir() };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_else(|| panic!("{name} without a value"));
        match name.as_str() {
            "--seed" => asked.seed = value.parse().expect("a seed"),
            "--count" => asked.count = value.parse().expect("a count"),
            "--corpus" => asked.corpus = value.into(),
            "--most" => asked.most = value.parse().expect("bytes"),
            "--found" => asked.found = value.into(),
            other => panic!("{other} is unknown"),
        }
    }
    asked
}

fn main() {
    let asked = asked();
    let mut paths: Vec<PathBuf> = fs::read_dir(&asked.corpus)
        .expect("a corpus (see README.md)")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let seeds: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).expect("a seed")).collect();
    let scanner = Scanner::new(1 << 20);
    let mut random = Random::new(asked.seed);
    let began = Instant::now();
    let (mut inputs, mut bytes, mut failed) = (0, 0, 0);
    let mut worst = Worst::default();
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut told = Instant::now();
    while inputs < asked.count {
        let unit: Vec<Vec<u8>> = (0..UNIT).map(|_| mutation::input(&mut random, &seeds, asked.most)).collect();
        inputs += UNIT;
        bytes += unit.iter().map(Vec::len).sum::<usize>();
        let again = [None, None, Some(Order::Same), Some(Order::Reversed)][random.below(4)];
        match catch_unwind(AssertUnwindSafe(|| read(&scanner, &unit, again, &mut worst))) {
            Ok(batches) => {
                for code in batches.iter().flat_map(checks::codes) {
                    *codes.entry(code).or_default() += 1;
                }
            }
            Err(_) => {
                failed += 1;
                keep(&asked, &scanner, &unit, inputs);
            }
        }
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!(
                "{inputs} inputs, {failed} units failed, {:.0} inputs/s",
                inputs as f64 / began.elapsed().as_secs_f64()
            );
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "seed {}: {inputs} inputs of {:.0} bytes in the mean in {seconds:.0} s: {:.0} inputs/s; \
         {failed} units failed; {worst:?}\n{codes:?}",
        asked.seed,
        bytes as f64 / inputs as f64,
        inputs as f64 / seconds,
    );
    assert!(failed == 0, "failed inputs are in {}", asked.found.display());
}

/// In which order a unit is read again.
#[derive(Clone, Copy)]
enum Order {
    Same,
    Reversed,
}

/// The worst of all inputs, each with the length of its input.
#[derive(Debug, Default)]
struct Worst {
    time: (Duration, usize),
    allocated: (usize, usize),
}

/// Holds a unit to everything; answers its rows of files.
fn read(scanner: &Scanner, unit: &[Vec<u8>], again: Option<Order>, worst: &mut Worst) -> Vec<RecordBatch> {
    let [manner, other] = Manner::pair(unit.first().expect("an input"));
    let inputs: Vec<&[u8]> = unit.iter().map(Vec::as_slice).collect();
    let (outcomes, batches) = scanner.unit(&inputs, manner, false);
    for (outcome, input) in outcomes.iter().zip(&inputs) {
        checks::outcome_of(outcome, input);
        if outcome.peak > checks::most_bytes(scanner, input.len(), outcome.deflated) {
            // Columns that hold other rows too grow by more than one input does: alone it is held to the bound.
            checks::one(scanner, input);
        }
        assert!(outcome.took < LONGEST, "an input takes {:?}", outcome.took);
        worst.time = worst.time.max((outcome.took, input.len()));
        if !outcome.deflated {
            worst.allocated = worst.allocated.max((outcome.peak, input.len()));
        }
    }
    checks::rows(&batches, inputs.len());
    match again {
        None => {}
        Some(Order::Reversed) => {
            let (_, reversed) = scanner.unit(&inputs, other, true);
            checks::same_reversed(&batches, &reversed, inputs.len());
        }
        Some(Order::Same) => {
            let (other_outcomes, other_batches) = scanner.unit(&inputs, other, false);
            checks::same(&batches, &other_batches, &[manner, other]);
            for (one, other) in outcomes.iter().zip(&other_outcomes) {
                assert_eq!(one.tree, other.tree, "the tree depends on how the file is read");
            }
        }
    }
    batches.files
}

fn keep(asked: &Asked, scanner: &Scanner, unit: &[Vec<u8>], number: usize) {
    let mut alone = 0;
    for (at, input) in unit.iter().enumerate() {
        if catch_unwind(AssertUnwindSafe(|| checks::one(scanner, input))).is_err() {
            alone += 1;
            let path = asked.found.join(format!("found-{}-{number}-{at}", asked.seed));
            fs::write(&path, input).expect("a folder to write to");
            println!("found {}", path.display());
        }
    }
    if alone == 0 {
        let folder = asked.found.join(format!("found-unit-{}-{number}", asked.seed));
        fs::create_dir_all(&folder).expect("a folder to write to");
        for (at, input) in unit.iter().enumerate() {
            fs::write(folder.join(format!("{at:02}")), input).expect("a folder to write to");
        }
        println!("found {}: none fails by itself", folder.display());
    }
}
