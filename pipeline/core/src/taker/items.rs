//! A table of one row for each item of a sequence, with values that stand in the item itself.
//!
//! The simplest taker, by which tests hold the walk to what it tells takers.

use super::{FileRows, RowTaker, TakenColumn, TakerKind, TakerWish, TopElements};
use crate::gathered::{Gathered, RawValue};
use crate::value::CharacterSets;
use crate::value::typed::{Noted, ReadColumn, Scalar, Typed, typed};

/// One row for each item of a sequence of the outermost data set; or, without a sequence, of every sequence wherever it stands.
#[derive(Clone, Debug)]
pub struct ItemTable {
    /// The name of the table.
    pub table: String,
    /// The tag of the sequence; None for every sequence.
    pub sequence: Option<u32>,
    /// Columns of values that stand in the item itself.
    pub columns: Vec<ReadColumn>,
}

impl TakerKind for ItemTable {
    fn table(&self) -> &str {
        &self.table
    }

    fn columns(&self) -> Vec<TakenColumn> {
        let taken =
            |column: &ReadColumn| TakenColumn { name: column.name.clone(), item: column.item, is_list: column.is_list };
        self.columns.iter().map(taken).collect()
    }

    fn wish(&self) -> TakerWish {
        let top = self.sequence.map_or(TopElements::EverySequence, |tag| TopElements::These(vec![tag]));
        TakerWish { top, leaves: self.columns.iter().map(|column| column.tag).collect() }
    }

    fn taker(&self) -> Box<dyn RowTaker> {
        Box::new(ItemTaker { table: self.clone(), open: vec![], sets: CharacterSets::default() })
    }
}

#[derive(Debug)]
struct ItemTaker {
    table: ItemTable,
    /// The row of each item around, where it has one.
    open: Vec<Option<u32>>,
    sets: CharacterSets,
}

impl RowTaker for ItemTaker {
    fn begin_file(&mut self) {
        self.open.clear();
    }

    fn begin_item(&mut self, _: u32, rows: &mut FileRows) {
        let is_wanted = self.table.sequence.is_none() || self.open.is_empty();
        self.open.push(if is_wanted { rows.add_row() } else { None });
    }

    fn end_item(&mut self, _: &mut FileRows) {
        self.open.pop();
    }

    fn leaf(&mut self, value: &RawValue<'_>, gathered: &Gathered, rows: &mut FileRows) {
        let Some(Some(row)) = self.open.last().copied() else {
            return;
        };
        for (place, column) in self.table.columns.iter().enumerate().filter(|(_, column)| column.tag == value.tag) {
            let cell = typed(column, value, gathered, &mut self.sets, &mut Noted::default());
            if cell != Typed::One(Scalar::Null) {
                rows.set(row, place, cell.into_owned());
            }
        }
    }
}
