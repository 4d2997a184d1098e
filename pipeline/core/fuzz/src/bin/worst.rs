//! Families of hostile files, each at a size and at twice that: what a byte costs in time and memory, and whether that grows.
//!
//! `worst [KIB [NAME]]`: the families whose name has NAME in it.

use dicomlake_fuzz::families::{BOMBS, FAMILIES, Family};
use dicomlake_fuzz::scanning::{Manner, Scanner, Told};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kibibytes: usize = arguments.next().map_or(1024, |text| text.parse().expect("kibibytes"));
    let only = arguments.next().unwrap_or_default();
    println!("{kibibytes} KiB and twice that; ms a MB, bytes allocated at once a byte; worst of nobody, json, tree");
    let too_large = measure(FAMILIES, kibibytes << 10, &only);
    println!("claims, and bombs of 64 MiB and more: ms in all, MiB allocated at once");
    for (name, family) in BOMBS.iter().filter(|(name, _)| name.contains(only.as_str())) {
        let file = family(64 << 20);
        for told in [Told::Nobody, Told::Json, Told::Tree] {
            let (ms, peak) = cost(&file, told);
            println!(
                "{name:45} {told:7?} {:8} bytes {ms:8.0} ms {:6.1} MiB",
                file.len(),
                peak as f64 / f64::from(1 << 20)
            );
        }
    }
    assert!(too_large == 0, "{too_large} are above the bound of memory");
}

/// Answers how many are above the bound of memory.
fn measure(families: &[Family], bytes: usize, only: &str) -> usize {
    let mut too_large = 0;
    for (name, family) in families.iter().filter(|(name, _)| name.contains(only)) {
        for told in [Told::Nobody, Told::Json, Told::Tree] {
            let costs = [bytes, bytes * 2].map(|bytes| {
                let file = family(bytes);
                let (ms, peak) = cost(&file, told);
                let of_bound = peak as f64 / (64.0 * file.len() as f64 + f64::from(8 << 20));
                (ms / file.len() as f64 * 1e6, (peak as f64 - 2e6) / file.len() as f64, of_bound)
            });
            let [(ms, _, _), (ms_twice, a_byte, of_bound)] = costs;
            let grows = if ms_twice > 1.5 * ms && ms_twice > 5.0 { " GROWS" } else { "" };
            let slow = if ms_twice > 50.0 { " SLOW" } else { "" };
            let large = if of_bound > 1.0 { " LARGE" } else { "" };
            too_large += usize::from(of_bound > 1.0);
            println!(
                "{name:45} {told:7?} {ms:8.1} {ms_twice:8.1} ms/MB {a_byte:8.1} {of_bound:6.2} of bound{grows}{slow}{large}"
            );
        }
    }
    too_large
}

fn cost(file: &[u8], told: Told) -> (f64, usize) {
    let scanner = Scanner::new(64 << 20);
    let (outcome, batches) = scanner.scan(file, Manner { told, first_read: 16 << 10, knows_size: true });
    assert_eq!(batches.files.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);
    (outcome.took.as_secs_f64() * 1e3, outcome.peak)
}
