//! Writes the small inputs of `found/` that thought found and not chance: `keep FOLDER`.

use std::path::Path;
use std::{env, fs};

use dicomlake_fuzz::families::{BOMBS, FAMILIES};

/// Family, bytes, and the name of the file.
const KEPT: [(&str, usize, &str); 10] = [
    ("a long patient", 40 << 10, "findings_that_repeat_a_key_of_36_kib"),
    ("a list of empty values", 2000, "list_of_empty_values"),
    ("a list of names with =", 2000, "list_of_names_with_an_equals_sign"),
    ("private creators without names", 2000, "private_creators_without_names"),
    ("private elements of a long creator", 4000, "long_creator_of_many_elements"),
    ("items of an undecodable label", 8000, "more_findings_than_are_kept"),
    ("large whole numbers", 2000, "whole_numbers_of_309_digits"),
    ("a large character set and small ones by turns", 8000, "large_character_set"),
    ("a claim of 4 GiB", 0, "claim_of_4_gib"),
    ("nested in UN without end", 8000, "nested_without_end"),
];

fn main() {
    let folder = env::args().nth(1).expect("keep FOLDER");
    for (name, bytes, file) in KEPT {
        let (_, family) = FAMILIES.iter().chain(BOMBS).find(|(known, _)| *known == name).expect("a family");
        fs::write(Path::new(&folder).join(file).with_extension("dcm"), family(bytes)).expect("a folder to write to");
    }
}
