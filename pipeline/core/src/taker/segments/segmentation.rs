//! Segments of a segmentation (PS3.3 C.8.20.2).

use std::collections::HashMap;

use super::super::attribute::{Attribute, Values};
use super::super::outline::{Outline, Place};
use super::sources::Sources;
use super::{
    ALGORITHM_NAME, ANATOMIC_REGION_SEQUENCE, CIELAB_VALUE, FRAME_OF_REFERENCE, Segment, TRACKING_ID, TRACKING_UID,
    Writer,
};
use crate::value::typed::{ItemType, Scalar, Typed};

const SEGMENT_SEQUENCE: u32 = 0x0062_0002;
const SEGMENT_NUMBER: Attribute = Attribute::of(0x0062_0004, ItemType::Int64);
const SEGMENT_LABEL: Attribute = Attribute::text(0x0062_0005);
const SEGMENT_DESCRIPTION: Attribute = Attribute::text(0x0062_0006);
const SEGMENT_ALGORITHM_TYPE: Attribute = Attribute::text(0x0062_0008);
const SEGMENT_ALGORITHM_NAME: Attribute = Attribute::text(0x0062_0009);
const ALGORITHM_IDENTIFICATION_SEQUENCE: u32 = 0x0062_0007;
const PROPERTY_CATEGORY_SEQUENCE: u32 = 0x0062_0003;
const PROPERTY_TYPE_SEQUENCE: u32 = 0x0062_000F;
const SHARED_FUNCTIONAL_GROUPS: u32 = 0x5200_9229;
const PER_FRAME_FUNCTIONAL_GROUPS: u32 = 0x5200_9230;
const SEGMENT_IDENTIFICATION_SEQUENCE: u32 = 0x0062_000A;
const REFERENCED_SEGMENT_NUMBERS: Attribute = Attribute::list(0x0062_000B, ItemType::Int64);

pub(super) const TOP: [u32; 3] = [SEGMENT_SEQUENCE, SHARED_FUNCTIONAL_GROUPS, PER_FRAME_FUNCTIONAL_GROUPS];
pub(super) const LEAVES: [u32; 6] = [
    SEGMENT_NUMBER.tag,
    SEGMENT_LABEL.tag,
    SEGMENT_DESCRIPTION.tag,
    SEGMENT_ALGORITHM_TYPE.tag,
    SEGMENT_ALGORITHM_NAME.tag,
    REFERENCED_SEGMENT_NUMBERS.tag,
];

/// Writes a row for each segment; answers whether all could be made.
pub(super) fn write(values: &mut Values<'_>, writer: &mut Writer<'_>) -> bool {
    let outline = values.outline;
    let mut segments = outline.items(Outline::TOP, SEGMENT_SEQUENCE).peekable();
    if segments.peek().is_none() {
        return true;
    }
    let frames = frames_of_segments(values);
    let sources = Sources::referenced(values);
    let frame_of_reference = values.text(Outline::TOP, FRAME_OF_REFERENCE);
    segments.all(|item| {
        let number = values.integer(item, SEGMENT_NUMBER);
        if !writer.takes(number) {
            return true;
        }
        let mut algorithm_name = values.text(item, SEGMENT_ALGORITHM_NAME);
        if algorithm_name.is_none() {
            let algorithm = outline.first_item(item, ALGORITHM_IDENTIFICATION_SEQUENCE);
            algorithm_name = algorithm.and_then(|algorithm| values.text(algorithm, ALGORITHM_NAME));
        }
        writer.write(Segment {
            number,
            kind: "segment",
            label: values.text(item, SEGMENT_LABEL),
            description: values.text(item, SEGMENT_DESCRIPTION),
            algorithm_type: values.text(item, SEGMENT_ALGORITHM_TYPE),
            algorithm_name,
            category: values.code(item, PROPERTY_CATEGORY_SEQUENCE),
            property_type: values.code(item, PROPERTY_TYPE_SEQUENCE),
            anatomic_region: values.code(item, ANATOMIC_REGION_SEQUENCE),
            tracking_id: values.text(item, TRACKING_ID),
            tracking_uid: values.text(item, TRACKING_UID),
            color: Some(values.cell(item, CIELAB_VALUE)),
            frames: frames.as_ref().and_then(|frames| Some(frames.get(&number?).copied().unwrap_or(0))),
            frame_of_reference: frame_of_reference.clone(),
            sources: Some(&sources),
            ..Segment::default()
        })
    })
}

/// How many frames each segment has; None where the file says nothing of frames.
fn frames_of_segments(values: &mut Values<'_>) -> Option<HashMap<i64, i64>> {
    let outline = values.outline;
    let shared = outline.first_item(Outline::TOP, SHARED_FUNCTIONAL_GROUPS);
    let shared = shared.map(|groups| segments_of(groups, values)).unwrap_or_default();
    let mut frames = outline.items(Outline::TOP, PER_FRAME_FUNCTIONAL_GROUPS).peekable();
    frames.peek()?;
    let mut counts: HashMap<i64, i64> = HashMap::new();
    for groups in frames {
        let own = segments_of(groups, values);
        for segment in if own.is_empty() { &shared } else { &own } {
            let count = counts.entry(*segment).or_default();
            *count = count.saturating_add(1);
        }
    }
    Some(counts)
}

/// The segments that functional groups name, each once.
fn segments_of(groups: Place, values: &mut Values<'_>) -> Vec<i64> {
    let Some(identification) = values.outline.first_item(groups, SEGMENT_IDENTIFICATION_SEQUENCE) else {
        return vec![];
    };
    let mut segments = match values.cell(identification, REFERENCED_SEGMENT_NUMBERS) {
        Typed::List(numbers) => numbers.iter().filter_map(integer_of).collect(),
        Typed::One(number) => integer_of(&number).into_iter().collect::<Vec<_>>(),
    };
    segments.sort_unstable();
    segments.dedup();
    segments
}

const fn integer_of(value: &Scalar<'_>) -> Option<i64> {
    match value {
        Scalar::Integer(number) => Some(*number),
        _ => None,
    }
}
