//! Repeats: values with the same bytes as in the files before are neither copied nor decoded again.

use super::{ContextIndex, RawValue};
use crate::vr::Letters;

/// Longer values are decoded each time.
pub(crate) const LENGTH_LIMIT: usize = 128;

/// The last value of a column that was typed without a finding.
#[derive(Debug, Default)]
pub struct Repeat {
    known: bool,
    vr: Option<Letters>,
    little: bool,
    tag: u32,
    bytes: Vec<u8>,
}

impl Repeat {
    /// Whether a value is the one that is known.
    #[inline]
    pub(crate) fn matches(&self, raw: &RawValue<'_>) -> bool {
        self.known && self.tag == raw.tag && self.vr == raw.vr && self.little == raw.little && self.bytes == raw.value
    }

    /// Forgets what is known.
    pub(crate) const fn forget(&mut self) {
        self.known = false;
    }

    /// A column was set to a cell of this value, which says it all: whatever the file, the same bytes give the same cell.
    pub(crate) fn remember(&mut self, raw: &RawValue<'_>) {
        self.known = raw.value.len() <= LENGTH_LIMIT;
        if self.known {
            self.vr = raw.vr;
            self.little = raw.little;
            self.tag = raw.tag;
            self.bytes.clear();
            self.bytes.extend_from_slice(raw.value);
        }
    }

    /// The value.
    pub(crate) fn value(&self) -> RawValue<'_> {
        let context = ContextIndex::TOP;
        RawValue { tag: self.tag, vr: self.vr, value: &self.bytes, position: None, little: self.little, context }
    }
}
