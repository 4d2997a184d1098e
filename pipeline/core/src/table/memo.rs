//! What the last files said: values that come again need not be decoded again.

use crate::gathered::RawValue;
use crate::value::typed::{ReadColumn, Typed};
use crate::value::{DictionaryVr, telling_vr};
use crate::vr::Letters;

/// Longer values are decoded each time.
const LENGTH_LIMIT: usize = 128;

/// The last value of a column that was typed without a finding.
#[derive(Debug, Default)]
pub(super) struct Memo {
    known: bool,
    vr: Option<Letters>,
    little: bool,
    bytes: Vec<u8>,
    /// The cell, where it is a list; a scalar is still there as the last of its column.
    pub list: Option<Typed<'static>>,
}

impl Memo {
    /// Whether a value is the one that is known.
    pub(super) fn knows(&self, raw: &RawValue<'_>) -> bool {
        self.known && self.bytes == raw.value && self.vr == raw.vr && self.little == raw.little
    }

    /// Forgets what is known.
    pub(super) const fn forget(&mut self) {
        self.known = false;
    }

    /// A column was set to a cell. It is remembered where nothing is wrong with it and VR, bytes and byte order say it all: not so for
    /// characters beyond ASCII, escape sequences, and what goes by PixelRepresentation.
    pub(super) fn learn(&mut self, column: &ReadColumn, raw: &RawValue<'_>, cell: &Typed<'_>, is_sound: bool) {
        let says_it_all = column.vr != DictionaryVr::BySign || telling_vr(raw.vr).is_some();
        let is_plain = raw.value.is_ascii() && !raw.value.contains(&0x1B);
        self.known = is_sound && says_it_all && is_plain && raw.value.len() <= LENGTH_LIMIT;
        if self.known {
            self.vr = raw.vr;
            self.little = raw.little;
            self.bytes.clear();
            self.bytes.extend_from_slice(raw.value);
            self.list = cell.to_owned_list();
        }
    }
}
