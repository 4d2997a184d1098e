//! Bytes into text by the character set of their data set (PS3.3 C.12.1.1.2, PS3.5 6.1), never failing, and saying
//! where it had to help itself.
//!
//! The decoders follow Python's codecs, also in what they put in place of bytes that are no character. The Web's encodings
//! of the same names differ. `scripts/make_character_tables.py` makes the tables of characters from these codecs.
//!
//! Text is decoded first and split into values after, since in GB 18030, GBK and Shift JIS the second byte of a
//! character can be a backslash. All of this is linear in the length of a value, and the text takes at most three
//! times its bytes.

use std::borrow::Cow;

use crate::error::FindingCode;

mod character_set;
mod code_extension;
mod encoding;
mod gb_18030;
mod one_byte;
mod raw;
mod stepwise;
#[rustfmt::skip]
mod tables;
#[cfg(test)]
mod tests;
mod two_byte;

pub use character_set::{
    CharacterSet, LOOKED_AT as CHARACTER_SET_LOOKED_AT, is_standard_character_set, names_character_set,
};
pub use raw::raw_text;

use encoding::Encoding;

/// The byte that starts an escape sequence (ISO 2022, PS3.5 6.1.2.5).
const ESCAPE: u8 = 0x1B;

/// A text, and what was wrong with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text; U+FFFD stands in it for bytes that are nothing in the character set.
    pub text: Cow<'a, str>,
    /// `UndeclaredCharacterSet` or `UndecodableText`, where that is so.
    pub finding: Option<FindingCode>,
}

impl<'a> Decoded<'a> {
    fn right(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), finding: None }
    }
}

/// Decodes the raw value of a text VR that (0008,0005) applies to (PS3.5 6.1.2.3).
///
/// `is_name` is whether it is PN, in which `^` and `=` delimit too (PS3.5 6.1.2.5.3). ASCII comes back as it stands.
#[must_use]
pub fn decode_text<'a>(value: &'a [u8], set: &CharacterSet, is_name: bool) -> Decoded<'a> {
    if let Some(text) = plain(value) {
        return Decoded::right(text);
    }
    if !value.contains(&ESCAPE) {
        return decode_plain(value, set.first());
    }
    if set.has_code_extensions() {
        return code_extension::decode(value, set, is_name);
    }
    decode_between_escapes(value, set.first())
}

/// Decodes the raw value of a VR of the default repertoire (CS, UI, DA, ...; PS3.5 6.1.2.2): ASCII, or what stands
/// there instead.
#[must_use]
pub fn decode_default(value: &[u8]) -> Decoded<'_> {
    match plain(value) {
        Some(text) => Decoded::right(text),
        None if value.contains(&ESCAPE) => decode_between_escapes(value, None),
        None => decode_plain(value, None),
    }
}

/// A value of ASCII without escape sequences, as nearly every value is; folded without a way out of the loop, so that many bytes are looked
/// at at once.
fn plain(value: &[u8]) -> Option<&str> {
    let plain = value.iter().fold(true, |plain, &byte| plain & byte.is_ascii() & (byte != ESCAPE));
    if plain { str::from_utf8(value).ok() } else { None }
}

/// Decodes a value in which escape sequences have no meaning: each becomes U+FFFD.
fn decode_between_escapes(value: &[u8], encoding: Option<Encoding>) -> Decoded<'_> {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while !rest.is_empty() {
        let run = rest.iter().position(|&byte| byte == ESCAPE).unwrap_or(rest.len());
        let (run, after) = rest.split_at(run);
        text.push_str(&decode_plain(run, encoding).text);
        rest = after;
        if !rest.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            rest = rest.get(code_extension::escape_length(rest)..).unwrap_or_default();
        }
    }
    Decoded { text: Cow::Owned(text), finding: Some(FindingCode::UndecodableText) }
}

/// Decodes bytes of one encoding; of None, the default repertoire, in which more than ASCII is taken for UTF-8 or else
/// Latin-1, as most writers that declare nothing have it.
fn decode_plain(value: &[u8], encoding: Option<Encoding>) -> Decoded<'_> {
    if value.is_ascii()
        && let Ok(text) = str::from_utf8(value)
    {
        return Decoded::right(text);
    }
    match encoding {
        Some(encoding) => {
            let (text, malformed) = encoding.decode(value);
            Decoded { text, finding: malformed.then_some(FindingCode::UndecodableText) }
        }
        None => {
            let text = str::from_utf8(value).map_or_else(|_| Encoding::Latin1.decode(value).0, Cow::Borrowed);
            Decoded { text, finding: Some(FindingCode::UndeclaredCharacterSet) }
        }
    }
}
