//! How a finding shows the bytes that it is about.

use std::fmt::Write as _;

use unicode_general_category::{GeneralCategory, get_general_category};

/// The most bytes of a value that a finding shows.
const RAW_LIMIT: usize = 1024;

/// Bytes as a text that shows them: UTF-8 as it is, control characters and bytes that are no UTF-8 as `\xHH`; at most
/// 1 KiB.
#[must_use]
pub fn raw_text(value: &[u8]) -> String {
    let mut shown = String::with_capacity(value.len().min(RAW_LIMIT));
    for chunk in value.get(..RAW_LIMIT).unwrap_or(value).utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_printable(character) {
                shown.push(character);
            } else {
                push_bytes(&mut shown, character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        push_bytes(&mut shown, chunk.invalid());
    }
    let cut = (0..=RAW_LIMIT).rev().find(|&at| shown.is_char_boundary(at)).unwrap_or_default();
    shown.truncate(cut);
    shown
}

fn push_bytes(shown: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(shown, "\\x{byte:02x}"); // into a String it can't fail
    }
}

/// Whether a character shows: neither a control, format or private character nor a separator, but for the space.
///
/// What Unicode has not assigned yet shows, so that the same bytes are the same finding whichever edition a reader knows;
/// but not what it never will, or keeps for format characters.
fn is_printable(character: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Surrogate, Unassigned,
    };
    match character {
        ' '..='~' => true,
        // Format characters since Unicode 12 and 15.
        '\u{13430}'..='\u{1343F}' => false,
        _ => match get_general_category(character) {
            Control | Format | Surrogate | PrivateUse | LineSeparator | ParagraphSeparator | SpaceSeparator => false,
            Unassigned => {
                let code = u32::from(character);
                code < 0xE0000 && code & 0xFFFE != 0xFFFE && !matches!(code, 0xFDD0..=0xFDEF | 0x2065 | 0xFFF0..=0xFFF8)
            }
            _ => true,
        },
    }
}
