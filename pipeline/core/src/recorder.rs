//! Who wants the whole header is told of everything that the walk passes, in order.

use crate::gathered::{ContextIndex, Gathered};
use crate::json::JsonRecorder;
use crate::tree::TreeRecorder;
use crate::vr::Letters;
use crate::walk::Creator;

/// An element as the walk passes it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Of the element.
    pub tag: u32,
    /// None where the file says none.
    pub vr: Option<Letters>,
    /// Who reserved its block.
    pub creator: Option<&'a Creator>,
    /// How many sequences are around its data set.
    pub depth: u32,
    /// Offset of the value in the file; None when inflated.
    pub position: Option<u64>,
    /// In bytes; None when undefined.
    pub length: Option<u32>,
}

/// The value of an element, and what it takes to understand it.
#[derive(Clone, Copy, Debug)]
pub struct SeenValue<'a> {
    /// Its bytes; None where it was passed over.
    pub bytes: Option<&'a [u8]>,
    /// Whether its numbers stand in little endian.
    pub little: bool,
    /// The nearest data set in which something was kept.
    pub context: ContextIndex,
    /// What was kept so far.
    pub gathered: &'a Gathered,
}

/// Takes the whole header.
#[derive(Debug)]
pub enum Recorder {
    /// As DICOM JSON.
    Json(JsonRecorder),
    /// As a tree to look at.
    Tree(TreeRecorder),
}

impl Recorder {
    /// Whether a value is wanted; of others only position and length are told.
    #[must_use]
    pub fn wants(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::Json(json) => json.wants(seen),
            Self::Tree(tree) => tree.wants(seen),
        }
    }

    /// An element with a value.
    pub fn leaf(&mut self, seen: &Seen<'_>, value: &SeenValue<'_>) {
        match self {
            Self::Json(json) => json.leaf(seen, value),
            Self::Tree(tree) => tree.leaf(seen, value),
        }
    }

    /// A sequence begins.
    pub fn begin_sequence(&mut self, seen: &Seen<'_>) {
        match self {
            Self::Json(json) => json.begin_sequence(seen.tag),
            Self::Tree(tree) => tree.begin_sequence(seen),
        }
    }

    /// It ends.
    pub fn end_sequence(&mut self) {
        if let Self::Json(json) = self {
            json.end_sequence();
        }
    }

    /// An item of the sequence begun last begins; `depth` is that of its elements.
    pub fn begin_item(&mut self, index: u32, depth: u32, position: Option<u64>, length: Option<u32>) {
        match self {
            Self::Json(json) => json.begin_item(),
            Self::Tree(tree) => tree.begin_item(index, depth, position, length),
        }
    }

    /// It ends.
    pub fn end_item(&mut self) {
        if let Self::Json(json) = self {
            json.end_item();
        }
    }
}
