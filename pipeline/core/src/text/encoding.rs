//! The encodings that terms of (0008,0005) and escape sequences name, decoded as Python's codecs decode them.

use std::borrow::Cow;

use super::gb_18030;
use super::one_byte;
use super::stepwise::{Step, ascii_or_pair, decode_stepwise};
use super::tables;
use super::two_byte::{GB_2312, GBK, JIS_X_0208, KS_X_1001};

/// An encoding. Those "outside DICOM" have the same characters as their namesakes, but are named by no term of DICOM:
/// such a name doesn't declare the escape sequence of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Latin1,
    Latin2,
    Latin3,
    Latin4,
    Latin5,
    Latin9,
    Cyrillic,
    CyrillicOutsideDicom,
    Arabic,
    Greek,
    GreekOutsideDicom,
    Hebrew,
    Thai,
    ShiftJis,
    JisX0208,
    JisX0212,
    EucKr,
    Gb2312,
    Gb2312OutsideDicom,
    Utf8,
    Gb18030,
    Gbk,
}

impl Encoding {
    /// The text, and whether bytes in it were malformed: U+FFFD stands in their place.
    pub(super) fn decode(self, value: &[u8]) -> (Cow<'_, str>, bool) {
        let by_table = |table| decode_stepwise(value, |rest| one_byte::step(rest, table));
        let (text, malformed) = match self {
            Self::Utf8 => {
                let text = String::from_utf8_lossy(value);
                let malformed = matches!(text, Cow::Owned(_));
                return (text, malformed);
            }
            Self::Latin1 => (value.iter().copied().map(char::from).collect(), false),
            Self::Latin2 => by_table(&tables::ISO_8859_2),
            Self::Latin3 => by_table(&tables::ISO_8859_3),
            Self::Latin4 => by_table(&tables::ISO_8859_4),
            Self::Latin5 => by_table(&tables::ISO_8859_9),
            Self::Latin9 => by_table(&tables::ISO_8859_15),
            Self::Cyrillic | Self::CyrillicOutsideDicom => by_table(&tables::ISO_8859_5),
            Self::Arabic => by_table(&tables::ISO_8859_6),
            Self::Greek | Self::GreekOutsideDicom => by_table(&tables::ISO_8859_7),
            Self::Hebrew => by_table(&tables::ISO_8859_8),
            Self::Thai => by_table(&tables::TIS_620),
            Self::ShiftJis => decode_stepwise(value, shift_jis),
            // Before an escape sequence puts such a set in place, ASCII is.
            Self::JisX0208 | Self::JisX0212 => decode_stepwise(value, |rest| ascii_or_pair(rest, |_, _| None)),
            Self::EucKr => decode_stepwise(value, euc_kr),
            Self::Gb2312 => {
                decode_stepwise(value, |rest| ascii_or_pair(rest, |lead, trail| GB_2312.character(lead, trail)))
            }
            Self::Gbk | Self::Gb2312OutsideDicom => {
                decode_stepwise(value, |rest| ascii_or_pair(rest, |lead, trail| GBK.character(lead, trail)))
            }
            Self::Gb18030 => decode_stepwise(value, gb_18030::step),
        };
        (Cow::Owned(text), malformed)
    }
}

/// JIS X 0201, read as ASCII and half-width katakana, and JIS X 0208 with its 94 x 94 pairs folded into the bytes
/// left over.
fn shift_jis(rest: &[u8]) -> Step {
    match *rest {
        [kana @ 0xA1..=0xDF, ..] => Step::of(char::from_u32(u32::from(kana).wrapping_add(0xFEC0)), 1),
        _ => ascii_or_pair(rest, shift_jis_pair),
    }
}

fn shift_jis_pair(lead: u8, trail: u8) -> Option<char> {
    let rows = match lead {
        0x81..=0x9F => lead.checked_sub(0x81)?,
        0xE0..=0xFC => lead.checked_sub(0xC1)?,
        _ => return None,
    };
    let (odd, first) = match trail {
        0x40..=0x7E => (0, 0x40),
        0x80..=0x9E => (0, 0x41),
        0x9F..=0xFC => (1, 0x9F),
        _ => return None,
    };
    let row = rows.checked_mul(2)?.checked_add(odd)?;
    JIS_X_0208.character(row.checked_add(0xA1)?, trail.checked_sub(first)?.checked_add(0xA1)?)
}

/// KS X 1001, and its syllables spelled of a filler and three letters, eight bytes each (KS X 1001:1998 Annex 3).
fn euc_kr(rest: &[u8]) -> Step {
    match *rest {
        [0xA4, 0xD4, 0xA4, initial, 0xA4, vowel, 0xA4, last, ..] => Step::of(syllable(initial, vowel, last), 8),
        [0xA4, 0xD4, ref spelled @ ..] if spelled.len() < 6 => Step::Malformed(rest.len()),
        [0xA4, 0xD4, ..] => Step::Malformed(1),
        _ => ascii_or_pair(rest, |lead, trail| KS_X_1001.character(lead, trail)),
    }
}

/// The syllable of three letters of row 4 of KS X 1001, the last of which may be the filler (Unicode 3.12).
fn syllable(initial: u8, vowel: u8, last: u8) -> Option<char> {
    const FILLER: u8 = 0xD4;
    const INITIALS: &[u8] = b"\xA1\xA2\xA4\xA7\xA8\xA9\xB1\xB2\xB3\xB5\xB6\xB7\xB8\xB9\xBA\xBB\xBC\xBD\xBE";
    const NO_LAST: &[u8] = b"\xA8\xB3\xB9";
    let initial = INITIALS.iter().position(|&letter| letter == initial)?;
    let vowel = (0xBF_u8..=0xD3).position(|letter| letter == vowel)?;
    let last = match last {
        FILLER => 0,
        _ => (0xA1_u8..=0xBE)
            .filter(|letter| !NO_LAST.contains(letter))
            .position(|letter| letter == last)?
            .checked_add(1)?,
    };
    let index = initial.checked_mul(21)?.checked_add(vowel)?.checked_mul(28)?.checked_add(last)?;
    char::from_u32(u32::try_from(index).ok()?.checked_add(0xAC00)?)
}
