//! The cells of a content item, by its value type (PS3.3 C.17.3.2 and C.18).

use super::super::TakenColumn;
use super::super::attribute::{Attribute, CODE_TAGS, Code, Values, number_cell, text_cell};
use super::super::outline::{Outline, Place};
use super::ContentItem;
use crate::gathered::Gathered;
use crate::value::CharacterSets;
use crate::value::typed::{ItemType, Scalar, Typed};

const RELATIONSHIP_TYPE: Attribute = Attribute::text(0x0040_A010);
const VALUE_TYPE: Attribute = Attribute::text(0x0040_A040);
const CONCEPT_NAME_CODE_SEQUENCE: u32 = 0x0040_A043;
const MEASURED_VALUE_SEQUENCE: u32 = 0x0040_A300;
const NUMERIC_VALUE: Attribute = Attribute::of(0x0040_A30A, ItemType::Float64);
const NUMERIC_TEXT: Attribute = Attribute::text(NUMERIC_VALUE.tag);
const MEASUREMENT_UNITS_CODE_SEQUENCE: u32 = 0x0040_08EA;
const CONCEPT_CODE_SEQUENCE: u32 = 0x0040_A168;
const CONTENT_ITEM_IDENTIFIER: Attribute = Attribute::list(0x0040_DB73, ItemType::Int64);
const TEXT_VALUE: Attribute = Attribute::text(0x0040_A160);
const DATE_TIME: Attribute = Attribute::of(0x0040_A120, ItemType::Timestamp);
const DATE_TIME_TEXT: Attribute = Attribute::text(DATE_TIME.tag);
const DATE: Attribute = Attribute::of(0x0040_A121, ItemType::Date);
const DATE_TEXT: Attribute = Attribute::text(DATE.tag);
const TIME_TEXT: Attribute = Attribute::text(0x0040_A122);
const PERSON_NAME: Attribute = Attribute::text(0x0040_A123);
const UID: Attribute = Attribute::text(0x0040_A124);
const GRAPHIC_TYPE: Attribute = Attribute::text(0x0070_0023);
const TEMPORAL_RANGE_TYPE: Attribute = Attribute::text(0x0040_A130);
const REFERENCED_SOP_SEQUENCE: u32 = 0x0008_1199;
const REFERENCED_INSTANCE: Attribute = Attribute::text(0x0008_1155);
const REFERENCED_FRAMES: Attribute = Attribute::list(0x0008_1160, ItemType::Int64);
const CONTENT_TEMPLATE_SEQUENCE: u32 = 0x0040_A504;
const TEMPLATE_IDENTIFIER: Attribute = Attribute::text(0x0040_DB00);

/// The tags of all of them: values and sequences.
pub(super) const TAGS: [u32; 26] = {
    let [a, b, c, d, e] = CODE_TAGS;
    [
        a,
        b,
        c,
        d,
        e,
        RELATIONSHIP_TYPE.tag,
        VALUE_TYPE.tag,
        CONCEPT_NAME_CODE_SEQUENCE,
        MEASURED_VALUE_SEQUENCE,
        NUMERIC_VALUE.tag,
        MEASUREMENT_UNITS_CODE_SEQUENCE,
        CONCEPT_CODE_SEQUENCE,
        CONTENT_ITEM_IDENTIFIER.tag,
        TEXT_VALUE.tag,
        DATE_TIME.tag,
        DATE.tag,
        TIME_TEXT.tag,
        PERSON_NAME.tag,
        UID.tag,
        GRAPHIC_TYPE.tag,
        TEMPORAL_RANGE_TYPE.tag,
        REFERENCED_SOP_SEQUENCE,
        REFERENCED_INSTANCE.tag,
        REFERENCED_FRAMES.tag,
        CONTENT_TEMPLATE_SEQUENCE,
        TEMPLATE_IDENTIFIER.tag,
    ]
};

const COLUMNS: [(&str, ItemType); 20] = [
    ("item_number", ItemType::Int64),
    ("element_path", ItemType::Text),
    ("parent_number", ItemType::Int64),
    ("depth", ItemType::Int64),
    ("position", ItemType::Text),
    ("RelationshipType", ItemType::Text),
    ("ValueType", ItemType::Text),
    ("concept_code", ItemType::Text),
    ("concept_scheme", ItemType::Text),
    ("concept_meaning", ItemType::Text),
    ("value", ItemType::Text),
    ("NumericValue", ItemType::Float64),
    ("unit_code", ItemType::Text),
    ("unit_meaning", ItemType::Text),
    ("value_code", ItemType::Text),
    ("value_scheme", ItemType::Text),
    ("DateTimeValue", ItemType::Timestamp),
    ("ReferencedSOPInstanceUID", ItemType::Text),
    ("ReferencedFrameNumber", ItemType::Int64),
    ("template_id", ItemType::Text),
];

/// The one column of lists.
const LIST: &str = "ReferencedFrameNumber";

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// The columns of the table.
pub(super) fn columns() -> Vec<TakenColumn> {
    COLUMNS.map(|(name, item)| TakenColumn { name: name.to_owned(), item, is_list: name == LIST }).to_vec()
}

/// Makes the cells of content items.
#[derive(Debug)]
pub(super) struct ItemCells<'o> {
    values: Values<'o>,
}

impl<'o> ItemCells<'o> {
    pub(super) fn new(outline: &'o Outline, gathered: &'o Gathered, sets: &'o mut CharacterSets) -> Self {
        Self { values: Values { outline, gathered, sets } }
    }

    /// The cells of an item, in the order of the columns.
    pub(super) fn of_item(&mut self, item: &ContentItem, path: String, position: String) -> [Typed<'static>; 20] {
        let place = item.place;
        let outline = self.values.outline;
        let concept = self.values.code(place, CONCEPT_NAME_CODE_SEQUENCE);
        let coded = self.values.code(place, CONCEPT_CODE_SEQUENCE);
        let measured = outline.first_item(place, MEASURED_VALUE_SEQUENCE);
        let number = self.first_cell(measured, place, NUMERIC_VALUE);
        let unit = measured.and_then(|measured| outline.first_item(measured, MEASUREMENT_UNITS_CODE_SEQUENCE));
        let unit = unit.or_else(|| outline.first_item(place, MEASUREMENT_UNITS_CODE_SEQUENCE));
        let unit = unit.map_or_else(Code::default, |unit| self.values.code_of(unit));
        let referenced = outline.first_item(place, REFERENCED_SOP_SEQUENCE);
        let instance = referenced.and_then(|referenced| self.values.text(referenced, REFERENCED_INSTANCE));
        let frames = referenced.map(|referenced| self.values.cell(referenced, REFERENCED_FRAMES));
        let template = outline.first_item(place, CONTENT_TEMPLATE_SEQUENCE);
        let template = template.and_then(|template| self.values.text(template, TEMPLATE_IDENTIFIER));
        let value = self.value(place, measured, &coded, &unit, instance.as_ref());
        [
            number_cell(Some(i64::from(item.number))),
            text_cell(Some(path)),
            number_cell(item.parent.map(i64::from)),
            number_cell(Some(i64::from(item.depth))),
            text_cell(Some(position)),
            self.values.cell(place, RELATIONSHIP_TYPE),
            self.values.cell(place, VALUE_TYPE),
            text_cell(concept.value),
            text_cell(concept.scheme),
            text_cell(concept.meaning),
            text_cell(value),
            number,
            text_cell(unit.value),
            text_cell(unit.meaning),
            text_cell(coded.value),
            text_cell(coded.scheme),
            self.date_time(place),
            text_cell(instance),
            frames.unwrap_or(Typed::NULL),
            text_cell(template),
        ]
    }

    /// The value of an attribute in the measured value, else in the item.
    fn first_cell(&mut self, measured: Option<Place>, place: Place, attribute: Attribute) -> Typed<'static> {
        let of_measured = measured.map_or(Typed::NULL, |measured| self.values.cell(measured, attribute));
        if of_measured == Typed::NULL { self.values.cell(place, attribute) } else { of_measured }
    }

    /// The value as text, whatever its type.
    fn value(
        &mut self,
        place: Place,
        measured: Option<Place>,
        coded: &Code,
        unit: &Code,
        instance: Option<&String>,
    ) -> Option<String> {
        let mut value = self.identifier(place).or_else(|| self.values.text(place, TEXT_VALUE));
        value = value.or_else(|| coded.meaning.clone()).or_else(|| coded.value.clone());
        value = value.or_else(|| self.number_text(measured, place, unit));
        for attribute in [DATE_TIME_TEXT, DATE_TEXT, TIME_TEXT, PERSON_NAME, UID] {
            value = value.or_else(|| self.values.text(place, attribute));
        }
        value = value.or_else(|| instance.cloned());
        value = value.or_else(|| self.values.text(place, GRAPHIC_TYPE));
        value.or_else(|| self.values.text(place, TEMPORAL_RANGE_TYPE))
    }

    /// The position of the item that stands here by reference (PS3.3 C.17.3.2.5).
    fn identifier(&mut self, place: Place) -> Option<String> {
        let Typed::List(numbers) = self.values.cell(place, CONTENT_ITEM_IDENTIFIER) else {
            return None;
        };
        let text = |number: &Scalar<'_>| match number {
            Scalar::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        let numbers: Vec<String> = numbers.iter().filter_map(text).collect();
        (!numbers.is_empty()).then(|| numbers.join("."))
    }

    /// The number as the file writes it, with its unit.
    fn number_text(&mut self, measured: Option<Place>, place: Place, unit: &Code) -> Option<String> {
        let Scalar::Text(text) = self.first_cell(measured, place, NUMERIC_TEXT).first() else {
            return None;
        };
        let mut number = text.split('\\').next().unwrap_or_default().trim_matches([' ', '\0']).to_owned();
        if number.is_empty() {
            return None;
        }
        if let Some(unit) = unit.value.as_deref().filter(|unit| *unit != "1") {
            number.push(' ');
            number.push_str(unit);
        }
        Some(number)
    }

    fn date_time(&mut self, place: Place) -> Typed<'static> {
        let date_time = self.values.cell(place, DATE_TIME);
        if date_time != Typed::NULL {
            return date_time;
        }
        match self.values.cell(place, DATE).first() {
            Scalar::Date(days) => Typed::One(Scalar::Timestamp(i64::from(days).saturating_mul(MICROSECONDS_A_DAY))),
            _ => Typed::NULL,
        }
    }
}
