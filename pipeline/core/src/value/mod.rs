//! A raw value by its VR: its texts decoded, its numbers read, its components told apart (PS3.5 6.2).

pub mod number;
pub mod parse;
pub mod typed;

use std::borrow::Cow;

use crate::element::{VrForm, vr_form};
use crate::error::FindingCode;
use crate::gathered::{Gathered, RawValue};
use crate::text::{CharacterSet, decode_default, decode_text};

/// What is done with a VR's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextRules {
    /// Leading spaces are no padding.
    pub untrimmed_ahead: bool,
    /// There is one value, in which a backslash is a character.
    pub undivided: bool,
    /// (0008,0005) applies (PS3.5 6.1.2.3).
    pub has_character_set: bool,
}

/// How texts of a VR are read; None where the VR is not one of text.
#[must_use]
pub fn text_rules(vr: &str) -> Option<TextRules> {
    let rules = |untrimmed_ahead, undivided, has_character_set| {
        Some(TextRules { untrimmed_ahead, undivided, has_character_set })
    };
    match vr {
        "SH" | "LO" => rules(false, false, true),
        "PN" | "UC" => rules(true, false, true),
        "ST" | "LT" | "UT" => rules(true, true, true),
        "UR" => rules(true, true, false),
        "UI" => rules(true, false, false),
        "AE" | "AS" | "CS" | "DA" | "DS" | "DT" | "IS" | "TM" => rules(false, false, false),
        _ => None,
    }
}

impl TextRules {
    /// A value or a component less its padding.
    #[must_use]
    pub fn trim<'a>(&self, text: &'a str) -> &'a str {
        const PADDING: [char; 2] = [' ', '\0'];
        if self.untrimmed_ahead { text.trim_end_matches(PADDING) } else { text.trim_matches(PADDING) }
    }
}

/// The width in bytes of a VR of binary numbers.
#[must_use]
pub fn number_width(vr: &str) -> Option<usize> {
    match vr {
        "US" | "SS" => Some(2),
        "UL" | "SL" | "FL" => Some(4),
        "UV" | "SV" | "FD" => Some(8),
        _ => None,
    }
}

/// The name of a VR as it stands in the file, if PS3.5 has it and it is not UN, which says nothing.
#[must_use]
pub fn telling_vr(vr: Option<crate::element::Vr>) -> Option<&'static str> {
    const NAMES: [&str; 33] = [
        "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV", "OW", "PN",
        "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UR", "US", "UT", "UV",
    ];
    let vr = vr?;
    if matches!(vr_form(vr), VrForm::None | VrForm::Unknown) {
        return None;
    }
    NAMES.binary_search_by(|name| name.as_bytes().cmp(&vr)).ok().and_then(|at| NAMES.get(at)).copied()
}

/// The VR by which to understand a value: the file's, unless that is UN or none that there is; else the one given, of which `US or SS`
/// goes by PixelRepresentation (PS3.3 C.7.6.3.1), and of several others the first counts.
#[must_use]
pub fn vr_of<'a>(raw: &RawValue<'_>, otherwise: &'a str, gathered: &Gathered) -> &'a str {
    if let Some(vr) = telling_vr(raw.vr) {
        return vr;
    }
    if otherwise == "US or SS" {
        return if gathered.is_signed(raw.context) { "SS" } else { "US" };
    }
    otherwise.split_once(" or ").map_or(otherwise, |(first, _)| first)
}

/// A value decoded by its VR.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// It has no bytes, or can't be decoded.
    Nothing,
    /// A text, whole, less its padding.
    Text(Cow<'a, str>),
    /// Binary numbers.
    Numbers(Numbers<'a>),
    /// Bytes that are no numbers and no text, in hex.
    Hex(&'a [u8]),
}

/// Binary numbers of one VR, or tags (AT).
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a> {
    bytes: &'a [u8],
    vr: &'a str,
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
            "SS" => Component::Integer(i128::from(i16::from_be_bytes([g, h]))),
            "SL" => Component::Integer(i128::from(four.cast_signed())),
            "SV" => Component::Integer(i128::from(value.cast_signed())),
            "FL" => Component::Float(f64::from(f32::from_bits(four))),
            "FD" => Component::Float(f64::from_bits(value)),
            // Group and element are numbers of their own: in little endian the group comes first all the same.
            "AT" => Component::Tag(if self.little { four.rotate_left(16) } else { four }),
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
    vr: &'a str,
    gathered: &Gathered,
    sets: &mut CharacterSets,
    note: &mut impl FnMut(FindingCode),
) -> Decoded<'a> {
    if let Some(rules) = text_rules(vr) {
        let decoded = if rules.has_character_set && !is_plain(raw.value) {
            decode_text(raw.value, sets.of(gathered.character_set(raw.context)), vr == "PN")
        } else {
            decode_default(raw.value)
        };
        if let Some(code) = decoded.finding {
            note(code);
        }
        return Decoded::Text(match decoded.text {
            Cow::Borrowed(text) => Cow::Borrowed(rules.trim(text)),
            Cow::Owned(text) => Cow::Owned(rules.trim(&text).to_owned()),
        });
    }
    if raw.value.is_empty() {
        return Decoded::Nothing;
    }
    if let Some(width) = number_width(vr) {
        if raw.value.len().checked_rem(width) != Some(0) {
            note(FindingCode::InvalidNumber);
            return Decoded::Nothing;
        }
        return Decoded::Numbers(Numbers { bytes: raw.value, vr, width, little: raw.little });
    }
    if vr == "AT" && raw.value.len() & 3 == 0 {
        return Decoded::Numbers(Numbers { bytes: raw.value, vr, width: 4, little: raw.little });
    }
    Decoded::Hex(raw.value)
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
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |four: u8| DIGITS.get(usize::from(four)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0F)]).collect()
}
