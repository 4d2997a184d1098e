//! Code extensions (ISO 2022, PS3.5 6.1.2.5): text with escape sequences, which put other sets in place for the bytes
//! after them.
//!
//! Every escape sequence of the standard is understood wherever it stands, declared in (0008,0005) or not. The bytes
//! are gone through in runs: from one escape sequence or delimiter to the next.

use std::borrow::Cow;

use crate::error::FindingCode;

use super::encoding::Encoding;
use super::stepwise::decode_stepwise;
use super::two_byte::{JIS_X_0208, JIS_X_0212, step_in_g0};
use super::{CharacterSet, Decoded, ESCAPE, decode_plain};

/// The set that an escape sequence puts in place, in ISO 2022's G0 (bytes under 128) or G1 (bytes over 127).
#[derive(Clone, Copy)]
enum CodeElement {
    /// ASCII, or JIS X 0201, which is read as ASCII: nothing to declare.
    OneByteG0,
    TwoByteG0(Encoding),
    G1(Encoding),
}

/// The set that each escape sequence of PS3.3 C.12-3 and C.12-4 puts in place.
fn code_element(escape: &[u8]) -> Option<CodeElement> {
    use CodeElement::{G1, OneByteG0, TwoByteG0};
    Some(match *escape.strip_prefix(&[ESCAPE])? {
        [b'(', b'B' | b'J'] => OneByteG0,
        [b')', b'I'] => G1(Encoding::ShiftJis),
        [b'-', b'A'] => G1(Encoding::Latin1),
        [b'-', b'B'] => G1(Encoding::Latin2),
        [b'-', b'C'] => G1(Encoding::Latin3),
        [b'-', b'D'] => G1(Encoding::Latin4),
        [b'-', b'F'] => G1(Encoding::Greek),
        [b'-', b'G'] => G1(Encoding::Arabic),
        [b'-', b'H'] => G1(Encoding::Hebrew),
        [b'-', b'L'] => G1(Encoding::Cyrillic),
        [b'-', b'M'] => G1(Encoding::Latin5),
        [b'-', b'T'] => G1(Encoding::Thai),
        [b'-', b'b'] => G1(Encoding::Latin9),
        [b'$', b')', b'A'] => G1(Encoding::Gb2312),
        [b'$', b')', b'C'] => G1(Encoding::EucKr),
        [b'$', b'B' | b'@'] => TwoByteG0(Encoding::JisX0208), // @: JIS C 6226-1978, as old writers have it
        [b'$', b'(', b'D'] => TwoByteG0(Encoding::JisX0212),
        _ => return None,
    })
}

/// The length of the escape sequence at the start of some bytes, known or not: ESC, intermediate bytes and a final one (ISO 2022); of what
/// has not that form, ESC alone.
pub(super) fn escape_length(rest: &[u8]) -> usize {
    let intermediate = rest.iter().skip(1).take_while(|byte| matches!(byte, 0x20..=0x2F)).count();
    let final_at = intermediate.saturating_add(1);
    if matches!(rest.get(final_at), Some(0x30..=0x7E)) { final_at.saturating_add(1) } else { 1 }
}

/// The escape sequence at the start of some bytes, if it is one of the standard's, and what follows it.
fn split_code_element(rest: &[u8]) -> Option<(CodeElement, &[u8])> {
    let (escape, after) = rest.split_at_checked(escape_length(rest))?;
    Some((code_element(escape)?, after))
}

/// Decodes a value in which escape sequences stand. One that the standard does not list becomes U+FFFD.
pub(super) fn decode<'a>(value: &'a [u8], set: &CharacterSet, is_name: bool) -> Decoded<'a> {
    let mut text = String::with_capacity(value.len());
    let mut finding = None;
    let mut two_byte_g0: Option<Encoding> = None; // None: ASCII
    let mut g1 = set.first();
    let mut rest = value;
    while !rest.is_empty() {
        if let Some((element, after)) = split_code_element(rest) {
            match element {
                CodeElement::OneByteG0 => two_byte_g0 = None,
                CodeElement::TwoByteG0(encoding) => two_byte_g0 = Some(encoding),
                CodeElement::G1(encoding) => g1 = Some(encoding),
            }
            if let CodeElement::TwoByteG0(encoding) | CodeElement::G1(encoding) = element
                && !set.declares(encoding)
            {
                finding = worse(finding, Some(FindingCode::UndeclaredCharacterSet));
            }
            rest = after;
            continue;
        }
        if rest.first() == Some(&ESCAPE) {
            text.push(char::REPLACEMENT_CHARACTER);
            finding = Some(FindingCode::UndecodableText);
            rest = rest.get(escape_length(rest)..).unwrap_or_default();
            continue;
        }
        let (run, after) = rest.split_at(run_length(rest, is_name, two_byte_g0.is_some()));
        let decoded = decode_run(run, two_byte_g0, g1);
        text.push_str(&decoded.text);
        finding = worse(finding, decoded.finding);
        rest = after;
        if let [byte, ref after @ ..] = *rest
            && is_reset(byte, is_name)
        {
            text.push(char::from(byte));
            two_byte_g0 = None;
            g1 = set.first();
            rest = after;
        }
    }
    Decoded { text: Cow::Owned(text), finding }
}

/// Of two findings, the one that says that something was lost.
fn worse(one: Option<FindingCode>, other: Option<FindingCode>) -> Option<FindingCode> {
    if one == Some(FindingCode::UndecodableText) { one } else { other.or(one) }
}

/// Whether a byte puts the first value of (0008,0005) back in place, for itself and what follows (PS3.5 6.1.2.5.3).
fn is_reset(byte: u8, is_name: bool) -> bool {
    matches!(byte, b'\\' | b'\t' | b'\n' | 0x0C | b'\r') || (is_name && matches!(byte, b'^' | b'='))
}

/// The length of the run at the start of some bytes: to an escape sequence or delimiter.
///
/// In a set of two bytes no byte delimits that belongs to a character.
fn run_length(rest: &[u8], is_name: bool, in_two_byte_g0: bool) -> usize {
    let mut after = rest;
    loop {
        after = match *after {
            [0x21..=0x7E, 0x21..=0x7E, ref after @ ..] if in_two_byte_g0 => after,
            [byte, ref after @ ..] if byte != ESCAPE && !is_reset(byte, is_name) => after,
            _ => return rest.len().saturating_sub(after.len()),
        };
    }
}

/// Decodes bytes without escape sequences or delimiters under the sets that are in place.
fn decode_run(run: &[u8], two_byte_g0: Option<Encoding>, g1: Option<Encoding>) -> Decoded<'_> {
    let set = match two_byte_g0 {
        None => return decode_plain(run, g1),
        Some(Encoding::JisX0212) => &JIS_X_0212,
        Some(_) => &JIS_X_0208,
    };
    let (text, malformed) = decode_stepwise(run, |rest| step_in_g0(rest, set));
    Decoded { text: Cow::Owned(text), finding: malformed.then_some(FindingCode::UndecodableText) }
}
