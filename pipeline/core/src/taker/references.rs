//! References of an object: a row for each path and target of items that name an instance, or a series or a study alone.
//!
//! A reference to an instance is an item with ReferencedSOPInstanceUID (PS3.3 10.8). Its series and study stand in it, or in an item around.

use super::attribute::{Allowance, Attribute, Values, number_cell, path_text, text_cell};
use super::numbered::Numbered;
use super::outline::{Outline, Part, Place};
use super::outlined::OutlineTaker;
use super::{FileRows, RowTaker, TakenColumn, TakerKind, TakerWish, TopElements};
use crate::gathered::Gathered;
use crate::value::CharacterSets;
use crate::value::typed::ItemType;

const CLASS: Attribute = Attribute::text(0x0008_1150);
const INSTANCE: Attribute = Attribute::text(0x0008_1155);
const SERIES: Attribute = Attribute::text(0x0020_000E);
const STUDY: Attribute = Attribute::text(0x0020_000D);
const FRAME_OF_REFERENCE: Attribute = Attribute::text(0x0020_0052);
const REFERENCED_FRAME_OF_REFERENCE: Attribute = Attribute::text(0x3006_0024);

const COLUMNS: [(&str, ItemType); 7] = [
    ("ReferencedSOPClassUID", ItemType::Text),
    ("ReferencedSOPInstanceUID", ItemType::Text),
    ("ReferencedSeriesInstanceUID", ItemType::Text),
    ("ReferencedStudyInstanceUID", ItemType::Text),
    ("ReferencedFrameOfReferenceUID", ItemType::Text),
    ("element_path", ItemType::Text),
    ("times", ItemType::Int64),
];

/// Declares `instance_references`.
#[derive(Debug)]
pub(super) struct ReferenceTable;

impl TakerKind for ReferenceTable {
    fn table(&self) -> &str {
        "instance_references"
    }

    fn columns(&self) -> Vec<TakenColumn> {
        COLUMNS.map(|(name, item)| TakenColumn { name: name.to_owned(), item, is_list: false }).to_vec()
    }

    fn wish(&self) -> TakerWish {
        let leaves = [CLASS, INSTANCE, SERIES, STUDY, FRAME_OF_REFERENCE, REFERENCED_FRAME_OF_REFERENCE];
        TakerWish { top: TopElements::AroundLeaves, leaves: leaves.map(|leaf| leaf.tag).to_vec() }
    }

    fn taker(&self) -> Box<dyn RowTaker> {
        Box::new(OutlineTaker::new(make_rows))
    }
}

fn make_rows(outline: &Outline, gathered: &Gathered, sets: &mut CharacterSets, rows: &mut FileRows) {
    let mut references = References::default();
    references.read(&mut Values { outline, gathered, sets });
    references.mark();
    references.write(&mut Allowance::of(outline), rows);
}

/// A text, by its number in the order of first mention; `None` where there is none.
type Text = Option<u32>;

/// A path, by its number; 0 is that of the outermost data set.
type Path = u32;

/// An item, and what holds for it.
#[derive(Clone, Copy, Debug, Default)]
struct Item {
    path: Path,
    /// The item around, by its number; None where that is the outermost data set.
    around: Option<u32>,
    class: Text,
    instance: Text,
    /// Of the item, else of the nearest around.
    series: Text,
    study: Text,
    frame_of_reference: Text,
    names_series: bool,
    names_study: bool,
    /// Whether something inside refers.
    has_references: bool,
    refers: bool,
}

/// The references of items.
#[derive(Debug, Default)]
struct References {
    items: Vec<Item>,
    texts: Numbered<String>,
    /// Of each path the one around, and the tag of its last sequence.
    paths: Numbered<(Path, u32)>,
}

/// One row.
#[derive(Debug)]
struct Row {
    item: Item,
    times: i64,
}

impl References {
    /// Reads every item, each before those inside it.
    fn read(&mut self, values: &mut Values<'_>) {
        // Of each place the path of a sequence, or the number of an item.
        let mut known = vec![0_u32; values.outline.len()];
        let outline = values.outline;
        let number = |known: &[u32], place: Place| known.get(place.number()).copied().unwrap_or(0);
        for part in outline.places() {
            let (place, of_place) = match part {
                Part::Sequence { place, tag, item } => {
                    let around = if item == Outline::TOP { 0 } else { self.item(number(&known, item)).path };
                    (place, self.path(around, tag))
                }
                Part::Item { place, sequence } => {
                    let outer = outline.around(sequence).filter(|outer| *outer != Outline::TOP);
                    let around = outer.map(|outer| number(&known, outer));
                    let item = self.item_of(place, number(&known, sequence), around, values);
                    self.items.push(item);
                    (place, u32::try_from(self.items.len().saturating_sub(1)).unwrap_or(u32::MAX))
                }
            };
            if let Some(known) = known.get_mut(place.number()) {
                *known = of_place;
            }
        }
    }

    fn item(&self, number: u32) -> Item {
        self.items.get(number as usize).copied().unwrap_or_default()
    }

    fn item_of(&mut self, place: Place, path: Path, around: Option<u32>, values: &mut Values<'_>) -> Item {
        let outer = around.map_or_else(Item::default, |around| self.item(around));
        let mut text = |attribute: Attribute| self.text(values.text(place, attribute));
        let (class, instance, series, study) = (text(CLASS), text(INSTANCE), text(SERIES), text(STUDY));
        let frame_of_reference = text(FRAME_OF_REFERENCE).or_else(|| text(REFERENCED_FRAME_OF_REFERENCE));
        Item {
            path,
            around,
            class,
            instance,
            series: series.or(outer.series),
            study: study.or(outer.study),
            frame_of_reference: frame_of_reference.or(outer.frame_of_reference),
            names_series: series.is_some(),
            names_study: study.is_some(),
            has_references: false,
            refers: false,
        }
    }

    /// The number of a text.
    fn text(&mut self, text: Option<String>) -> Text {
        text.map(|text| self.texts.number(text))
    }

    /// The number of the path of a sequence in an item of another.
    fn path(&mut self, around: Path, tag: u32) -> Path {
        self.paths.number((around, tag)).saturating_add(1)
    }

    /// The keywords of a path.
    fn path_text(&self, path: Path) -> String {
        let mut tags = vec![];
        let mut at = path;
        while let Some((around, tag)) = at.checked_sub(1).and_then(|number| self.paths.get(number)) {
            tags.push(*tag);
            at = *around;
        }
        path_text(tags.into_iter().rev())
    }

    /// Finds the items that refer to something: an item that names a series or a study does so where nothing inside it refers.
    fn mark(&mut self) {
        for number in (0..self.items.len()).rev() {
            let Some(item) = self.items.get_mut(number) else {
                continue;
            };
            item.refers = item.instance.is_some() || ((item.names_series || item.names_study) && !item.has_references);
            let is_reference = item.refers || item.has_references;
            let around = item.around.and_then(|around| self.items.get_mut(around as usize));
            if let Some(around) = around.filter(|_| is_reference) {
                around.has_references = true;
            }
        }
    }

    /// Writes a row for each path and target, in the order in which they are first named.
    fn write(&self, allowance: &mut Allowance, rows: &mut FileRows) {
        let mut found: Vec<Row> = vec![];
        let mut targets: Numbered<(Path, Text, Text, Text)> = Numbered::default();
        for item in self.items.iter().filter(|item| item.refers) {
            let (series, study) = if item.instance.is_some() { (None, None) } else { (item.series, item.study) };
            let number = targets.number((item.path, item.instance, series, study));
            match found.get_mut(number as usize) {
                Some(row) => row.name_again(item),
                None => found.push(Row { item: *item, times: 1 }),
            }
        }
        let text = |text: Text| text_cell(text.and_then(|number| self.texts.get(number)).cloned());
        for Row { item, times } in &found {
            let path = self.path_text(item.path);
            if !allowance.take(path.len()) {
                rows.cut();
                return;
            }
            let of_target = [item.class, item.instance, item.series, item.study, item.frame_of_reference];
            let own = [text_cell(Some(path)), number_cell(Some(*times))];
            if !rows.add(of_target.map(text).into_iter().chain(own)) {
                return;
            }
        }
    }
}

impl Row {
    /// The same target is named again at the same path.
    fn name_again(&mut self, item: &Item) {
        self.times = self.times.saturating_add(1);
        let kept = &mut self.item;
        kept.class = kept.class.or(item.class);
        kept.series = kept.series.or(item.series);
        kept.study = kept.study.or(item.study);
        kept.frame_of_reference = kept.frame_of_reference.or(item.frame_of_reference);
    }
}
