//! A raw value by its VR: its texts decoded, its numbers read, its components told apart (PS3.5 6.2).

pub mod number;
pub mod parse;
pub mod typed;

use std::borrow::Cow;

use crate::error::FindingCode;
use crate::gathered::{Gathered, RawValue};
use crate::text::{CHARACTER_SET_LOOKED_AT, CharacterSet, decode_default, decode_text};
use crate::vr::{Content, Letters, TextRules, Vr};

/// The VR of a column or an element in the data dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DictionaryVr {
    /// One, or the first of several.
    One(Vr),
    /// `US or SS`: by PixelRepresentation (PS3.3 C.7.6.3.1).
    BySign,
    /// A name that PS3.5 does not have, as some private dictionaries write them: its values are bytes.
    Other(&'static str),
}

impl DictionaryVr {
    /// Of a name of the data dictionary.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        if name == "US or SS" {
            return Self::BySign;
        }
        let first = name.split_once(" or ").map_or(name, |(first, _)| first);
        Vr::named(first).map_or(Self::Other(first), Self::One)
    }
}

/// The VR of a value as the file says it, if PS3.5 has it and it is not UN, which says nothing.
#[must_use]
#[inline]
pub fn telling_vr(letters: Option<Letters>) -> Option<Vr> {
    letters.and_then(Vr::of).filter(|vr| *vr != Vr::UN)
}

/// The VR by which to understand a value: the file's, unless that is UN or none that there is; else the data dictionary's. None where
/// only its bytes are known.
#[must_use]
#[inline]
pub fn vr_of(raw: &RawValue<'_>, otherwise: DictionaryVr, gathered: &Gathered) -> Option<Vr> {
    if let Some(vr) = telling_vr(raw.vr) {
        return Some(vr);
    }
    match otherwise {
        DictionaryVr::One(vr) => Some(vr),
        DictionaryVr::BySign if gathered.is_signed(raw.context) => Some(Vr::SS),
        DictionaryVr::BySign => Some(Vr::US),
        DictionaryVr::Other(_) => None,
    }
}

/// A value decoded by its VR.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// It has no bytes, or can't be decoded.
    Nothing,
    /// A text, whole, less its padding.
    Text(Cow<'a, str>, TextRules),
    /// Binary numbers.
    Numbers(Numbers<'a>),
    /// Bytes that are no numbers and no text, in hex.
    Hex(&'a [u8]),
}

/// Binary numbers of one VR, or tags (AT).
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    bytes: &'a [u8],
    vr: Vr,
    width: usize,
    little: bool,
}

/// A component of a value.
#[derive(Clone, Copy, Debug)]
pub enum Component<'a> {
    /// Of a text.
    Text(&'a str),
    /// A whole number.
    Integer(i128),
    /// A number.
    Float(f64),
    /// A tag.
    Tag(u32),
}

impl<'a> Numbers<'a> {
    /// The numbers, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Component<'a>> {
        self.bytes.chunks_exact(self.width).map(move |bytes| self.number(bytes))
    }

    fn number(self, bytes: &[u8]) -> Component<'a> {
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        let value = if self.little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) };
        let [.., e, f, g, h] = value.to_be_bytes();
        let four = u32::from_be_bytes([e, f, g, h]);
        match self.vr {
            Vr::SS => Component::Integer(i128::from(i16::from_be_bytes([g, h]))),
            Vr::SL => Component::Integer(i128::from(four.cast_signed())),
            Vr::SV => Component::Integer(i128::from(value.cast_signed())),
            Vr::FL => Component::Float(f64::from(f32::from_bits(four))),
            Vr::FD => Component::Float(f64::from_bits(value)),
            // Group and element are numbers of their own: in little endian the group comes first all the same.
            Vr::AT => Component::Tag(if self.little { four.rotate_left(16) } else { four }),
            _ => Component::Integer(i128::from(value)),
        }
    }
}

/// Remembers the last character set, which a file's values mostly share.
#[derive(Debug, Default)]
pub struct CharacterSets {
    known: Option<(Option<Vec<u8>>, CharacterSet)>,
}

impl CharacterSets {
    fn of(&mut self, value: Option<&[u8]>) -> &CharacterSet {
        let value = value.map(|value| value.get(..CHARACTER_SET_LOOKED_AT).unwrap_or(value));
        let is_known = self.known.as_ref().is_some_and(|(known, _)| known.as_deref() == value);
        if !is_known {
            self.known = None;
        }
        let (_, set) = self.known.get_or_insert_with(|| (value.map(<[u8]>::to_vec), CharacterSet::of(value)));
        set
    }
}

/// Decodes a raw value by its VR; `note` is told what is wrong with it.
pub fn decode<'a>(
    raw: &RawValue<'a>,
    vr: Option<Vr>,
    gathered: &Gathered,
    sets: &mut CharacterSets,
    note: &mut impl FnMut(FindingCode),
) -> Decoded<'a> {
    let content = vr.map_or(Content::Bytes, Vr::content);
    if let Content::Text(rules) = content {
        // Padding goes before decoding: a space is no part of what an escape sequence put in place (PS3.5 6.2).
        let value = rules.trim_bytes(raw.value);
        let decoded = if rules.has_character_set && !is_plain(value) {
            decode_text(value, sets.of(gathered.character_set(raw.context)), vr == Some(Vr::PN))
        } else {
            decode_default(value)
        };
        if let Some(code) = decoded.finding {
            note(code);
        }
        let text = match decoded.text {
            Cow::Borrowed(text) => Cow::Borrowed(rules.trim(text)),
            Cow::Owned(text) => Cow::Owned(rules.trim(&text).to_owned()),
        };
        return Decoded::Text(text, rules);
    }
    let bytes = raw.value;
    match (vr, content) {
        _ if bytes.is_empty() => Decoded::Nothing,
        (Some(vr), Content::Numbers(width)) => {
            if bytes.len().checked_rem(width) != Some(0) {
                note(FindingCode::InvalidNumber);
                return Decoded::Nothing;
            }
            Decoded::Numbers(Numbers { bytes, vr, width, little: raw.little })
        }
        (Some(vr), Content::Tags) if bytes.len() & 3 == 0 => {
            Decoded::Numbers(Numbers { bytes, vr, width: 4, little: raw.little })
        }
        _ => Decoded::Hex(bytes),
    }
}

/// Whether bytes mean the same in every character set: ASCII without escape sequences.
fn is_plain(value: &[u8]) -> bool {
    value.is_ascii() && !value.contains(&0x1B)
}

/// Writes a component as text, as Python's `str` does.
pub fn push_component(out: &mut String, component: Component<'_>) {
    use std::fmt::Write as _;
    match component {
        Component::Text(text) => out.push_str(text),
        Component::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Component::Float(number) => number::push_float(out, number),
        Component::Tag(tag) => {
            let _ = write!(out, "{tag:08X}");
        }
    }
}

/// Bytes in hex, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or('0');
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0x0F));
    }
    text
}
