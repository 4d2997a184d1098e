//! The recorder of a whole header: it hears of everything that the walk passes, in order.

use std::fmt::Debug;

use super::Creator;
use crate::gathered::{ContextIndex, Gathered};
use crate::vr::Letters;

/// An element as the walk passes it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Of the element.
    pub tag: u32,
    /// None where the file says none.
    pub vr: Option<Letters>,
    /// The creator that reserved its block.
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
    /// The values kept so far.
    pub gathered: &'a Gathered,
}

/// Told of everything that the walk passes.
pub trait Record: Debug {
    /// Whether a value is wanted; of others only position and length are told.
    fn wants(&self, seen: &Seen<'_>) -> bool;

    /// An element with a value.
    fn leaf(&mut self, seen: &Seen<'_>, value: &SeenValue<'_>);

    /// A sequence begins.
    fn begin_sequence(&mut self, seen: &Seen<'_>);

    /// It ends.
    fn end_sequence(&mut self);

    /// An item of the sequence begun last begins; `depth` is that of its elements.
    fn begin_item(&mut self, index: u32, depth: u32, position: Option<u64>, length: Option<u32>);

    /// It ends.
    fn end_item(&mut self);
}
