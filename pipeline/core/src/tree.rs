//! One file's whole header as a list of nodes to look at. Everything is bounded, whatever the file holds.

use crate::element::ITEM;
use crate::recorded::{dictionary_vr, raw_value, recorded_vr};
use crate::value::{CharacterSets, Decoded, decode, hex, push_component, vr_of};
use crate::walk::{Record, Seen, SeenValue};

/// The most nodes that are kept.
const NODES_LIMIT: usize = 20_000;
/// The most characters of a value that are kept: one more than is shown, so that it can be told that there are more.
const VALUE_LIMIT: usize = 257;
/// The most characters of a private creator that are kept, which is all that it may have (PS3.5 7.8.1, LO): each of its elements repeats it.
const CREATOR_LIMIT: usize = 64;
/// The longest value that is decoded.
const READ_LIMIT: u32 = 1024;

/// An element, a sequence, or an item of the sequence before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its tag.
    pub tag: u32,
    /// Empty for an item.
    pub vr: &'static str,
    /// The creator that reserved its block.
    pub creator: Option<String>,
    /// Its value as text; None where it was not read.
    pub value: Option<String>,
    /// In bytes; None when undefined.
    pub length: Option<u32>,
    /// Of the value in the file; None when inflated.
    pub byte_offset: Option<u64>,
    /// From 0 at top level; an item counts too.
    pub depth: u32,
    /// Of an item, which one of its sequence.
    pub item: Option<u32>,
}

/// Makes a node of everything that the walk passes, up to a bound.
#[derive(Debug, Default)]
pub struct TreeRecorder {
    /// The nodes, in order.
    pub nodes: Vec<Node>,
    /// Whether there are more than are kept.
    pub cut: bool,
    sets: CharacterSets,
}

impl TreeRecorder {
    fn add(&mut self, seen: &Seen<'_>, vr: &'static str, value: Option<String>) {
        let creator = seen.creator.map(|creator| creator.name.chars().take(CREATOR_LIMIT).collect());
        let (length, byte_offset, depth) = (seen.length, seen.position, seen.depth.saturating_mul(2));
        self.append(Node { tag: seen.tag, vr, creator, value, length, byte_offset, depth, item: None });
    }

    fn append(&mut self, node: Node) {
        if self.nodes.len() < NODES_LIMIT {
            self.nodes.push(node);
        } else {
            self.cut = true;
        }
    }
}

impl Record for TreeRecorder {
    fn wants(&self, seen: &Seen<'_>) -> bool {
        !self.cut && seen.length.is_some_and(|length| length <= READ_LIMIT)
    }

    fn leaf(&mut self, seen: &Seen<'_>, value: &SeenValue<'_>) {
        if self.cut {
            return;
        }
        let otherwise = dictionary_vr(seen);
        let raw = raw_value(seen, value);
        let vr = vr_of(&raw, otherwise, value.gathered);
        let mut shown = None;
        if value.bytes.is_some() {
            shown = Some(text_of(&decode(&raw, vr, value.gathered, &mut self.sets, &mut |_| {})));
        }
        self.add(seen, recorded_vr(vr, otherwise), shown);
    }

    fn begin_sequence(&mut self, seen: &Seen<'_>) {
        self.add(seen, "SQ", None);
    }

    fn begin_item(&mut self, index: u32, depth: u32, position: Option<u64>, length: Option<u32>) {
        let depth = depth.saturating_mul(2).saturating_sub(1);
        let (creator, value, item) = (None, None, Some(index));
        self.append(Node { tag: ITEM, vr: "", creator, value, length, byte_offset: position, depth, item });
    }

    // Depth tells where a node belongs.
    fn end_sequence(&mut self) {}

    fn end_item(&mut self) {}
}

fn text_of(decoded: &Decoded<'_>) -> String {
    let text = match decoded {
        Decoded::Nothing => String::new(),
        Decoded::Text(text, _) => text.chars().take(VALUE_LIMIT).collect(),
        Decoded::Hex(bytes) => hex(bytes.get(..VALUE_LIMIT).unwrap_or(bytes)),
        Decoded::Numbers(numbers) => {
            let mut text = String::new();
            for (index, number) in numbers.iter().take(VALUE_LIMIT.saturating_sub(1)).enumerate() {
                if index > 0 {
                    text.push('\\');
                }
                push_component(&mut text, number);
            }
            text
        }
    };
    if text.chars().nth(VALUE_LIMIT).is_none() { text } else { text.chars().take(VALUE_LIMIT).collect() }
}
