//! The attributes that stand in functional groups (PS3.3 C.7.6.16): a row for the shared groups, and one for each item of the per-frame groups.
//!
//! A row has the attributes of its own item alone. Python puts shared ones in the place of those that a frame lacks, in columns as a whole.

use super::{FileRows, RowTaker, TakenColumn, TakerKind, TakerWish, TopElements};
use crate::gathered::{Gathered, RawValue};
use crate::value::CharacterSets;
use crate::value::typed::{ItemType, Noted, ReadColumn, Scalar, Typed, typed};
use crate::wanted::Step;

const SHARED_FUNCTIONAL_GROUPS: u32 = 0x5200_9229;
const PER_FRAME_FUNCTIONAL_GROUPS: u32 = 0x5200_9230;

/// The name of the table, and its first column: 0 in the row of the shared groups, else the number of the frame.
const TABLE: &str = "frames";
const FRAME_NUMBER: &str = "frame_number";
/// Which copy of its sequence a row is of, from 1: of a sequence that is given twice the last one counts.
const COPY: &str = "copy";
const OWN_COLUMNS: usize = 2;

/// An attribute: how its values are read, and its paths below an item of a functional groups sequence, in the order in which they count.
#[derive(Clone, Debug)]
pub struct FrameAttribute {
    /// Of the first path's leaf.
    pub column: ReadColumn,
    /// The sequences on the way, then the leaf. The first item of each sequence counts.
    pub paths: Vec<Vec<Step>>,
}

/// Declares the rows of functional groups.
#[derive(Debug)]
pub struct FrameTable {
    attributes: Vec<FrameAttribute>,
    nodes: Vec<Node>,
}

/// A place on the way of paths: the sequences and the values that are looked for in an item.
#[derive(Clone, Debug, Default)]
struct Node {
    sequences: Vec<(Step, usize)>,
    leaves: Vec<Leaf>,
}

#[derive(Clone, Debug)]
struct Leaf {
    step: Step,
    attribute: usize,
    /// The place of its path among those of the attribute.
    rank: usize,
}

impl FrameTable {
    /// Of some attributes.
    #[must_use]
    pub fn new(attributes: Vec<FrameAttribute>) -> Self {
        let mut nodes = vec![Node::default()];
        for (attribute, of) in attributes.iter().enumerate() {
            for (rank, path) in of.paths.iter().enumerate() {
                let Some((leaf, sequences)) = path.split_last() else {
                    continue;
                };
                let at = sequences.iter().fold(0, |at, step| child(&mut nodes, at, step));
                if let Some(node) = nodes.get_mut(at) {
                    node.leaves.push(Leaf { step: leaf.clone(), attribute, rank });
                }
            }
        }
        Self { attributes, nodes }
    }
}

/// The node behind a sequence, made where there is none.
fn child(nodes: &mut Vec<Node>, at: usize, step: &Step) -> usize {
    let fresh = nodes.len();
    let Some(node) = nodes.get_mut(at) else {
        return at;
    };
    let same = |known: &Step| known.tag == step.tag && known.creator == step.creator;
    if let Some((_, known)) = node.sequences.iter().find(|(known, _)| same(known)) {
        return *known;
    }
    node.sequences.push((step.clone(), fresh));
    nodes.push(Node::default());
    fresh
}

/// Whether an element names the creator of a block of private elements (PS3.5 7.8.1).
const fn reserves_block(tag: u32) -> bool {
    tag & 0x1_0000 != 0 && matches!(tag & 0xFFFF, 0x10..=0xFF)
}

/// Every tag that a step may have in a file: of a private one, one for each block that a creator may reserve (PS3.5 7.8.1), and the
/// elements that reserve them.
fn tags_of(step: &Step, is_leaf: bool) -> Vec<u32> {
    match step.creator {
        None if is_leaf => vec![step.tag],
        None => vec![],
        Some(_) => (0x10..=0xFF_u32)
            .flat_map(|block| [step.tag & 0xFFFF_0000 | block, step.tag & 0xFFFF_00FF | block << 8])
            .collect(),
    }
}

impl TakerKind for FrameTable {
    fn table(&self) -> &str {
        TABLE
    }

    fn columns(&self) -> Vec<TakenColumn> {
        let own = [FRAME_NUMBER, COPY].map(|name| TakenColumn {
            name: name.to_owned(),
            item: ItemType::Int64,
            is_list: false,
        });
        let taken = |of: &FrameAttribute| TakenColumn {
            name: of.column.name.clone(),
            item: of.column.item,
            is_list: of.column.is_list,
        };
        own.into_iter().chain(self.attributes.iter().map(taken)).collect()
    }

    fn wish(&self) -> TakerWish {
        let mut leaves: Vec<u32> = self
            .nodes
            .iter()
            .flat_map(|node| {
                let of_sequences = node.sequences.iter().flat_map(|(step, _)| tags_of(step, false));
                of_sequences.chain(node.leaves.iter().flat_map(|leaf| tags_of(&leaf.step, true)))
            })
            .collect();
        leaves.sort_unstable();
        leaves.dedup();
        TakerWish { top: TopElements::These(vec![SHARED_FUNCTIONAL_GROUPS, PER_FRAME_FUNCTIONAL_GROUPS]), leaves }
    }

    fn taker(&self) -> Box<dyn RowTaker> {
        Box::new(FrameTaker {
            columns: self.attributes.iter().map(|attribute| attribute.column.clone()).collect(),
            ranks: vec![usize::MAX; self.attributes.len()],
            nodes: self.nodes.clone(),
            sequences: vec![],
            items: vec![],
            row: None,
            shared_copies: 0,
            frame_copies: 0,
            frames: 0,
            sets: CharacterSets::default(),
        })
    }
}

#[derive(Debug)]
struct FrameTaker {
    columns: Vec<ReadColumn>,
    nodes: Vec<Node>,
    /// The sequences around, each with its tag at top level, and with the node of its first item below.
    sequences: Vec<Sequence>,
    /// The node of each item around, where something of it is wanted.
    items: Vec<Item>,
    row: Option<u32>,
    /// Of each attribute the rank of the path of the value that the row has.
    ranks: Vec<usize>,
    shared_copies: i64,
    frame_copies: i64,
    frames: i64,
    sets: CharacterSets,
}

#[derive(Clone, Copy, Debug)]
enum Sequence {
    Shared,
    PerFrame,
    Inside(Option<usize>),
}

#[derive(Debug, Default)]
struct Item {
    node: Option<usize>,
    /// The creators met, by the tag that reserved the block. Kept only where private elements are wanted.
    creators: Vec<(u32, String)>,
}

impl Item {
    /// Whether an element of this item is the one of a step.
    fn is(&self, step: &Step, tag: u32) -> bool {
        let Some(wanted) = &step.creator else {
            return step.tag == tag;
        };
        let reserving = tag & 0xFFFF_0000 | tag >> 8 & 0xFF;
        tag & 0xFFFF_00FF == step.tag & 0xFFFF_00FF
            && self.creators.iter().any(|(known, creator)| *known == reserving && creator == wanted)
    }
}

impl FrameTaker {
    fn node(&self, node: Option<usize>) -> Option<&Node> {
        self.nodes.get(node?)
    }

    fn begin_row(&mut self, number: i64, copy: i64, rows: &mut FileRows) {
        self.row = rows.add_row();
        self.ranks.fill(usize::MAX);
        if let Some(row) = self.row {
            rows.set(row, 0, Typed::One(Scalar::Integer(number)));
            rows.set(row, 1, Typed::One(Scalar::Integer(copy)));
        }
    }
}

impl RowTaker for FrameTaker {
    fn begin_file(&mut self) {
        self.sequences.clear();
        self.items.clear();
        self.row = None;
        self.shared_copies = 0;
        self.frame_copies = 0;
        self.frames = 0;
    }

    fn begin_sequence(&mut self, tag: u32, _: &mut FileRows) {
        let sequence = match self.items.last() {
            None if tag == SHARED_FUNCTIONAL_GROUPS => Sequence::Shared,
            None => Sequence::PerFrame,
            Some(item) => {
                let node = self.node(item.node);
                let found = node.and_then(|node| node.sequences.iter().find(|(step, _)| item.is(step, tag)));
                Sequence::Inside(found.map(|(_, node)| *node))
            }
        };
        self.sequences.push(sequence);
    }

    fn end_sequence(&mut self, _: &mut FileRows) {
        self.sequences.pop();
    }

    fn begin_item(&mut self, index: u32, rows: &mut FileRows) {
        let node = match self.sequences.last() {
            Some(Sequence::Shared) if index == 0 => {
                self.shared_copies = self.shared_copies.saturating_add(1);
                self.begin_row(0, self.shared_copies, rows);
                Some(0)
            }
            Some(Sequence::PerFrame) => {
                if index == 0 {
                    self.frame_copies = self.frame_copies.saturating_add(1);
                    self.frames = 0;
                }
                self.frames = self.frames.saturating_add(1);
                self.begin_row(self.frames, self.frame_copies, rows);
                Some(0)
            }
            Some(Sequence::Inside(node)) if index == 0 => *node,
            _ => None,
        };
        self.items.push(Item { node, creators: vec![] });
    }

    fn end_item(&mut self, _: &mut FileRows) {
        self.items.pop();
    }

    fn leaf(&mut self, value: &RawValue<'_>, gathered: &Gathered, rows: &mut FileRows) {
        let (Some(item), Some(row)) = (self.items.last_mut(), self.row) else {
            return;
        };
        if reserves_block(value.tag) {
            let name = String::from_utf8_lossy(value.value).trim_matches([' ', '\0']).to_owned();
            match item.creators.iter_mut().find(|(tag, _)| *tag == value.tag) {
                Some(known) => known.1 = name,
                None => item.creators.push((value.tag, name)),
            }
            return;
        }
        let Some(node) = item.node.and_then(|node| self.nodes.get(node)) else {
            return;
        };
        for leaf in node.leaves.iter().filter(|leaf| item.is(&leaf.step, value.tag)) {
            let (Some(column), Some(rank)) = (self.columns.get(leaf.attribute), self.ranks.get_mut(leaf.attribute))
            else {
                continue;
            };
            if *rank < leaf.rank {
                continue;
            }
            let cell = typed(column, value, gathered, &mut self.sets, &mut Noted::default());
            if cell != Typed::One(Scalar::Null) {
                *rank = leaf.rank;
                rows.set(row, leaf.attribute.saturating_add(OWN_COLUMNS), cell.into_owned());
            }
        }
    }
}
