//! GB 18030, the one encoding whose characters take up to four bytes: as of 2000, which is what Python's codec knows.

use super::stepwise::{Step, ascii_or_pair};
use super::tables::GB_18030_RANGES;
use super::two_byte::GB_18030;

/// The next character of GB 18030: of four bytes if the second is a digit.
pub(super) fn step(rest: &[u8]) -> Step {
    match *rest {
        [0x80..=0xFF, b'0'..=b'9'] | [0x80..=0xFF, b'0'..=b'9', _] => Step::Malformed(rest.len()),
        [first @ 0x80..=0xFF, second @ b'0'..=b'9', third, fourth, ..] => {
            Step::of(quad(first, second, third, fourth), 4)
        }
        _ => ascii_or_pair(rest, |lead, trail| GB_18030.character(lead, trail)),
    }
}

/// The character of four bytes, which are the digits of a number: of 126, 10, 126 and 10 values.
fn quad(first: u8, second: u8, third: u8, fourth: u8) -> Option<char> {
    let first = u32::from(first.checked_sub(0x81)?).checked_mul(12_600)?;
    let second = u32::from(second.checked_sub(b'0')?).checked_mul(1_260)?;
    let third = u32::from(third.checked_sub(0x81).filter(|&digit| digit < 126)?).checked_mul(10)?;
    let fourth = u32::from(fourth.checked_sub(b'0').filter(|&digit| digit <= 9)?);
    let number = first.checked_add(second)?.checked_add(third)?.checked_add(fourth)?;
    let before = GB_18030_RANGES.partition_point(|&(from, _)| from <= number).checked_sub(1)?;
    match *GB_18030_RANGES.get(before)? {
        (_, 0) => None,
        (from, code) => char::from_u32(number.checked_sub(from)?.checked_add(code)?),
    }
}
