//! Takers that make their rows when a file has ended, of its outline.

use super::outline::Outline;
use super::{FileRows, RowTaker};
use crate::gathered::{Gathered, RawValue};
use crate::value::CharacterSets;

/// Makes the rows of one file.
pub(super) type MakeRows = fn(&Outline, &Gathered, &mut CharacterSets, &mut FileRows);

/// Keeps the outline of a file, and makes rows of it in the end.
#[derive(Debug)]
pub(super) struct OutlineTaker {
    outline: Outline,
    sets: CharacterSets,
    make_rows: MakeRows,
}

impl OutlineTaker {
    pub fn new(make_rows: MakeRows) -> Self {
        Self { outline: Outline::default(), sets: CharacterSets::default(), make_rows }
    }
}

impl RowTaker for OutlineTaker {
    fn begin_file(&mut self) {
        self.outline.clear();
    }

    fn begin_sequence(&mut self, tag: u32, _: &mut FileRows) {
        self.outline.begin_sequence(tag);
    }

    fn end_sequence(&mut self, _: &mut FileRows) {
        self.outline.end();
    }

    fn begin_item(&mut self, index: u32, _: &mut FileRows) {
        self.outline.begin_item(index);
    }

    fn end_item(&mut self, _: &mut FileRows) {
        self.outline.end();
    }

    fn leaf(&mut self, value: &RawValue<'_>, _: &Gathered, _: &mut FileRows) {
        self.outline.value(value);
    }

    fn end_file(&mut self, gathered: &Gathered, rows: &mut FileRows) {
        self.outline.end_file();
        (self.make_rows)(&self.outline, gathered, &mut self.sets, rows);
    }
}
