//! The sets of one byte a character.

use super::stepwise::Step;

/// The character of a byte: ASCII and the C1 controls below 0xA0, and from there on what the table of a set has.
pub(super) fn character(byte: u8, table: &[u16; 96]) -> Option<char> {
    let Some(index) = byte.checked_sub(0xA0) else { return Some(char::from(byte)) };
    let code = table.get(usize::from(index)).copied()?;
    char::from_u32(u32::from(code)).filter(|&character| character != '\0')
}

/// The next character of a set of one byte.
pub(super) fn step(rest: &[u8], table: &[u16; 96]) -> Step {
    Step::of(rest.first().and_then(|&byte| character(byte, table)), 1)
}
