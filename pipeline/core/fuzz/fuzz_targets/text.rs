//! Any bytes as a text, in any character set: `SPECIFIC CHARACTER SET`, a line end, the text.
#![no_main]

use dicomlake_core::text::{CharacterSet, decode_default, decode_text, raw_text};
use dicomlake_fuzz::allocation;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let cut = input.iter().position(|byte| *byte == b'\n');
    let (set, text) = cut.map_or((None, input), |cut| (Some(&input[..cut]), &input[cut + 1..]));
    let live = allocation::begin_peak();
    let set = CharacterSet::of(set);
    for is_name in [false, true] {
        let decoded = decode_text(text, &set, is_name);
        assert!(decoded.text.len() <= text.len() * 3, "a text takes at most three times its bytes");
    }
    assert!(decode_default(text).text.len() <= text.len() * 3);
    assert!(raw_text(text).len() <= 1024);
    let bytes = allocation::peak() - live;
    // Some character sets make a table when they are first used.
    assert!(bytes <= input.len() * 16 + 256 * 1024, "{bytes} bytes for {}", input.len());
});
