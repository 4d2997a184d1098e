//! The content items of structured reports (PS3.3 C.17.3), and of the other sequences that hold content items.

mod cells;

use super::attribute::{Allowance, path_text};
use super::outline::{Outline, Part, Place};
use super::outlined::OutlineTaker;
use super::{FileRows, RowTaker, TakenColumn, TakerKind, TakerWish, TopElements};
use crate::gathered::Gathered;
use crate::value::CharacterSets;
use cells::{ItemCells, TAGS};

/// Holds the items of a report below their parent.
const CONTENT_SEQUENCE: u32 = 0x0040_A730;
/// Says what kind of content item its data set is.
const VALUE_TYPE: u32 = 0x0040_A040;

/// The other sequences of content items: of acquisition contexts, of the preparation and localization of specimens, of protocol contexts, and
/// of what modifies a content item.
const ROOT_SEQUENCES: [u32; 5] = [0x0040_0555, 0x0040_0612, 0x0040_0620, 0x0040_0440, 0x0040_0441];

/// Declares `content_items`.
#[derive(Debug)]
pub(super) struct ContentItemTable;

impl TakerKind for ContentItemTable {
    fn table(&self) -> &str {
        "content_items"
    }

    fn columns(&self) -> Vec<TakenColumn> {
        cells::columns()
    }

    fn wish(&self) -> TakerWish {
        let sequences = ROOT_SEQUENCES.into_iter().chain([CONTENT_SEQUENCE]).collect();
        TakerWish { top: TopElements::Anywhere { sequences, top: TAGS.to_vec() }, leaves: TAGS.to_vec() }
    }

    fn taker(&self) -> Box<dyn RowTaker> {
        Box::new(OutlineTaker::new(make_rows))
    }
}

fn make_rows(outline: &Outline, gathered: &Gathered, sets: &mut CharacterSets, rows: &mut FileRows) {
    let mut cells = ItemCells::new(outline, gathered, sets);
    let mut allowance = Allowance::of(outline);
    for item in content_items(outline) {
        let path = path_of(outline, &item);
        let position = position_of(outline, &item);
        if !allowance.take(path.len().saturating_add(position.len())) {
            rows.cut();
            return;
        }
        if !rows.add(cells.of_item(&item, path, position)) {
            return;
        }
    }
}

/// A content item.
#[derive(Clone, Copy, Debug)]
struct ContentItem {
    place: Place,
    /// From 1, in the order of the document.
    number: u32,
    parent: Option<u32>,
    depth: u32,
    /// The first item around it that has no parent.
    root: Place,
}

/// The content items of a file, each before those inside it.
fn content_items(outline: &Outline) -> Vec<ContentItem> {
    let mut items: Vec<ContentItem> = vec![];
    // Of each place the number of its content item; 0 where it is none.
    let mut numbers = vec![0_u32; outline.len()];
    let add = |place: Place, parent: Option<ContentItem>, numbers: &mut [u32], items: &mut Vec<ContentItem>| {
        let number = u32::try_from(items.len().saturating_add(1)).unwrap_or(u32::MAX);
        items.push(match parent {
            Some(parent) => {
                let depth = parent.depth.saturating_add(1);
                ContentItem { place, number, parent: Some(parent.number), depth, root: parent.root }
            }
            None => ContentItem { place, number, parent: None, depth: 0, root: place },
        });
        if let Some(known) = numbers.get_mut(place.number()) {
            *known = number;
        }
    };
    let is_report = outline.sequence(Outline::TOP, CONTENT_SEQUENCE).is_some()
        || outline.values(Outline::TOP, VALUE_TYPE).next().is_some();
    if is_report {
        add(Outline::TOP, None, &mut numbers, &mut items);
    }
    for part in outline.places() {
        let Part::Item { place, sequence } = part else {
            continue;
        };
        match outline.tag(sequence) {
            Some(CONTENT_SEQUENCE) => {
                let around = outline.around(sequence).and_then(|around| numbers.get(around.number()));
                let parent = around.and_then(|number| items.get((*number as usize).checked_sub(1)?)).copied();
                add(place, parent, &mut numbers, &mut items);
            }
            Some(tag) if ROOT_SEQUENCES.contains(&tag) => add(place, None, &mut numbers, &mut items),
            _ => {}
        }
    }
    items
}

/// The sequences around an item from the innermost on, each with the index of the item on the way in it.
fn way_up(outline: &Outline, item: Place) -> impl Iterator<Item = (u32, u32)> {
    let mut at = item;
    std::iter::from_fn(move || {
        let sequence = outline.around(at)?;
        let step = (outline.tag(sequence)?, outline.index(at)?);
        at = outline.around(sequence)?;
        Some(step)
    })
}

/// The sequences down to the root of an item, without item numbers.
fn path_of(outline: &Outline, item: &ContentItem) -> String {
    if item.root == Outline::TOP {
        return path_text([CONTENT_SEQUENCE].into_iter());
    }
    let mut tags: Vec<u32> = way_up(outline, item.root).map(|(tag, _)| tag).collect();
    tags.reverse();
    path_text(tags.into_iter())
}

/// The numbers of the items on the way from the top (PS3.3 C.17.3.2.5); a report itself is 1.
fn position_of(outline: &Outline, item: &ContentItem) -> String {
    let mut numbers: Vec<u32> = way_up(outline, item.place).map(|(_, index)| index.saturating_add(1)).collect();
    if item.root == Outline::TOP {
        numbers.push(1);
    }
    let mut position = String::new();
    for number in numbers.iter().rev() {
        if !position.is_empty() {
            position.push('.');
        }
        position.push_str(&number.to_string());
    }
    position
}
