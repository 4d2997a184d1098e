//! Any bytes as one file.
#![no_main]

use std::sync::LazyLock;

use dicomlake_fuzz::checks;
use dicomlake_fuzz::scanning::Scanner;

/// Small, so that bombs are soon inflated.
static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(1 << 20));

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::one(&SCANNER, input));
