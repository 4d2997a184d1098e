//! The raw values that the walk kept: for each column one, or a list where it gathers over items.
//!
//! Bytes are copied out of the window as they are kept, so that the window can move on. What is kept is a small multiple of the bytes
//! that it came from.

mod raw;
mod repeat;

use crate::label::{push_label, push_step};
use crate::text::names_character_set;
use crate::vr::Letters;
use crate::wanted::{ColumnIndex, PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET, WantedElement};

pub use raw::{ContextIndex, RawValue};

pub(crate) use repeat::LENGTH_LIMIT as REPEAT_LENGTH_LIMIT;
use repeat::Repeat;

/// An index into the raw values.
type ValueIndex = u32;
const NONE: u32 = u32::MAX;
/// In place of an index: the value is the one that the column's repeat has.
const REPEATED: u32 = u32::MAX - 1;

/// A value that was kept; small, since there are a hundred in a file.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// [`NO_POSITION`] when inflated.
    position: u64,
    from: u32,
    to: u32,
    tag: u32,
    context: ContextIndex,
    vr: Option<Letters>,
    little: bool,
}

const NO_POSITION: u64 = u64::MAX;

/// A data set in which something was kept: where it stands, and what says how its values are to be read.
#[derive(Clone, Copy, Debug)]
struct Context {
    parent: u32,
    sequence_tag: u32,
    item: u32,
    character_set: ValueIndex,
    pixel_representation: ValueIndex,
}

/// The values kept for a column.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// Nothing.
    Absent,
    /// A value.
    One(RawValue<'a>),
    /// For each item of the sequence that it gathers over, a value or none.
    Many(Entries<'a>),
}

/// The entries of a column that gathers over items.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    gathered: &'a Gathered,
    entries: &'a [ValueIndex],
}

impl<'a> Entries<'a> {
    /// The entries in order.
    pub fn iter(self) -> impl Iterator<Item = Option<RawValue<'a>>> {
        self.entries.iter().map(move |entry| self.gathered.value(*entry))
    }
}

/// The raw values of one file, by index of column.
#[derive(Debug, Default)]
pub struct Gathered {
    cells: Vec<ValueIndex>,
    /// A bit for each column for which something was kept.
    touched: Vec<u64>,
    /// Likewise where it is what the column's repeat has.
    repeated: Vec<u64>,
    repeats: Vec<Repeat>,
    lists: Vec<Vec<ValueIndex>>,
    list_of_column: Vec<u32>,
    begun: Vec<bool>,
    kept: Vec<Kept>,
    bytes: Vec<u8>,
    contexts: Vec<Context>,
    /// Values that a later copy of their element took the place of, in the order in which they stand.
    earlier: Vec<Earlier>,
    /// Lists likewise, of a sequence that comes again, with their column.
    earlier_lists: Vec<(ColumnIndex, Vec<ValueIndex>)>,
}

/// A value that a later copy of its element took the place of.
#[derive(Clone, Copy, Debug)]
struct Earlier {
    column: ColumnIndex,
    /// Which entry of a list over items it is.
    entry: Option<u32>,
    value: ValueIndex,
}

/// The most earlier copies that are kept of one file.
const EARLIER_LIMIT: usize = 64;

impl Gathered {
    /// Room for columns, of which `gathering` ones gather over items.
    #[must_use]
    pub fn new(columns: usize, gathering: &[ColumnIndex]) -> Self {
        let mut gathered = Self {
            cells: vec![NONE; columns],
            touched: vec![0; columns.div_ceil(64)],
            repeated: vec![0; columns.div_ceil(64)],
            repeats: std::iter::repeat_with(Repeat::default).take(columns).collect(),
            list_of_column: vec![NONE; columns],
            lists: vec![vec![]; gathering.len()],
            begun: vec![false; gathering.len()],
            ..Self::default()
        };
        for (list, column) in gathering.iter().enumerate() {
            if let Some(place) = gathered.list_of_column.get_mut(usize::from(*column)) {
                *place = u32::try_from(list).unwrap_or(NONE);
            }
        }
        gathered.clear();
        gathered
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cells.fill(NONE);
        self.touched.fill(0);
        self.repeated.fill(0);
        self.lists.iter_mut().for_each(Vec::clear);
        self.begun.fill(false);
        self.kept.clear();
        self.bytes.clear();
        self.contexts.clear();
        self.earlier.clear();
        self.earlier_lists.clear();
        let outermost =
            Context { parent: NONE, sequence_tag: 0, item: 0, character_set: NONE, pixel_representation: NONE };
        self.contexts.extend([outermost; 2]);
        // What one file made large is not carried through all others.
        const KEPT_CAPACITY: usize = 1 << 20;
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.kept.shrink_to(KEPT_CAPACITY);
        self.contexts.shrink_to(KEPT_CAPACITY);
        self.lists.iter_mut().for_each(|list| list.shrink_to(KEPT_CAPACITY));
    }

    /// The context of an item inside another.
    pub fn begin_context(&mut self, parent: ContextIndex, sequence_tag: u32, item: u32) -> ContextIndex {
        let index = u32::try_from(self.contexts.len()).unwrap_or(NONE);
        self.contexts.push(Context {
            parent: parent.0,
            sequence_tag,
            item,
            character_set: NONE,
            pixel_representation: NONE,
        });
        ContextIndex(index)
    }

    /// Keeps a value. An element that comes twice in a data set is in error (PS3.5 7.1); the last copy that can be typed counts.
    #[inline]
    pub fn keep(&mut self, element: &WantedElement, value: &RawValue<'_>) {
        if let ([column], [], false) = (&*element.columns, &*element.gathered_columns, element.context)
            && let (at, column) = (usize::from(*column), *column)
            && self.repeats.get(at).is_some_and(|repeat| repeat.matches(value))
        {
            if let (Some(cell), Some(bits)) = (self.cells.get_mut(at), self.repeated.get_mut(at >> 6)) {
                *cell = REPEATED;
                *bits |= 1 << (column & 63);
            }
            return;
        }
        self.keep_anew(element, value);
    }

    fn keep_anew(&mut self, element: &WantedElement, value: &RawValue<'_>) {
        // Offsets are of 32 bits: what one file keeps is bounded by header_limit, which is not above 4 GiB.
        let from = u32::try_from(self.bytes.len()).unwrap_or(NONE);
        self.bytes.extend_from_slice(value.value);
        let to = u32::try_from(self.bytes.len()).unwrap_or(NONE);
        let index = u32::try_from(self.kept.len()).unwrap_or(NONE);
        let RawValue { tag, vr, position, little, context, .. } = *value;
        self.kept.push(Kept { position: position.unwrap_or(NO_POSITION), from, to, tag, context, vr, little });
        if element.context
            && let Some(context) = self.contexts.get_mut(context.0 as usize)
        {
            // A second copy that says nothing does not take the place of the first; one copy need not be looked at.
            match tag {
                SPECIFIC_CHARACTER_SET if context.character_set == NONE || names_character_set(value.value) => {
                    context.character_set = index;
                }
                PIXEL_REPRESENTATION if context.pixel_representation == NONE || value.value.len() == 2 => {
                    context.pixel_representation = index;
                }
                _ => {}
            }
        }
        for column in &element.columns {
            if let Some(cell) = self.cells.get_mut(usize::from(*column)) {
                let before = std::mem::replace(cell, index);
                self.keep_earlier(*column, None, before);
            }
            self.touch(*column);
        }
        for column in &element.gathered_columns {
            let Some((list, _)) = self.list_mut(*column) else {
                continue;
            };
            let entry = u32::try_from(list.len().saturating_sub(1)).ok();
            if let Some(last) = list.last_mut() {
                let before = std::mem::replace(last, index);
                self.keep_earlier(*column, entry, before);
            }
        }
    }

    fn keep_earlier(&mut self, column: ColumnIndex, entry: Option<u32>, value: ValueIndex) {
        if value != NONE && self.earlier.len() < EARLIER_LIMIT {
            self.earlier.push(Earlier { column, entry, value });
        }
    }

    fn touch(&mut self, column: ColumnIndex) {
        let place = usize::from(column >> 6);
        if let (Some(touched), Some(repeated)) = (self.touched.get_mut(place), self.repeated.get_mut(place)) {
            *touched |= 1 << (column & 63);
            *repeated &= !(1 << (column & 63));
        }
    }

    /// The columns for which something was kept that their repeat does not have, in order; for some of them it may not count any more.
    pub fn touched(&self) -> impl Iterator<Item = usize> {
        let words = self.touched.iter().zip(&self.repeated).enumerate();
        words.flat_map(|(place, (touched, repeated))| bits(place, touched & !repeated))
    }

    /// The columns whose value is the one that their repeat has: a bit for each.
    #[must_use]
    pub fn repeated(&self) -> &[u64] {
        &self.repeated
    }

    fn list_mut(&mut self, column: ColumnIndex) -> Option<(&mut Vec<ValueIndex>, &mut bool)> {
        let list = *self.list_of_column.get(usize::from(column))? as usize;
        Some((self.lists.get_mut(list)?, self.begun.get_mut(list)?))
    }

    /// A sequence begins that has items: what an earlier one of the same tag left does not count.
    pub fn begin_sequence(&mut self, element: &WantedElement) {
        for column in &element.nested_columns {
            if let Some(cell) = self.cells.get_mut(usize::from(*column)) {
                let before = std::mem::replace(cell, NONE);
                self.keep_earlier(*column, None, before);
            }
            self.touch(*column);
            if let Some((list, begun)) = self.list_mut(*column) {
                let before = std::mem::take(list);
                *begun = false;
                if !before.is_empty() && self.earlier_lists.len() < EARLIER_LIMIT {
                    self.earlier_lists.push((*column, before));
                }
            }
        }
    }

    /// An item begins: lists that gather over the items get an entry, so that lists of one sequence line up.
    pub fn begin_item(&mut self, element: &WantedElement) {
        for column in &element.gathering_columns {
            if let Some((list, begun)) = self.list_mut(*column) {
                list.push(NONE);
                *begun = true;
                self.touch(*column);
            }
        }
    }

    #[inline]
    fn value(&self, index: ValueIndex) -> Option<RawValue<'_>> {
        if index == NONE {
            return None;
        }
        let Kept { tag, vr, little, context, from, to, position } = *self.kept.get(index as usize)?;
        let value = self.bytes.get(from as usize..to as usize)?;
        let position = (position != NO_POSITION).then_some(position);
        Some(RawValue { tag, vr, value, position, little, context })
    }

    /// The values kept for a column.
    #[must_use]
    #[inline]
    pub fn cell(&self, column: usize) -> Cell<'_> {
        let list = self.list_of_column.get(column).copied().unwrap_or(NONE);
        if list != NONE {
            return match (self.lists.get(list as usize), self.begun.get(list as usize)) {
                (Some(entries), Some(true)) => Cell::Many(Entries { gathered: self, entries }),
                _ => Cell::Absent,
            };
        }
        let index = self.cells.get(column).copied().unwrap_or(NONE);
        if index == REPEATED {
            return self.repeats.get(column).map_or(Cell::Absent, |repeat| Cell::One(repeat.value()));
        }
        self.value(index).map_or(Cell::Absent, Cell::One)
    }

    /// The values of a column (or of an entry of its list) that a later copy took the place of, the last one first.
    pub fn earlier(&self, column: usize, entry: Option<u32>) -> impl Iterator<Item = RawValue<'_>> {
        let is_of = move |earlier: &&Earlier| usize::from(earlier.column) == column && earlier.entry == entry;
        self.earlier.iter().rev().filter(is_of).filter_map(move |earlier| match earlier.value {
            REPEATED => self.repeats.get(column).map(Repeat::value),
            value => self.value(value),
        })
    }

    /// The lists of a column that a later copy of their sequence took the place of, the last one first.
    pub fn earlier_lists(&self, column: usize) -> impl Iterator<Item = Entries<'_>> {
        let of_column = self.earlier_lists.iter().rev().filter(move |(of, _)| usize::from(*of) == column);
        of_column.map(|(_, entries)| Entries { gathered: self, entries })
    }

    /// The values of (0008,0005), each of a data set.
    pub fn character_sets(&self) -> impl Iterator<Item = RawValue<'_>> {
        let of = |context: &Context| self.value(context.character_set);
        self.contexts.iter().filter(|context| context.character_set != NONE).filter_map(of)
    }

    /// A column was set to a cell of its value, without a finding. Where the same bytes give the same cell whatever the file, they need
    /// not be decoded again.
    pub fn remember(&mut self, column: usize) {
        let index = self.cells.get(column).copied().unwrap_or(NONE);
        let (Some(repeat), Some(kept)) = (self.repeats.get_mut(column), self.kept.get(index as usize)) else {
            return;
        };
        if let Some(value) = self.bytes.get(kept.from as usize..kept.to as usize) {
            let Kept { tag, vr, little, context, .. } = *kept;
            repeat.remember(&RawValue { tag, vr, value, position: None, little, context });
        }
    }

    /// Forgets the repeat of a column.
    pub fn forget(&mut self, column: usize) {
        self.repeats.get_mut(column).map(Repeat::forget);
    }

    /// Nothing that was learnt holds any more.
    pub fn forget_all(&mut self) {
        self.repeats.iter_mut().for_each(Repeat::forget);
    }

    /// The raw value of (0008,0005) that applies in a data set: its own, else that of the nearest one around it (PS3.5 7.5.3).
    #[must_use]
    pub fn character_set(&self, context: ContextIndex) -> Option<&[u8]> {
        self.inherited(context, |context| context.character_set)
    }

    /// Whether (0028,0103), its own or the nearest one's, says that pixels are signed.
    #[must_use]
    pub fn is_signed(&self, context: ContextIndex) -> bool {
        let representation = self.inherited(context, |context| context.pixel_representation);
        matches!(representation, Some([1, 0] | [0, 1]))
    }

    fn inherited(&self, context: ContextIndex, element: impl Fn(&Context) -> ValueIndex) -> Option<&[u8]> {
        let mut at = context.0;
        while let Some(context) = self.contexts.get(at as usize) {
            if let Some(found) = self.value(element(context)) {
                return Some(found.value);
            }
            at = context.parent;
        }
        None
    }

    /// The path of an element in a data set: keywords, and tags in hex where there is not a keyword.
    #[must_use]
    pub fn path(&self, context: ContextIndex, tag: u32) -> String {
        let mut steps: Vec<(u32, u32)> = vec![];
        let mut at = context.0;
        while let Some(context) = self.contexts.get(at as usize).filter(|context| context.parent != NONE) {
            steps.push((context.sequence_tag, context.item));
            at = context.parent;
        }
        let mut path = String::new();
        push_steps(&mut path, steps.iter().rev().copied(), steps.len());
        push_label(&mut path, tag);
        path
    }
}

/// Writes the steps down to a data set, each with a trailing dot; of a path that is very deep the outer steps tell where it is.
pub fn push_steps(path: &mut String, steps: impl Iterator<Item = (u32, u32)>, count: usize) {
    const STEPS_TOLD: usize = 32;
    for (sequence_tag, item) in steps.take(STEPS_TOLD) {
        push_step(path, sequence_tag, item);
    }
    if count > STEPS_TOLD {
        path.push_str("… ");
    }
}

/// The places of the bits that are set in a word of a list of words.
pub fn bits(place: usize, word: u64) -> impl Iterator<Item = usize> {
    let mut left = word;
    std::iter::from_fn(move || {
        let bit = (left != 0).then(|| left.trailing_zeros())?;
        left &= left.wrapping_sub(1);
        Some(place.wrapping_shl(6) | bit as usize)
    })
}
