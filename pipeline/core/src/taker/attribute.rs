//! The attributes that takers read of an outline, and their values as cells.

use super::outline::{Outline, Place};
use crate::dictionary::entry_of_tag;
use crate::gathered::Gathered;
use crate::label::push_label;
use crate::value::typed::{ItemType, Noted, ReadColumn, Scalar, Typed, typed};
use crate::value::{CharacterSets, DictionaryVr};
use crate::vr::Vr;

/// An attribute: its tag, and the type to which its values are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub tag: u32,
    item: ItemType,
    is_list: bool,
}

impl Attribute {
    pub const fn text(tag: u32) -> Self {
        Self { tag, item: ItemType::Text, is_list: false }
    }

    pub const fn of(tag: u32, item: ItemType) -> Self {
        Self { tag, item, is_list: false }
    }

    pub const fn list(tag: u32, item: ItemType) -> Self {
        Self { tag, item, is_list: true }
    }

    fn column(self) -> ReadColumn {
        let vr = entry_of_tag(self.tag).map_or(DictionaryVr::One(Vr::UN), |entry| DictionaryVr::named(entry.vr));
        let (tag, item, is_list) = (self.tag, self.item, self.is_list);
        let (name, expected) = (String::new(), vec![]);
        ReadColumn { name, tag, expected, vr, item, is_list, gathers: false, is_partition: false, is_single: false }
    }
}

/// A coded entry (PS3.3 8.8).
#[derive(Debug, Default)]
pub(super) struct Code {
    pub value: Option<String>,
    pub scheme: Option<String>,
    pub meaning: Option<String>,
}

/// The tags of what makes a coded entry.
pub(super) const CODE_TAGS: [u32; 5] =
    [CODE_VALUE.tag, LONG_CODE_VALUE.tag, URN_CODE_VALUE.tag, CODING_SCHEME.tag, CODE_MEANING.tag];

const CODE_VALUE: Attribute = Attribute::text(0x0008_0100);
const LONG_CODE_VALUE: Attribute = Attribute::text(0x0008_0119);
const URN_CODE_VALUE: Attribute = Attribute::text(0x0008_0120);
const CODING_SCHEME: Attribute = Attribute::text(0x0008_0102);
const CODE_MEANING: Attribute = Attribute::text(0x0008_0104);

/// Reads the values of an outline.
#[derive(Debug)]
pub(super) struct Values<'o> {
    pub outline: &'o Outline,
    pub gathered: &'o Gathered,
    pub sets: &'o mut CharacterSets,
}

impl Values<'_> {
    /// The value of an attribute: of copies of the element the last one that can be typed counts.
    pub fn cell(&mut self, item: Place, attribute: Attribute) -> Typed<'static> {
        let mut column = None;
        for raw in self.outline.values(item, attribute.tag) {
            let column = column.get_or_insert_with(|| attribute.column());
            let cell = typed(column, &raw, self.gathered, self.sets, &mut Noted::default()).into_owned();
            if cell != Typed::NULL {
                return cell;
            }
        }
        Typed::NULL
    }

    /// The text of an attribute.
    pub fn text(&mut self, item: Place, attribute: Attribute) -> Option<String> {
        match self.cell(item, attribute).first() {
            Scalar::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The whole number of an attribute.
    pub fn integer(&mut self, item: Place, attribute: Attribute) -> Option<i64> {
        match self.cell(item, attribute).first() {
            Scalar::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The coded entry in the first item of a sequence.
    pub fn code(&mut self, item: Place, sequence: u32) -> Code {
        let first = self.outline.first_item(item, sequence);
        first.map_or_else(Code::default, |first| self.code_of(first))
    }

    /// The coded entry in an item.
    pub fn code_of(&mut self, item: Place) -> Code {
        let mut value = None;
        for attribute in [CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE] {
            value = value.or_else(|| self.text(item, attribute));
        }
        Code { value, scheme: self.text(item, CODING_SCHEME), meaning: self.text(item, CODE_MEANING) }
    }
}

/// The cell of a text.
pub(super) fn text_cell(text: Option<String>) -> Typed<'static> {
    text.map_or(Typed::NULL, |text| Typed::One(Scalar::Text(text.into())))
}

/// The cell of a whole number.
pub(super) fn number_cell(number: Option<i64>) -> Typed<'static> {
    number.map_or(Typed::NULL, |number| Typed::One(Scalar::Integer(number)))
}

/// The keywords of sequences inside each other, the outermost first.
pub(super) fn path_text(tags: impl Iterator<Item = u32>) -> String {
    let mut path = String::new();
    for tag in tags {
        if !path.is_empty() {
            path.push('.');
        }
        push_label(&mut path, tag);
    }
    path
}

/// How much the rows of one file may say of their places, and repeat: so that a small file does not make large tables.
///
/// A row of a sound file says less of its place than the file did.
#[derive(Debug)]
pub(super) struct Allowance(usize);

impl Allowance {
    /// That of a file.
    pub fn of(outline: &Outline) -> Self {
        Self(outline.weight().saturating_mul(16).saturating_add(1 << 16))
    }

    /// Whether a row that repeats this many bytes may be made.
    pub fn take(&mut self, bytes: usize) -> bool {
        const ROW: usize = 200;
        let left = self.0.checked_sub(bytes.saturating_add(ROW));
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}
