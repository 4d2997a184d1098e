//! The sets of two bytes a character, looked up by both.

use std::sync::LazyLock;

use super::stepwise::Step;
use super::tables::{self, Run};

pub(super) static JIS_X_0208: LazyLock<TwoByteSet> = LazyLock::new(|| TwoByteSet::of(&[tables::JIS_X_0208]));
pub(super) static JIS_X_0212: LazyLock<TwoByteSet> = LazyLock::new(|| TwoByteSet::of(&[tables::JIS_X_0212]));
pub(super) static KS_X_1001: LazyLock<TwoByteSet> = LazyLock::new(|| TwoByteSet::of(&[tables::KS_X_1001]));
pub(super) static GB_2312: LazyLock<TwoByteSet> = LazyLock::new(|| TwoByteSet::of(&[tables::GB_2312]));
pub(super) static GBK: LazyLock<TwoByteSet> = LazyLock::new(|| TwoByteSet::of(&[tables::GB_2312, tables::GBK]));
pub(super) static GB_18030: LazyLock<TwoByteSet> =
    LazyLock::new(|| TwoByteSet::of(&[tables::GB_2312, tables::GBK, tables::GB_18030]));

const FIRST_LEAD: u8 = 0x81;
const FIRST_TRAIL: u8 = 0x40;
const LEADS: usize = 0x7E;
const TRAILS: usize = 0xC0;

/// A set of characters of two bytes each, their high bits set where the set has them over 127 (as in EUC).
///
/// The tables hold it as text, which people can read and which is less than half of what numbers would be; it is
/// unfolded into 48 KB when the set is first met.
pub(super) struct TwoByteSet {
    /// Code points by lead and trail byte; 0 where there is none.
    codes: Vec<u16>,
}

impl TwoByteSet {
    /// The set of several tables, of which the later overwrite the earlier.
    fn of(layers: &[&[Run]]) -> Self {
        let mut codes = vec![0; LEADS.saturating_mul(TRAILS)];
        for &(first, characters) in layers.iter().copied().flatten() {
            let [lead, first_trail] = first.to_be_bytes();
            for (trail, character) in (first_trail..=u8::MAX).zip(characters.chars()) {
                let cell = index(lead, trail).and_then(|index| codes.get_mut(index));
                if let (Some(cell), Ok(code)) = (cell, u16::try_from(u32::from(character))) {
                    *cell = code;
                }
            }
        }
        Self { codes }
    }

    /// The character of a pair of bytes.
    pub(super) fn character(&self, lead: u8, trail: u8) -> Option<char> {
        match *self.codes.get(index(lead, trail)?)? {
            0 => None,
            code => char::from_u32(u32::from(code)),
        }
    }

    /// The character of a pair of bytes under 128, as escape sequences put sets of two bytes in place.
    fn character_in_g0(&self, lead: u8, trail: u8) -> Option<char> {
        self.character(lead | 0x80, trail | 0x80)
    }
}

/// The next character where an escape sequence put a set of two bytes in place for bytes under 128 (ISO 2022).
///
/// Space, delete and the control characters are no part of such a set, and keep their meaning.
pub(super) fn step_in_g0(rest: &[u8], set: &TwoByteSet) -> Step {
    match *rest {
        [byte @ (..=0x20 | 0x7F), ..] => Step::Character(char::from(byte), 1),
        [lead @ 0x21..=0x7E, trail @ 0x21..=0x7E, ..] => {
            set.character_in_g0(lead, trail).map_or(Step::Malformed(2), |character| Step::Character(character, 2))
        }
        _ => Step::Malformed(1),
    }
}

fn index(lead: u8, trail: u8) -> Option<usize> {
    let row = usize::from(lead.checked_sub(FIRST_LEAD)?);
    let column = usize::from(trail.checked_sub(FIRST_TRAIL)?);
    row.checked_mul(TRAILS)?.checked_add(column)
}
