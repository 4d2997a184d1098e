//! The wishes for a data set, looked up by tag: built once from the paths of the columns, so that the walk asks one list an element.
//!
//! `[k]` and `[*]` of one sequence meet in the same item, so what is wanted of an item depends on its index.

use std::collections::BTreeMap;

use crate::wish::{TakerSet, TakerWish, TopElements};

/// (0008,0005), which says how texts of its data set are to be read.
pub const SPECIFIC_CHARACTER_SET: u32 = 0x0008_0005;
/// (0028,0103), which says whether `US or SS` is signed.
pub const PIXEL_REPRESENTATION: u32 = 0x0028_0103;

/// One step of a column's path: an element, and which of its items to go into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The tag; of a private element without its block, `group << 16 | low byte`.
    pub tag: u32,
    /// The creator of a private element.
    pub creator: Option<String>,
    /// None for a leaf.
    pub item: Option<ItemChoice>,
}

/// Which items of a sequence a step goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemChoice {
    /// The one of this index.
    At(u32),
    /// Every one (`[*]`).
    Every,
}

/// The index of a column.
pub type ColumnIndex = u16;

/// Which data set is wanted of: an index into [`Wanted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSetWish(u32);

/// Which element is wanted of: an index into the elements of [`Wanted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementWish(u32);

/// The wishes for an element: its value, for some columns; its items, for others.
#[derive(Debug, Default)]
pub struct WantedElement {
    /// Columns that its value is for.
    pub columns: Vec<ColumnIndex>,
    /// Columns for which its value is an entry of a list over items further out.
    pub gathered_columns: Vec<ColumnIndex>,
    /// Columns inside its items that gather over nothing further out.
    pub nested_columns: Vec<ColumnIndex>,
    /// Columns that gather over its items, and over none further in.
    pub gathering_columns: Vec<ColumnIndex>,
    /// Whether it says how others of its data set are to be read.
    pub context: bool,
    /// The row takers that are told of it, and of everything inside.
    pub takers: TakerSet,
    items: BTreeMap<u32, DataSetWish>,
    every_item: Option<DataSetWish>,
}

impl WantedElement {
    /// Whether its value is wanted for a column.
    #[must_use]
    pub fn has_value(&self) -> bool {
        !self.columns.is_empty() || !self.gathered_columns.is_empty()
    }

    /// Whether something of it is wanted for a column, or to read others.
    #[must_use]
    pub fn is_for_columns(&self) -> bool {
        self.has_value() || self.has_items() || self.context
    }

    /// Whether something inside its items is wanted.
    #[must_use]
    pub fn has_items(&self) -> bool {
        self.every_item.is_some()
    }

    /// The wishes for the item at `index`.
    #[must_use]
    pub fn item(&self, index: u32) -> DataSetWish {
        self.items.get(&index).copied().or(self.every_item).unwrap_or(Wanted::NOTHING)
    }
}

/// The wishes for a data set.
#[derive(Debug, Default)]
pub struct WantedDataSet {
    tags: Vec<u32>,
    elements: Vec<ElementWish>,
    private: Vec<(u32, String, ElementWish)>,
}

impl WantedDataSet {
    /// The wanted element of a tag. `near` is where the last one was found, and is moved: tags mostly come in ascending order, so that it
    /// mostly is the next.
    #[must_use]
    #[inline]
    pub fn element(&self, tag: u32, near: &mut usize) -> Option<ElementWish> {
        let mut at = *near;
        if at > 0 && self.tags.get(at.wrapping_sub(1)).is_some_and(|before| *before >= tag) {
            at = self.tags.partition_point(|wanted| *wanted < tag);
        }
        while self.tags.get(at).is_some_and(|wanted| *wanted < tag) {
            at = at.wrapping_add(1);
        }
        *near = at;
        if self.tags.get(at) == Some(&tag) { self.elements.get(at).copied() } else { None }
    }

    /// Whether private elements are wanted.
    #[must_use]
    pub fn has_private(&self) -> bool {
        !self.private.is_empty()
    }

    /// The wanted private element of a tag in the block of a creator.
    #[must_use]
    pub fn private_element(&self, tag: u32, creator: Option<&str>) -> Option<ElementWish> {
        let (tag, creator) = (tag & 0xFFFF_00FF, creator?);
        self.private.iter().find(|(wanted, name, _)| *wanted == tag && name == creator).map(|(_, _, element)| *element)
    }
}

/// The wishes for all data sets: the outermost, and those inside.
#[derive(Debug)]
pub struct Wanted {
    data_sets: Vec<WantedDataSet>,
    elements: Vec<WantedElement>,
    /// The takers that are told of every sequence at top level.
    every_sequence: TakerSet,
    /// Of these the takers that are told of nothing before a value is met that they want.
    around_leaves: TakerSet,
    /// The sequences that takers are told of wherever they stand, by tag.
    anywhere: Vec<(u32, TakerSet)>,
    /// The values inside sequences that takers are told of, by tag.
    taken_leaves: Vec<(u32, TakerSet)>,
    /// A bit for each tag among them, by [`LeafFilter`].
    leaf_filter: LeafFilter,
    nothing: WantedDataSet,
    no_element: WantedElement,
}

/// Tells quickly that a tag is not among some: nearly all tags of a file are not.
#[derive(Clone, Copy, Debug, Default)]
struct LeafFilter([u64; 16]);

impl LeafFilter {
    /// The word and the bit of a tag.
    const fn place(tag: u32) -> (usize, u32) {
        let hash = tag.wrapping_mul(0x9E37_79B1) >> 22;
        ((hash >> 6) as usize, hash & 63)
    }

    fn add(&mut self, tag: u32) {
        let (word, bit) = Self::place(tag);
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    #[inline]
    fn may_have(&self, tag: u32) -> bool {
        let (word, bit) = Self::place(tag);
        self.0.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }
}

/// Adds a taker to those of a tag, in a list that is sorted by tag.
fn add(list: &mut Vec<(u32, TakerSet)>, tag: u32, taker: TakerSet) {
    match list.binary_search_by_key(&tag, |(known, _)| *known) {
        Ok(at) => {
            if let Some((_, takers)) = list.get_mut(at) {
                *takers = takers.union(taker);
            }
        }
        Err(at) => list.insert(at, (tag, taker)),
    }
}

fn takers_of(list: &[(u32, TakerSet)], tag: u32) -> TakerSet {
    let found = list.binary_search_by_key(&tag, |(known, _)| *known);
    found.ok().and_then(|at| list.get(at)).map_or(TakerSet::NONE, |(_, takers)| *takers)
}

/// The rest of a column's path, the column's index, and whether a step gone before gathers over items.
type PathLeft<'a> = (&'a [Step], ColumnIndex, bool);

fn gathers_in(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.item == Some(ItemChoice::Every))
}

impl Wanted {
    /// Of a data set that no path goes into only its context is kept.
    pub const NOTHING: DataSetWish = DataSetWish(0);
    /// The outermost data set.
    pub const TOP: DataSetWish = DataSetWish(1);

    /// Makes it of the paths of columns, each with the column's index.
    #[must_use]
    pub fn new(paths: &[(&[Step], ColumnIndex)]) -> Self {
        let mut wanted = Self {
            data_sets: vec![],
            elements: vec![],
            every_sequence: TakerSet::NONE,
            around_leaves: TakerSet::NONE,
            anywhere: vec![],
            taken_leaves: vec![],
            leaf_filter: LeafFilter::default(),
            nothing: WantedDataSet::default(),
            no_element: WantedElement::default(),
        };
        wanted.data_sets.resize_with(2, WantedDataSet::default);
        let top = paths.iter().map(|(steps, column)| (*steps, *column, false)).collect();
        // A work list, so that no path is deep enough to matter.
        let mut open: Vec<(DataSetWish, Vec<PathLeft<'_>>)> = vec![(Self::NOTHING, vec![]), (Self::TOP, top)];
        while let Some((wish, paths)) = open.pop() {
            let made = wanted.data_set_of(&paths, &mut open);
            if let Some(place) = wanted.data_sets.get_mut(wish.0 as usize) {
                *place = made;
            }
        }
        wanted
    }

    /// Adds the wish of a row taker.
    pub fn add_taker(&mut self, taker: TakerSet, wish: &TakerWish) {
        match &wish.top {
            TopElements::EverySequence => self.every_sequence = self.every_sequence.union(taker),
            TopElements::AroundLeaves => {
                self.every_sequence = self.every_sequence.union(taker);
                self.around_leaves = self.around_leaves.union(taker);
            }
            TopElements::These(tags) => self.add_top(taker, tags),
            TopElements::Anywhere { sequences, top } => {
                self.add_top(taker, top);
                sequences.iter().for_each(|tag| add(&mut self.anywhere, *tag, taker));
            }
        }
        for tag in &wish.leaves {
            self.leaf_filter.add(*tag);
            add(&mut self.taken_leaves, *tag, taker);
        }
    }

    fn add_top(&mut self, taker: TakerSet, tags: &[u32]) {
        for tag in tags {
            let ElementWish(place) = self.top_element(*tag);
            if let Some(element) = self.elements.get_mut(place as usize) {
                element.takers = element.takers.union(taker);
            }
        }
    }

    /// The wanted element of a tag at top level, made where there is none.
    fn top_element(&mut self, tag: u32) -> ElementWish {
        let fresh = ElementWish(u32::try_from(self.elements.len()).unwrap_or(u32::MAX));
        let Some(top) = self.data_sets.get_mut(Self::TOP.0 as usize) else {
            return fresh;
        };
        match top.tags.binary_search(&tag) {
            Ok(at) => top.elements.get(at).copied().unwrap_or(fresh),
            Err(at) => {
                top.tags.insert(at, tag);
                top.elements.insert(at, fresh);
                self.elements.push(WantedElement::default());
                fresh
            }
        }
    }

    /// The takers that are told of a sequence at top level.
    #[must_use]
    pub fn takers_of_sequence(&self, wish: Option<ElementWish>) -> TakerSet {
        wish.map_or(TakerSet::NONE, |wish| self.element(wish).takers).union(self.every_sequence)
    }

    /// The takers that are told of a sequence wherever it stands.
    #[must_use]
    pub fn takers_anywhere(&self, tag: u32) -> TakerSet {
        takers_of(&self.anywhere, tag)
    }

    /// The takers that are told of nothing before a value is met that they want.
    #[must_use]
    pub const fn around_leaves(&self) -> TakerSet {
        self.around_leaves
    }

    /// The takers that want a value inside the sequences that they are told of.
    #[must_use]
    #[inline]
    pub fn takers_of_leaf(&self, tag: u32) -> TakerSet {
        if self.leaf_filter.may_have(tag) { takers_of(&self.taken_leaves, tag) } else { TakerSet::NONE }
    }

    fn data_set_of<'a>(
        &mut self,
        paths: &[PathLeft<'a>],
        open: &mut Vec<(DataSetWish, Vec<PathLeft<'a>>)>,
    ) -> WantedDataSet {
        let mut public: BTreeMap<u32, Vec<PathLeft<'a>>> = BTreeMap::new();
        public.insert(SPECIFIC_CHARACTER_SET, vec![]);
        public.insert(PIXEL_REPRESENTATION, vec![]);
        let mut private: BTreeMap<(u32, &'a str), Vec<PathLeft<'a>>> = BTreeMap::new();
        for path in paths {
            match path.0.first() {
                Some(Step { tag, creator: None, .. }) => public.entry(*tag).or_default().push(*path),
                Some(Step { tag, creator: Some(creator), .. }) => {
                    private.entry((*tag, creator.trim())).or_default().push(*path);
                }
                None => {}
            }
        }
        let mut made = WantedDataSet::default();
        for (tag, paths) in public {
            let context = matches!(tag, SPECIFIC_CHARACTER_SET | PIXEL_REPRESENTATION);
            made.tags.push(tag);
            made.elements.push(self.element_of(&paths, context, open));
        }
        for ((tag, creator), paths) in private {
            made.private.push((tag, creator.to_owned(), self.element_of(&paths, false, open)));
        }
        made
    }

    fn element_of<'a>(
        &mut self,
        paths: &[PathLeft<'a>],
        context: bool,
        open: &mut Vec<(DataSetWish, Vec<PathLeft<'a>>)>,
    ) -> ElementWish {
        let mut element = WantedElement { context, ..WantedElement::default() };
        let mut chosen: Vec<u32> = vec![];
        let mut inside: Vec<(ItemChoice, PathLeft<'a>)> = vec![];
        for (left, column, gathers) in paths {
            let Some((step, [_, ..])) = left.split_first() else {
                if *gathers {
                    element.gathered_columns.push(*column)
                } else {
                    element.columns.push(*column)
                }
                continue;
            };
            if !gathers {
                element.nested_columns.push(*column);
            }
            let choice = step.item.unwrap_or(ItemChoice::Every);
            let rest = left.get(1..).unwrap_or_default();
            match choice {
                // Of several `[*]` the innermost makes the entries; so lists of items around are joined in the order of the file.
                ItemChoice::Every if !gathers_in(rest) => element.gathering_columns.push(*column),
                ItemChoice::Every => {}
                ItemChoice::At(index) => chosen.push(index),
            }
            inside.push((choice, (rest, *column, *gathers || choice == ItemChoice::Every)));
        }
        if !inside.is_empty() {
            let of = |index: Option<u32>| {
                let fits =
                    |choice: &ItemChoice| *choice == ItemChoice::Every || index.map(ItemChoice::At) == Some(*choice);
                inside.iter().filter(|(choice, _)| fits(choice)).map(|(_, path)| *path).collect::<Vec<_>>()
            };
            chosen.sort_unstable();
            chosen.dedup();
            for index in chosen {
                let wish = self.reserve(of(Some(index)), open);
                element.items.insert(index, wish);
            }
            element.every_item = Some(self.reserve(of(None), open));
        }
        let wish = ElementWish(u32::try_from(self.elements.len()).unwrap_or(u32::MAX));
        self.elements.push(element);
        wish
    }

    fn reserve<'a>(
        &mut self,
        paths: Vec<PathLeft<'a>>,
        open: &mut Vec<(DataSetWish, Vec<PathLeft<'a>>)>,
    ) -> DataSetWish {
        if paths.is_empty() {
            return Self::NOTHING;
        }
        let wish = DataSetWish(u32::try_from(self.data_sets.len()).unwrap_or(u32::MAX));
        self.data_sets.push(WantedDataSet::default());
        open.push((wish, paths));
        wish
    }

    /// The wishes for a data set.
    #[must_use]
    #[inline]
    pub fn data_set(&self, wish: DataSetWish) -> &WantedDataSet {
        self.data_sets.get(wish.0 as usize).unwrap_or(&self.nothing)
    }

    /// The wishes for an element.
    #[must_use]
    #[inline]
    pub fn element(&self, wish: ElementWish) -> &WantedElement {
        self.elements.get(wish.0 as usize).unwrap_or(&self.no_element)
    }
}
