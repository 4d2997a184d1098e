//! Tables of what stands inside the sequences of a header: one pass of the walk feeds any number of them.
//!
//! A [`TakerKind`] declares a table: its columns, and the elements that it wants to be told of. It makes [`RowTaker`]s, one for each decoder,
//! which hear of these elements in the order of the file and make rows of them. A file that has none of the elements costs nothing: what
//! takers want is part of [`Wanted`](crate::wanted::Wanted), so the walk asks one list for columns and takers together. Takers change nothing
//! in what the other tables say of a file.

mod attribute;
mod content_items;
mod frames;
mod items;
mod numbered;
mod outline;
mod outlined;
mod references;
mod rows;
mod segments;
mod standard;

use std::fmt::Debug;
use std::sync::Arc;

use crate::gathered::{Gathered, RawValue};
use crate::value::typed::ItemType;

pub use crate::wish::{TakerSet, TakerWish, TopElements};
pub use frames::{FrameAttribute, FrameTable};
pub use items::ItemTable;
pub use rows::FileRows;
pub use standard::standard_takers;

/// A column of a taker's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenColumn {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub item: ItemType,
    /// Whether a cell is a list.
    pub is_list: bool,
}

/// Declares a table, and makes its takers.
pub trait TakerKind: Debug + Send + Sync {
    /// The name of the table.
    fn table(&self) -> &str;

    /// Its columns; keys of the instance and the number of the file are added to each row.
    fn columns(&self) -> Vec<TakenColumn>;

    /// The elements that its takers want to hear of.
    fn wish(&self) -> TakerWish;

    /// A taker for the files of one decoder.
    fn taker(&self) -> Box<dyn RowTaker>;
}

/// Makes rows of one table out of what the walk passes.
///
/// Beginnings and ends are told in pairs, whatever is wrong with the file. Sequences nested too deep for the walk, and items that stand
/// outside a sequence, are not told of.
pub trait RowTaker: Debug + Send {
    /// The first wanted element of a file follows; nothing of files before counts.
    fn begin_file(&mut self);

    /// A sequence begins.
    fn begin_sequence(&mut self, _tag: u32, _rows: &mut FileRows) {}

    /// The sequence begun last ends.
    fn end_sequence(&mut self, _rows: &mut FileRows) {}

    /// An item of the sequence begun last begins; `index` counts from 0.
    fn begin_item(&mut self, _index: u32, _rows: &mut FileRows) {}

    /// The item begun last ends.
    fn end_item(&mut self, _rows: &mut FileRows) {}

    /// A wanted value of the data set begun last; `gathered` says in which character set it stands.
    fn leaf(&mut self, _value: &RawValue<'_>, _gathered: &Gathered, _rows: &mut FileRows) {}

    /// The header has ended, or nothing more can be read of it.
    fn end_file(&mut self, _gathered: &Gathered, _rows: &mut FileRows) {}
}

/// The takers of one decoder, with the rows that they made of the file at hand.
#[derive(Debug, Default)]
pub struct Takers {
    takers: Vec<(Box<dyn RowTaker>, FileRows)>,
    /// Those that were told of something in this file.
    told: TakerSet,
}

impl Takers {
    /// A taker of each kind.
    #[must_use]
    pub fn new(kinds: &[Arc<dyn TakerKind>]) -> Self {
        let taker = |kind: &Arc<dyn TakerKind>| (kind.taker(), FileRows::new(kind.columns().len()));
        Self { takers: kinds.iter().map(taker).collect(), told: TakerSet::NONE }
    }

    /// Begins a file.
    pub const fn begin_file(&mut self) {
        self.told = TakerSet::NONE;
    }

    /// Those that were told of something in this file.
    #[inline]
    #[must_use]
    pub const fn told(&self) -> TakerSet {
        self.told
    }

    /// Tells some of them of something.
    pub fn tell(&mut self, set: TakerSet, mut say: impl FnMut(&mut dyn RowTaker, &mut FileRows)) {
        for place in set.places() {
            if let Some((taker, rows)) = self.takers.get_mut(place) {
                let one = TakerSet::of(place);
                if !self.told.contains(one) {
                    self.told = self.told.union(one);
                    rows.clear();
                    taker.begin_file();
                }
                say(taker.as_mut(), rows);
            }
        }
    }

    /// Ends a file.
    pub fn end_file(&mut self, gathered: &Gathered) {
        self.tell(self.told, |taker, rows| taker.end_file(gathered, rows));
    }

    /// The rows that a taker made of this file, by its place in the plan.
    pub fn rows(&mut self, place: usize) -> Option<&mut FileRows> {
        self.takers.get_mut(place).map(|(_, rows)| rows)
    }
}
