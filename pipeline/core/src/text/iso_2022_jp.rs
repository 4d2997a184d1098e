//! ISO-2022-JP and ISO-2022-JP-2 (RFC 1468, RFC 1554): the sets of two bytes that escape sequences put in place for
//! bytes under 128.
//!
//! This is all that Python's codecs know, more than PS3.3 has: a value whose first term is ISO 2022 IR 87 or 159 and
//! whose escape sequences are none of DICOM's comes here as it is.

use super::ESCAPE;
use super::one_byte;
use super::stepwise::{Step, decode_stepwise};
use super::tables::ISO_8859_7;
use super::two_byte::{GB_2312, JIS_X_0208, JIS_X_0212, KS_X_1001, TwoByteSet};

/// An escape sequence of so many bytes without an end is none.
const ESCAPE_LENGTH_LIMIT: usize = 16;

/// Which sets can be put in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// ISO-2022-JP: JIS X 0201 and JIS X 0208.
    Jp,
    /// ISO-2022-JP-2: JIS X 0212, KS X 1001 and GB 2312 too, and Latin-1 and Greek for single shifts.
    Jp2,
}

/// A set that an escape sequence can put in place, in ISO 2022's halves G0 and G2.
#[derive(Clone, Copy)]
enum Set {
    Ascii,
    /// JIS X 0201 Roman.
    Roman,
    Latin1,
    Greek,
    JisX0208,
    JisX0212,
    KsX1001,
    Gb2312,
}

/// A decoder, which remembers what is in place.
pub(super) struct Iso2022Jp {
    variant: Variant,
    g0: Set,
    g2: Set,
    /// Inside an escape sequence that isn't of ISO 2022: it is passed on as text, up to its last byte.
    passing: bool,
}

impl Iso2022Jp {
    /// A decoder at the start of a text, where ASCII is in place.
    pub(super) fn new(variant: Variant) -> Self {
        Self { variant, g0: Set::Ascii, g2: Set::Ascii, passing: false }
    }

    /// A decoder with JIS X 0208 in place.
    pub(super) fn in_jis_x_0208() -> Self {
        Self { g0: Set::JisX0208, ..Self::new(Variant::Jp) }
    }

    /// A decoder with JIS X 0212 in place.
    pub(super) fn in_jis_x_0212() -> Self {
        Self { g0: Set::JisX0212, ..Self::new(Variant::Jp2) }
    }

    /// The text, and whether bytes in it were malformed.
    pub(super) fn decode(mut self, value: &[u8]) -> (String, bool) {
        decode_stepwise(value, |rest| self.step(rest))
    }

    fn step(&mut self, rest: &[u8]) -> Step {
        match *rest {
            [byte, ..] if self.passing => {
                self.passing = !is_last_of_escape(byte);
                Step::Character(char::from(byte), 1)
            }
            [ESCAPE, b'(' | b')' | b'$' | b'.' | b'&', ..] => self.designate(rest),
            [ESCAPE, b'N', ..] if self.variant == Variant::Jp2 => self.single_shift(rest),
            [ESCAPE, _, ..] => {
                self.passing = true;
                Step::Character(char::from(ESCAPE), 1)
            }
            [ESCAPE] | [0x80..=0xFF, ..] => Step::Malformed(1),
            [control @ ..0x20, ..] => Step::Character(char::from(control), 1),
            _ => self.graphic(rest),
        }
    }

    /// An escape sequence that puts a set in place.
    fn designate(&mut self, rest: &[u8]) -> Step {
        let length = match escape_length(rest) {
            Ok(length) => length,
            Err(malformed) => return Step::Malformed(malformed),
        };
        let escape = rest.get(..length).unwrap_or_default();
        let set = match *escape {
            [_, b'$', last] | [_, b'$', b'(' | b')', last] => self.two_byte_set(last),
            [_, _, _, ESCAPE, b'$', b'B'] => Some(Set::JisX0208), // ESC & @ before says: of 1990
            [_, b'(' | b')', last] => self.one_byte_set(last),
            [_, b'.', last] if self.variant == Variant::Jp2 => self.one_byte_set(last),
            _ => None,
        };
        let Some(set) = set else { return Step::Malformed(length) };
        match *escape {
            [_, b')', _] | [_, b'$', b')', _] => {} // G1, which nothing shifts to
            [_, b'.', _] => self.g2 = set,
            _ => self.g0 = set,
        }
        Step::Nothing(length)
    }

    fn one_byte_set(&self, last: u8) -> Option<Set> {
        match (last, self.variant) {
            (b'B', _) => Some(Set::Ascii),
            (b'J', _) => Some(Set::Roman),
            (b'A', Variant::Jp2) => Some(Set::Latin1),
            (b'F', Variant::Jp2) => Some(Set::Greek),
            _ => None,
        }
    }

    fn two_byte_set(&self, last: u8) -> Option<Set> {
        match (last, self.variant) {
            (b'B' | b'@', _) => Some(Set::JisX0208),
            (b'A', Variant::Jp2) => Some(Set::Gb2312),
            (b'C', Variant::Jp2) => Some(Set::KsX1001),
            (b'D', Variant::Jp2) => Some(Set::JisX0212),
            _ => None,
        }
    }

    /// One character of G2. Where that holds a set that is for G0 alone, Python's codec has an internal error.
    fn single_shift(&self, rest: &[u8]) -> Step {
        let [_, _, byte, ..] = *rest else { return Step::Malformed(rest.len()) };
        let shifted = byte ^ 0x80;
        let character = match self.g2 {
            Set::Ascii => byte.is_ascii().then_some(char::from(byte)),
            Set::Latin1 => byte.is_ascii().then_some(char::from(shifted)),
            Set::Greek => greek_of_1987(shifted),
            _ => None,
        };
        character.map_or(Step::Malformed(3), |character| Step::Character(character, 3))
    }

    /// A byte that is no control, or two, in what is in place.
    fn graphic(&self, rest: &[u8]) -> Step {
        let byte = rest.first().copied().unwrap_or_default();
        match self.g0 {
            Set::Ascii => Step::Character(char::from(byte), 1),
            Set::Roman => Step::Character(roman(byte), 1),
            Set::Latin1 | Set::Greek => Step::Malformed(1), // which are for G2 alone
            Set::JisX0208 => pair(rest, &JIS_X_0208),
            Set::JisX0212 => pair(rest, &JIS_X_0212),
            Set::KsX1001 => pair(rest, &KS_X_1001),
            Set::Gb2312 => pair(rest, &GB_2312),
        }
    }
}

fn pair(rest: &[u8], set: &TwoByteSet) -> Step {
    match *rest {
        [lead, trail, ..] => {
            set.character_in_g0(lead, trail).map_or(Step::Malformed(2), |character| Step::Character(character, 2))
        }
        _ => Step::Malformed(1),
    }
}

fn roman(byte: u8) -> char {
    match byte {
        b'\\' => '\u{A5}',
        b'~' => '\u{203E}',
        _ => char::from(byte),
    }
}

/// ISO 8859-7 as it was before the euro, the drachma and the ypogegrammeni came in.
fn greek_of_1987(byte: u8) -> Option<char> {
    match byte {
        0xA4 | 0xA5 | 0xAA => None,
        _ => one_byte::character(byte, &ISO_8859_7),
    }
}

fn is_last_of_escape(byte: u8) -> bool {
    matches!(byte, b'@'..=b'Z')
}

/// How many bytes an escape sequence has, up to its last. If that doesn't come, how many are malformed: the first; or
/// all that are left, where the end of the text cut the sequence off.
fn escape_length(rest: &[u8]) -> Result<usize, usize> {
    let mut at = 1_usize;
    while at < ESCAPE_LENGTH_LIMIT {
        let next = at.saturating_add(1);
        match *rest.get(at..).unwrap_or_default() {
            [] => return Err(rest.len()),
            [byte, ..] if is_last_of_escape(byte) => return Ok(next),
            [b'&', b'@', ..] => at = next.saturating_add(2), // over the ESC that should follow
            _ => at = next,
        }
    }
    Err(1)
}
