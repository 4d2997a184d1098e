//! Marks in images: segments of segmentations (PS3.3 C.8.20.2), regions of interest of structure sets (C.8.8.5), and groups of
//! annotations of microscopy bulk simple annotations (C.37.1).
//!
//! Contours, points and their coordinates are not read.

mod annotation_groups;
mod regions;
mod segmentation;
mod sources;

use std::collections::HashSet;

use super::attribute::{Allowance, Attribute, CODE_TAGS, Code, Values, number_cell, text_cell};
use super::outline::{Outline, Place};
use super::outlined::OutlineTaker;
use super::{FileRows, RowTaker, TakenColumn, TakerKind, TakerWish, TopElements};
use crate::gathered::Gathered;
use crate::value::CharacterSets;
use crate::value::typed::{ItemType, Scalar, Typed};
use sources::Sources;

const FRAME_OF_REFERENCE: Attribute = Attribute::text(0x0020_0052);
const ANATOMIC_REGION_SEQUENCE: u32 = 0x0008_2218;
const ALGORITHM_NAME: Attribute = Attribute::text(0x0066_0036);
const TRACKING_ID: Attribute = Attribute::text(0x0062_0020);
const TRACKING_UID: Attribute = Attribute::text(0x0062_0021);
const CIELAB_VALUE: Attribute = Attribute::list(0x0062_000D, ItemType::Int64);

const COLUMNS: [(&str, ItemType); 22] = [
    ("segment_number", ItemType::Int64),
    ("kind", ItemType::Text),
    ("label", ItemType::Text),
    ("description", ItemType::Text),
    ("algorithm_type", ItemType::Text),
    ("algorithm_name", ItemType::Text),
    ("category_code", ItemType::Text),
    ("category_meaning", ItemType::Text),
    ("type_code", ItemType::Text),
    ("type_scheme", ItemType::Text),
    ("type_meaning", ItemType::Text),
    ("anatomic_region_code", ItemType::Text),
    ("anatomic_region_meaning", ItemType::Text),
    ("interpreted_type", ItemType::Text),
    ("tracking_id", ItemType::Text),
    ("tracking_uid", ItemType::Text),
    ("recommended_cielab", ItemType::Int64),
    ("frames", ItemType::Int64),
    ("contours", ItemType::Int64),
    ("graphic_type", ItemType::Text),
    ("FrameOfReferenceUID", ItemType::Text),
    ("source_series", ItemType::Text),
];

/// The columns of lists.
const LISTS: [&str; 2] = ["recommended_cielab", "source_series"];

/// Declares `segments`.
#[derive(Debug)]
pub(super) struct SegmentTable;

impl TakerKind for SegmentTable {
    fn table(&self) -> &str {
        "segments"
    }

    fn columns(&self) -> Vec<TakenColumn> {
        COLUMNS.map(|(name, item)| TakenColumn { name: name.to_owned(), item, is_list: LISTS.contains(&name) }).to_vec()
    }

    fn wish(&self) -> TakerWish {
        let mut top = vec![FRAME_OF_REFERENCE.tag];
        top.extend(segmentation::TOP);
        top.extend(regions::TOP);
        top.extend(annotation_groups::TOP);
        top.extend(sources::TOP);
        let shared = [FRAME_OF_REFERENCE, ALGORITHM_NAME, TRACKING_ID, TRACKING_UID, CIELAB_VALUE];
        let mut leaves = shared.map(|attribute| attribute.tag).to_vec();
        leaves.extend(CODE_TAGS);
        leaves.extend(segmentation::LEAVES);
        leaves.extend(regions::LEAVES);
        leaves.extend(annotation_groups::LEAVES);
        leaves.extend(sources::LEAVES);
        TakerWish { top: TopElements::These(top), leaves }
    }

    fn taker(&self) -> Box<dyn RowTaker> {
        Box::new(OutlineTaker::new(make_rows))
    }
}

fn make_rows(outline: &Outline, gathered: &Gathered, sets: &mut CharacterSets, rows: &mut FileRows) {
    let mut values = Values { outline, gathered, sets };
    let mut writer = Writer { allowance: Allowance::of(outline), numbers: HashSet::new(), rows };
    // A file that has several kinds is not sound; all the same, each has its rows.
    let is_whole = segmentation::write(&mut values, &mut writer)
        && regions::write(&mut values, &mut writer)
        && annotation_groups::write(&mut values, &mut writer);
    if !is_whole {
        writer.rows.cut();
    }
}

/// A row; what a kind lacks stays empty.
#[derive(Debug, Default)]
struct Segment<'s> {
    number: Option<i64>,
    kind: &'static str,
    label: Option<String>,
    description: Option<String>,
    algorithm_type: Option<String>,
    algorithm_name: Option<String>,
    category: Code,
    property_type: Code,
    anatomic_region: Code,
    interpreted_type: Option<String>,
    tracking_id: Option<String>,
    tracking_uid: Option<String>,
    color: Option<Typed<'static>>,
    frames: Option<i64>,
    contours: Option<i64>,
    graphic_type: Option<String>,
    frame_of_reference: Option<String>,
    sources: Option<&'s Sources>,
}

/// Writes rows, as many as the file may make.
#[derive(Debug)]
struct Writer<'r> {
    allowance: Allowance,
    /// Those of rows written.
    numbers: HashSet<i64>,
    rows: &'r mut FileRows,
}

impl Writer<'_> {
    /// Whether a number tells a row apart from those before.
    fn takes(&mut self, number: Option<i64>) -> bool {
        let takes = number.is_some_and(|number| self.numbers.insert(number));
        if !takes {
            self.rows.repeat();
        }
        takes
    }

    /// Writes a row; answers whether it may be made.
    fn write(&mut self, segment: Segment<'_>) -> bool {
        let repeated = segment.frame_of_reference.as_ref().map_or(0, String::len);
        let sources = segment.sources.map_or(0, Sources::weight);
        if !self.allowance.take(repeated.saturating_add(sources)) {
            return false;
        }
        self.rows.add([
            number_cell(segment.number),
            Typed::One(Scalar::Text(segment.kind.into())),
            text_cell(segment.label),
            text_cell(segment.description),
            text_cell(segment.algorithm_type),
            text_cell(segment.algorithm_name),
            text_cell(segment.category.value),
            text_cell(segment.category.meaning),
            text_cell(segment.property_type.value),
            text_cell(segment.property_type.scheme),
            text_cell(segment.property_type.meaning),
            text_cell(segment.anatomic_region.value),
            text_cell(segment.anatomic_region.meaning),
            text_cell(segment.interpreted_type),
            text_cell(segment.tracking_id),
            text_cell(segment.tracking_uid),
            segment.color.unwrap_or(Typed::NULL),
            number_cell(segment.frames),
            number_cell(segment.contours),
            text_cell(segment.graphic_type),
            text_cell(segment.frame_of_reference),
            segment.sources.map_or(Typed::NULL, Sources::cell),
        ])
    }
}

/// How many there are, as a cell holds it.
fn count(items: impl Iterator<Item = Place>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
