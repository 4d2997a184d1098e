//! Decoding from character to character, as Python's codecs of several bytes do it.

/// The meaning of the next bytes, and their number; at least one, or the decoding would never end.
pub(super) enum Step {
    /// A character.
    Character(char, usize),
    /// No character: one U+FFFD stands for all of them, and decoding goes on after them.
    Malformed(usize),
}

impl Step {
    /// A character of so many bytes; where there is none, only the first is malformed.
    pub(super) fn of(character: Option<char>, length: usize) -> Self {
        character.map_or(Self::Malformed(1), |character| Self::Character(character, length))
    }
}

/// The text of bytes that a function cuts into steps, given all that is left, and whether any were malformed.
pub(super) fn decode_stepwise(value: &[u8], mut step: impl FnMut(&[u8]) -> Step) -> (String, bool) {
    let mut text = String::with_capacity(value.len());
    let mut malformed = false;
    let mut rest = value;
    while !rest.is_empty() {
        let length = match step(rest) {
            Step::Character(character, length) => {
                text.push(character);
                length
            }
            Step::Malformed(length) => {
                text.push(char::REPLACEMENT_CHARACTER);
                malformed = true;
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    (text, malformed)
}

/// The next character of a set of two bytes beside ASCII: a byte under 128, or a pair whose lead byte is over 127.
pub(super) fn ascii_or_pair(rest: &[u8], character: impl FnOnce(u8, u8) -> Option<char>) -> Step {
    match *rest {
        [byte @ ..=0x7F, ..] => Step::Character(char::from(byte), 1),
        [lead, trail, ..] => Step::of(character(lead, trail), 2),
        _ => Step::Malformed(1),
    }
}
