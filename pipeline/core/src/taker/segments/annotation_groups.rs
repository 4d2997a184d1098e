//! Groups of annotations of microscopy bulk simple annotations (PS3.3 C.37.1.2).

use super::super::attribute::{Attribute, Values};
use super::super::outline::Outline;
use super::sources::Sources;
use super::{ALGORITHM_NAME, ANATOMIC_REGION_SEQUENCE, CIELAB_VALUE, FRAME_OF_REFERENCE, Segment, Writer};
use crate::value::typed::ItemType;

const ANNOTATION_GROUP_SEQUENCE: u32 = 0x006A_0002;
const GROUP_NUMBER: Attribute = Attribute::of(0x0040_A180, ItemType::Int64);
const GROUP_UID: Attribute = Attribute::text(0x006A_0003);
const GROUP_LABEL: Attribute = Attribute::text(0x006A_0005);
const GROUP_DESCRIPTION: Attribute = Attribute::text(0x006A_0006);
const GROUP_GENERATION_TYPE: Attribute = Attribute::text(0x006A_0007);
const ALGORITHM_IDENTIFICATION_SEQUENCE: u32 = 0x006A_0008;
const PROPERTY_CATEGORY_SEQUENCE: u32 = 0x006A_0009;
const PROPERTY_TYPE_SEQUENCE: u32 = 0x006A_000A;
const NUMBER_OF_ANNOTATIONS: Attribute = Attribute::of(0x006A_000C, ItemType::Int64);
const GRAPHIC_TYPE: Attribute = Attribute::text(0x0070_0023);

pub(super) const TOP: [u32; 1] = [ANNOTATION_GROUP_SEQUENCE];
pub(super) const LEAVES: [u32; 7] = [
    GROUP_NUMBER.tag,
    GROUP_UID.tag,
    GROUP_LABEL.tag,
    GROUP_DESCRIPTION.tag,
    GROUP_GENERATION_TYPE.tag,
    NUMBER_OF_ANNOTATIONS.tag,
    GRAPHIC_TYPE.tag,
];

/// Writes a row for each group; answers whether all could be made.
pub(super) fn write(values: &mut Values<'_>, writer: &mut Writer<'_>) -> bool {
    let outline = values.outline;
    let mut groups = outline.items(Outline::TOP, ANNOTATION_GROUP_SEQUENCE).peekable();
    if groups.peek().is_none() {
        return true;
    }
    let sources = Sources::referenced(values);
    let frame_of_reference = values.text(Outline::TOP, FRAME_OF_REFERENCE);
    groups.all(|item| {
        let number = values.integer(item, GROUP_NUMBER);
        if !writer.takes(number) {
            return true;
        }
        let algorithm = outline.first_item(item, ALGORITHM_IDENTIFICATION_SEQUENCE);
        writer.write(Segment {
            number,
            kind: "annotation-group",
            label: values.text(item, GROUP_LABEL),
            description: values.text(item, GROUP_DESCRIPTION),
            algorithm_type: values.text(item, GROUP_GENERATION_TYPE),
            algorithm_name: algorithm.and_then(|algorithm| values.text(algorithm, ALGORITHM_NAME)),
            category: values.code(item, PROPERTY_CATEGORY_SEQUENCE),
            property_type: values.code(item, PROPERTY_TYPE_SEQUENCE),
            anatomic_region: values.code(item, ANATOMIC_REGION_SEQUENCE),
            tracking_uid: values.text(item, GROUP_UID),
            color: Some(values.cell(item, CIELAB_VALUE)),
            contours: values.integer(item, NUMBER_OF_ANNOTATIONS),
            graphic_type: values.text(item, GRAPHIC_TYPE),
            frame_of_reference: frame_of_reference.clone(),
            sources: Some(&sources),
            ..Segment::default()
        })
    })
}
