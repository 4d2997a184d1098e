//! A value as it stands in the file.

use crate::vr::Letters;

/// Which data set a value stands in: an index into the contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextIndex(pub(super) u32);

impl ContextIndex {
    /// The context of the outermost data set.
    pub const TOP: Self = Self(0);
    /// The context of group 2, which the data set's character set does not apply to.
    pub const META: Self = Self(1);
}

/// A value as it stands in the file, with what is needed to understand it.
#[derive(Clone, Copy, Debug)]
pub struct RawValue<'a> {
    /// Of the element.
    pub tag: u32,
    /// None where the file says none.
    pub vr: Option<Letters>,
    /// Its bytes.
    pub value: &'a [u8],
    /// Its offset in the file; None when inflated.
    pub position: Option<u64>,
    /// Whether its numbers stand in little endian.
    pub little: bool,
    /// The data set that it stands in.
    pub context: ContextIndex,
}
