//! The outline of a file: the sequences, items and values that a taker was told of, as they stand inside each other.
//!
//! Takers whose rows take values from several places keep it until the file has ended. It is a few times as large as what it was made of.

use crate::gathered::{ContextIndex, RawValue};
use crate::vr::Letters;

/// A place in an outline: the outermost data set, a sequence, or an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u32);

const NONE: u32 = u32::MAX;
/// In place of the last value: this is a sequence.
const SEQUENCE: u32 = u32::MAX - 1;
/// Likewise: this is one in whose place another sequence of its tag counts, which stands in the same item.
const REPLACED: u32 = u32::MAX - 2;

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: u32,
    /// The tag of a sequence; of an item its index.
    label: u32,
    /// The first node behind it that is not inside.
    end: u32,
    /// The value of this item that came last, an index.
    last_value: u32,
}

/// A value of an item.
#[derive(Clone, Copy, Debug)]
struct Value {
    /// The value of the same item that came before.
    before: u32,
    tag: u32,
    from: u32,
    to: u32,
    context: ContextIndex,
    vr: Option<Letters>,
    little: bool,
}

/// Sequences, items and values, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Outline {
    nodes: Vec<Node>,
    values: Vec<Value>,
    bytes: Vec<u8>,
    /// The nodes around, each with the tag of the sequence inside it that began last.
    open: Vec<(u32, u32)>,
    /// Whether sequences of one item stand out of order, so that one of them may come twice.
    is_disordered: bool,
}

impl Outline {
    /// The outermost data set.
    pub const TOP: Place = Place(0);

    /// Begins a file.
    pub fn clear(&mut self) {
        const KEPT_CAPACITY: usize = 1 << 14;
        self.nodes.clear();
        self.values.clear();
        self.bytes.clear();
        self.open.clear();
        self.nodes.shrink_to(KEPT_CAPACITY);
        self.values.shrink_to(KEPT_CAPACITY);
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.is_disordered = false;
        self.begin(0, NONE);
    }

    /// A sequence begins.
    pub fn begin_sequence(&mut self, tag: u32) {
        if let Some((_, last)) = self.open.last_mut() {
            self.is_disordered |= tag <= *last;
            *last = tag;
        }
        self.begin(tag, SEQUENCE);
    }

    /// An item of the sequence begun last begins.
    pub fn begin_item(&mut self, index: u32) {
        self.begin(index, NONE);
    }

    fn begin(&mut self, label: u32, last_value: u32) {
        let node = index_of(self.nodes.len());
        let parent = self.open.last().map_or(NONE, |(node, _)| *node);
        self.nodes.push(Node { parent, label, end: NONE, last_value });
        self.open.push((node, 0));
    }

    /// The sequence or item begun last ends.
    pub fn end(&mut self) {
        let end = index_of(self.nodes.len());
        if let Some(node) = self.open.pop().and_then(|(node, _)| self.nodes.get_mut(node as usize)) {
            node.end = end;
        }
    }

    /// A value of the data set begun last.
    pub fn value(&mut self, raw: &RawValue<'_>) {
        let value = index_of(self.values.len());
        let Some(node) = self.open.last().and_then(|(node, _)| self.nodes.get_mut(*node as usize)) else {
            return;
        };
        let before = std::mem::replace(&mut node.last_value, value);
        let RawValue { tag, vr, value, little, context, .. } = *raw;
        let from = index_of(self.bytes.len());
        self.bytes.extend_from_slice(value);
        let to = index_of(self.bytes.len());
        self.values.push(Value { before, tag, from, to, context, vr, little });
    }

    /// The file has ended. Of sequences that come twice in an item the last one that has items counts.
    pub fn end_file(&mut self) {
        while !self.open.is_empty() {
            self.end();
        }
        if !self.is_disordered {
            return;
        }
        let mut sequences: Vec<(u32, u32, bool, u32)> = vec![];
        for (place, node) in self.nodes.iter().enumerate().filter(|(_, node)| is_sequence(node)) {
            let place = index_of(place);
            let has_items = node.end > place.saturating_add(1);
            sequences.push((node.parent, node.label, has_items, place));
        }
        sequences.sort_unstable();
        for pair in sequences.windows(2) {
            if let [(item, tag, _, earlier), (same_item, same_tag, ..)] = pair
                && (item, tag) == (same_item, same_tag)
                && let Some(node) = self.nodes.get_mut(*earlier as usize)
            {
                node.last_value = REPLACED;
            }
        }
    }

    /// About how many bytes of the file it was made of.
    pub fn weight(&self) -> usize {
        const HEADER: usize = 8;
        self.nodes.len().saturating_add(self.values.len()).saturating_mul(HEADER).saturating_add(self.bytes.len())
    }

    /// Every sequence and item, each before those inside it; sequences in whose place others count are left out.
    pub fn places(&self) -> impl Iterator<Item = Part> {
        let mut at = 1;
        std::iter::from_fn(move || {
            loop {
                let node = self.nodes.get(at as usize)?;
                let place = Place(at);
                if node.last_value == REPLACED {
                    at = node.end.max(at.saturating_add(1));
                    continue;
                }
                at = at.saturating_add(1);
                return Some(if is_sequence(node) {
                    Part::Sequence { place, tag: node.label, item: Place(node.parent) }
                } else {
                    Part::Item { place, sequence: Place(node.parent) }
                });
            }
        })
    }

    /// The data set that a sequence stands in, or the sequence that an item stands in.
    pub fn around(&self, place: Place) -> Option<Place> {
        self.node(place).map(|node| node.parent).filter(|parent| *parent != NONE).map(Place)
    }

    /// The tag of a sequence.
    pub fn tag(&self, sequence: Place) -> Option<u32> {
        self.node(sequence).filter(|node| is_sequence(node)).map(|node| node.label)
    }

    /// The index of an item in its sequence.
    pub fn index(&self, item: Place) -> Option<u32> {
        self.node(item).filter(|node| !is_sequence(node)).map(|node| node.label)
    }

    /// How many places there are, that of the outermost data set counted.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The sequence of a tag in a data set.
    pub fn sequence(&self, item: Place, tag: u32) -> Option<Place> {
        self.inside(item)
            .find(|place| self.node(*place).is_some_and(|node| node.label == tag && node.last_value != REPLACED))
    }

    /// The items of the sequence of a tag in a data set.
    pub fn items(&self, item: Place, tag: u32) -> impl Iterator<Item = Place> {
        self.sequence(item, tag).into_iter().flat_map(|sequence| self.inside(sequence))
    }

    /// The first of these items.
    pub fn first_item(&self, item: Place, tag: u32) -> Option<Place> {
        self.items(item, tag).next()
    }

    /// The values of an element of a data set, the last copy first.
    pub fn values(&self, item: Place, tag: u32) -> impl Iterator<Item = RawValue<'_>> {
        let mut at = self.node(item).map_or(NONE, |node| node.last_value);
        let values = std::iter::from_fn(move || {
            let value = self.values.get(at as usize)?;
            at = value.before;
            Some(value)
        });
        values.filter(move |value| value.tag == tag).filter_map(|value| {
            let bytes = self.bytes.get(value.from as usize..value.to as usize)?;
            let Value { tag, vr, little, context, .. } = *value;
            Some(RawValue { tag, vr, value: bytes, position: None, little, context })
        })
    }

    fn node(&self, place: Place) -> Option<&Node> {
        self.nodes.get(place.0 as usize)
    }

    /// The places directly inside one.
    fn inside(&self, place: Place) -> impl Iterator<Item = Place> {
        let end = self.node(place).map_or(0, |node| node.end);
        let mut at = place.0.saturating_add(1);
        std::iter::from_fn(move || {
            let node = self.nodes.get(at as usize).filter(|_| at < end)?;
            let inside = Place(at);
            at = node.end.max(at.saturating_add(1));
            Some(inside)
        })
    }
}

/// A part of an outline.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// A sequence, and the data set that it stands in.
    Sequence { place: Place, tag: u32, item: Place },
    /// An item, and the sequence that it stands in.
    Item { place: Place, sequence: Place },
}

impl Place {
    /// Its number in the order of the file.
    pub const fn number(self) -> usize {
        self.0 as usize
    }
}

const fn is_sequence(node: &Node) -> bool {
    matches!(node.last_value, SEQUENCE | REPLACED)
}

/// An index; headers are shorter than its limit.
fn index_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}
