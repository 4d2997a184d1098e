//! Regions of interest of a structure set (PS3.3 C.8.8.5, C.8.8.6, C.8.8.8).

use std::collections::HashMap;

use super::super::attribute::{Attribute, Values};
use super::super::outline::{Outline, Place};
use super::sources::Sources;
use super::{ANATOMIC_REGION_SEQUENCE, FRAME_OF_REFERENCE, Segment, TRACKING_ID, TRACKING_UID, Writer, count};
use crate::value::typed::ItemType;

const STRUCTURE_SET_ROI_SEQUENCE: u32 = 0x3006_0020;
const ROI_NUMBER: Attribute = Attribute::of(0x3006_0022, ItemType::Int64);
const ROI_NAME: Attribute = Attribute::text(0x3006_0026);
const ROI_DESCRIPTION: Attribute = Attribute::text(0x3006_0028);
const ROI_GENERATION_ALGORITHM: Attribute = Attribute::text(0x3006_0036);
const REFERENCED_FRAME_OF_REFERENCE: Attribute = Attribute::text(0x3006_0024);
const ROI_CONTOUR_SEQUENCE: u32 = 0x3006_0039;
const CONTOUR_SEQUENCE: u32 = 0x3006_0040;
const ROI_DISPLAY_COLOR: Attribute = Attribute::list(0x3006_002A, ItemType::Int64);
const OBSERVATIONS_SEQUENCE: u32 = 0x3006_0080;
const REFERENCED_ROI_NUMBER: Attribute = Attribute::of(0x3006_0084, ItemType::Int64);
const IDENTIFICATION_CODE_SEQUENCE: u32 = 0x3006_0086;
const INTERPRETED_TYPE: Attribute = Attribute::text(0x3006_00A4);
const FRAMES_OF_REFERENCE_SEQUENCE: u32 = 0x3006_0010;
const STUDY_SEQUENCE: u32 = 0x3006_0012;
const SERIES_SEQUENCE: u32 = 0x3006_0014;

pub(super) const TOP: [u32; 4] =
    [STRUCTURE_SET_ROI_SEQUENCE, ROI_CONTOUR_SEQUENCE, OBSERVATIONS_SEQUENCE, FRAMES_OF_REFERENCE_SEQUENCE];
pub(super) const LEAVES: [u32; 8] = [
    ROI_NUMBER.tag,
    ROI_NAME.tag,
    ROI_DESCRIPTION.tag,
    ROI_GENERATION_ALGORITHM.tag,
    REFERENCED_FRAME_OF_REFERENCE.tag,
    ROI_DISPLAY_COLOR.tag,
    REFERENCED_ROI_NUMBER.tag,
    INTERPRETED_TYPE.tag,
];

/// Writes a row for each region; answers whether all could be made.
pub(super) fn write(values: &mut Values<'_>, writer: &mut Writer<'_>) -> bool {
    let outline = values.outline;
    let mut regions = outline.items(Outline::TOP, STRUCTURE_SET_ROI_SEQUENCE).peekable();
    if regions.peek().is_none() {
        return true;
    }
    let contours = by_region(ROI_CONTOUR_SEQUENCE, values);
    let observations = by_region(OBSERVATIONS_SEQUENCE, values);
    let sources = SourcesOfFrames::of(values);
    let of_file = values.text(Outline::TOP, FRAME_OF_REFERENCE);
    regions.all(|item| {
        let number = values.integer(item, ROI_NUMBER);
        if !writer.takes(number) {
            return true;
        }
        let contour = number.and_then(|number| contours.get(&number)).copied();
        let own = values.text(item, REFERENCED_FRAME_OF_REFERENCE);
        let frame_of_reference = own.or_else(|| of_file.clone());
        let segment = Segment {
            number,
            kind: "roi",
            label: values.text(item, ROI_NAME),
            description: values.text(item, ROI_DESCRIPTION),
            algorithm_type: values.text(item, ROI_GENERATION_ALGORITHM),
            color: contour.map(|contour| values.cell(contour, ROI_DISPLAY_COLOR)),
            contours: contour.map(|contour| count(outline.items(contour, CONTOUR_SEQUENCE))),
            sources: Some(sources.in_frame(frame_of_reference.as_deref())),
            frame_of_reference,
            ..Segment::default()
        };
        let observation = number.and_then(|number| observations.get(&number)).copied();
        writer.write(match observation {
            None => segment,
            Some(observation) => Segment {
                property_type: values.code(observation, IDENTIFICATION_CODE_SEQUENCE),
                anatomic_region: values.code(observation, ANATOMIC_REGION_SEQUENCE),
                interpreted_type: values.text(observation, INTERPRETED_TYPE),
                tracking_id: values.text(observation, TRACKING_ID),
                tracking_uid: values.text(observation, TRACKING_UID),
                ..segment
            },
        })
    })
}

/// The items of a sequence by the region that they say something of; the first one of each counts.
fn by_region(sequence: u32, values: &mut Values<'_>) -> HashMap<i64, Place> {
    let mut found = HashMap::new();
    for item in values.outline.items(Outline::TOP, sequence) {
        if let Some(number) = values.integer(item, REFERENCED_ROI_NUMBER) {
            found.entry(number).or_insert(item);
        }
    }
    found
}

/// The series that a structure set was drawn in, by frame of reference.
#[derive(Debug, Default)]
struct SourcesOfFrames {
    all: Sources,
    by_frame: HashMap<String, Sources>,
}

impl SourcesOfFrames {
    fn of(values: &mut Values<'_>) -> Self {
        let outline = values.outline;
        let mut found = Self::default();
        for item in outline.items(Outline::TOP, FRAMES_OF_REFERENCE_SEQUENCE) {
            let mut sources = Sources::default();
            for study in outline.items(item, STUDY_SEQUENCE) {
                for series in outline.items(study, SERIES_SEQUENCE) {
                    sources.add(series, values);
                }
            }
            found.all.add_all(&sources);
            if let Some(frame) = values.text(item, FRAME_OF_REFERENCE) {
                found.by_frame.entry(frame).or_default().add_all(&sources);
            }
        }
        found
    }

    /// Those of a frame of reference; all where nothing is said of it.
    fn in_frame(&self, frame: Option<&str>) -> &Sources {
        frame.and_then(|frame| self.by_frame.get(frame)).unwrap_or(&self.all)
    }
}
