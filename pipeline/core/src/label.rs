//! The name of an element for a person: its keyword, else its tag in hex.

use std::fmt::Write as _;

use crate::dictionary::entry_of_tag;

/// Writes the keyword of a tag, or the tag where it has none.
pub fn push_label(out: &mut String, tag: u32) {
    match entry_of_tag(tag).map(|entry| entry.keyword) {
        Some(keyword) if !keyword.is_empty() => out.push_str(keyword),
        _ => out.push_str(&tag_text(tag)),
    }
}

/// Writes one step of a path: `ReferencedSeriesSequence[2].`
pub fn push_step(out: &mut String, sequence_tag: u32, item: u32) {
    push_label(out, sequence_tag);
    let _ = write!(out, "[{item}].");
}

/// A tag as `(GGGG,EEEE)`.
#[must_use]
pub fn tag_text(tag: u32) -> String {
    format!("({:04X},{:04X})", tag >> 16, tag & 0xFFFF)
}
