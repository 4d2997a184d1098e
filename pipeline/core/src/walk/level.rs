//! Where the walk stands: data sets and sequences, each inside the one before. The list of them is the walk's stack.

use std::collections::BTreeMap;

use crate::dictionary::{PrivateDictionary, private_dictionary};
use crate::element::Encoding;
use crate::gathered::ContextIndex;
use crate::wanted::{DataSetWish, ElementWish};
use crate::wish::TakerSet;

/// The end of what says no end.
pub const NO_END: u64 = u64::MAX;

/// The creator that reserved a block of private elements (PS3.5 7.8.1).
#[derive(Clone, Debug)]
pub struct Creator {
    /// The text of the element that reserved it.
    pub name: String,
    /// The dictionary of its elements, where one is known.
    pub dictionary: Option<&'static PrivateDictionary>,
}

impl Creator {
    /// Of the value of the reserving element: LO of the default repertoire; what is none is still kept, so that it can be told.
    #[must_use]
    pub fn of(value: &[u8]) -> Self {
        let text = match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
        };
        let name = text.trim_matches([' ', '\0']).to_owned();
        // Comparing the empty name is slow: its text is at no address, at which glibc's memcmp stumbles (200 ns).
        let dictionary = if name.is_empty() { None } else { private_dictionary(&name) };
        Self { name, dictionary }
    }

    /// The VR of one of its elements, where it is known.
    #[must_use]
    pub fn vr(&self, tag: u32) -> Option<&'static str> {
        let [a, b, _, low] = tag.to_be_bytes();
        self.dictionary.and_then(|dictionary| dictionary.vr(u16::from_be_bytes([a, b]), low))
    }
}

/// The creators met in a data set, by the block that each reserved.
#[derive(Clone, Debug, Default)]
pub struct Creators(BTreeMap<u32, Creator>);

impl Creators {
    /// Whether an element reserves a block.
    #[must_use]
    pub const fn is_creator(tag: u32) -> bool {
        tag & 0x10000 != 0 && matches!(tag & 0xFFFF, 0x10..=0xFF)
    }

    /// A creator was met.
    pub fn insert(&mut self, tag: u32, creator: Creator) {
        self.0.insert((tag >> 16) << 8 | (tag & 0xFF), creator);
    }

    /// The creator of a private element.
    #[must_use]
    pub fn of(&self, tag: u32) -> Option<&Creator> {
        if tag & 0x10000 == 0 || self.0.is_empty() {
            return None;
        }
        self.0.get(&((tag >> 16) << 8 | (tag >> 8 & 0xFF)))
    }

    /// Their names, sorted, each once, without empty ones.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.values().map(|creator| creator.name.as_str()).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A data set: the file's own, or an item of a sequence.
#[derive(Debug)]
pub struct DataSet {
    /// The position in the stream at which it must end: its own end, or one around it.
    pub limit: u64,
    /// Whether it said its own.
    pub defined: bool,
    /// How its elements stand.
    pub encoding: Encoding,
    /// Which item of its sequence it is.
    pub item: u32,
    /// How many sequences are around it.
    pub depth: u32,
    /// The wishes for it.
    pub wish: DataSetWish,
    /// Where the last wanted element was found.
    pub near: usize,
    /// The highest tag met.
    pub last_tag: Option<u32>,
    /// Set where something in it was kept.
    pub context: Option<ContextIndex>,
    /// The private creators met.
    pub creators: Creators,
    /// The row takers that are told of what they want in it.
    pub takers: TakerSet,
    /// The row takers that were told of its beginning.
    pub told: TakerSet,
}

/// A sequence in a data set, or (`stray`) items that stand where there is not a sequence.
#[derive(Debug)]
pub struct SequenceOfItems {
    /// Of the sequence.
    pub tag: u32,
    /// As of a data set.
    pub limit: u64,
    /// Whether it said its length.
    pub defined: bool,
    /// How its items stand.
    pub encoding: Encoding,
    /// The wishes for its items.
    pub wanted: Option<ElementWish>,
    /// Items met so far.
    pub items: u32,
    /// No sequence is around these items.
    pub stray: bool,
    /// The row takers that are told of what they want in it.
    pub takers: TakerSet,
    /// The row takers that were told of its beginning.
    pub told: TakerSet,
}

/// One level of the stack.
#[derive(Debug)]
pub enum Level {
    /// A data set.
    DataSet(DataSet),
    /// A sequence.
    Sequence(SequenceOfItems),
}

impl Level {
    /// The row takers that were told of its beginning.
    pub const fn told(&self) -> TakerSet {
        match self {
            Self::DataSet(data_set) => data_set.told,
            Self::Sequence(sequence) => sequence.told,
        }
    }
}
