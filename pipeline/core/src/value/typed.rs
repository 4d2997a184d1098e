//! A decoded value into the cell of a column: split, typed, and each defect found on the way.
//!
//! The VR in the file rules over the column's; of UN, and in implicit VR, the column's counts. What can't be typed is null and a finding
//! with the raw text.

use std::borrow::Cow;

use super::parse::{
    Integer, TimeText, is_implausible_age, is_uid, parse_age, parse_date, parse_date_time, parse_decimal,
    parse_integer, parse_time,
};
use super::{CharacterSets, Component, Decoded, DictionaryVr, Numbers, decode, hex, push_component, vr_of};
use crate::error::FindingCode;
use crate::gathered::{Gathered, RawValue};
use crate::vr::{Letters, TextRules, Vr};

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// The type of a column's values; a column of lists has lists of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemType {
    /// `string`.
    Text,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `float64`.
    Float64,
    /// `date32`: days since 1970.
    Date,
    /// `time`: text `HH:MM:SS.ffffff`.
    Time,
    /// `timestamp[us]`: microseconds since 1970.
    Timestamp,
    /// `bool`.
    Bool,
}

impl ItemType {
    /// The type of a name, as `columns.csv` and Python's `dicomlake.schema.types` have it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float64" => Self::Float64,
            "date32" => Self::Date,
            "time" => Self::Time,
            "timestamp[us]" | "timestamp[us, UTC]" => Self::Timestamp,
            "bool" => Self::Bool,
            _ => return None,
        })
    }

    const fn code(self) -> FindingCode {
        match self {
            Self::Int32 | Self::Int64 | Self::Float64 => FindingCode::InvalidNumber,
            Self::Date => FindingCode::InvalidDate,
            Self::Time => FindingCode::InvalidTime,
            Self::Timestamp => FindingCode::InvalidDatetime,
            Self::Bool | Self::Text => FindingCode::InvalidCodeString,
        }
    }
}

/// A column as the engine reads it.
#[derive(Clone, Debug)]
pub struct ReadColumn {
    /// Its name.
    pub name: String,
    /// Of its element; of a private one without its block.
    pub tag: u32,
    /// The VRs of the data dictionary, by their letters.
    pub expected: Vec<Letters>,
    /// The VR by which to read values of which the file does not say it.
    pub vr: DictionaryVr,
    /// The type of its values.
    pub item: ItemType,
    /// Whether a cell is a list.
    pub is_list: bool,
    /// Whether that list is over items.
    pub gathers: bool,
    /// Whether the lake is partitioned by it, or may be.
    pub is_partition: bool,
    /// Whether PS3.6 gives it one value.
    pub is_single: bool,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// None.
    Null,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// Days since 1970.
    Date(i32),
    /// A time of day.
    Time(TimeText),
    /// Microseconds since 1970.
    Timestamp(i64),
    /// A truth value.
    Bool(bool),
}

impl Scalar<'_> {
    fn weight(&self) -> usize {
        if let Self::Text(text) = self { text.len().saturating_add(8) } else { 8 }
    }

    /// A copy that owns its text.
    #[must_use]
    pub fn to_owned_scalar(&self) -> Scalar<'static> {
        match self {
            Self::Null => Scalar::Null,
            Self::Text(text) => Scalar::Text(Cow::Owned(text.as_ref().to_owned())),
            Self::Integer(number) => Scalar::Integer(*number),
            Self::Float(number) => Scalar::Float(*number),
            Self::Date(days) => Scalar::Date(*days),
            Self::Time(time) => Scalar::Time(*time),
            Self::Timestamp(instant) => Scalar::Timestamp(*instant),
            Self::Bool(value) => Scalar::Bool(*value),
        }
    }
}

/// The cell of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed<'a> {
    /// One value, or none.
    One(Scalar<'a>),
    /// A list.
    List(Vec<Scalar<'a>>),
}

impl<'a> Typed<'a> {
    /// No value.
    pub const NULL: Self = Self::One(Scalar::Null);

    /// About how many bytes it takes in a column.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::One(value) => value.weight(),
            Self::List(values) => values.iter().map(Scalar::weight).fold(0, usize::saturating_add),
        }
    }

    /// A copy that owns its texts.
    #[must_use]
    pub fn into_owned(self) -> Typed<'static> {
        match self {
            Self::One(value) => Typed::One(value.to_owned_scalar()),
            Self::List(values) => Typed::List(values.iter().map(Scalar::to_owned_scalar).collect()),
        }
    }

    /// The value, or the first of the list.
    #[must_use]
    pub fn first(self) -> Scalar<'a> {
        match self {
            Self::One(value) => value,
            Self::List(values) => values.into_iter().next().unwrap_or(Scalar::Null),
        }
    }
}

/// The codes that one value raised: each once, in the order in which they were met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noted {
    codes: [Option<FindingCode>; 8],
}

impl Noted {
    /// Notes a code.
    pub fn note(&mut self, code: FindingCode) {
        for place in &mut self.codes {
            match place {
                Some(known) if *known == code => return,
                Some(_) => {}
                None => {
                    *place = Some(code);
                    return;
                }
            }
        }
    }

    /// The codes that were noted.
    pub fn iter(&self) -> impl Iterator<Item = FindingCode> {
        self.codes.into_iter().flatten()
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.codes, [None, ..])
    }
}

/// The message of a finding about a value.
#[must_use]
pub const fn message(code: FindingCode) -> &'static str {
    match code {
        FindingCode::InvalidDate => "this is not a date (PS3.5 6.2, DA)",
        FindingCode::InvalidTime => "this is not a time of day (PS3.5 6.2, TM)",
        FindingCode::InvalidDatetime => "this is not a date and time (PS3.5 6.2, DT)",
        FindingCode::InvalidNumber => "this is not a number that its VR allows, or does not fit the column (PS3.5 6.2)",
        FindingCode::InvalidUid => "this is not a UID (PS3.5 9.1)",
        FindingCode::InvalidCodeString => "this is not a code that the column can hold",
        FindingCode::TooManyValues => "there are several values where one belongs; the first is kept",
        FindingCode::UndecodableText => "bytes are not of the declared character set (0008,0005)",
        FindingCode::UndeclaredCharacterSet => "characters stand here that (0008,0005) does not declare",
        FindingCode::WrongVr => "the VR in the file is not that of the data dictionary (PS3.6)",
        FindingCode::InvalidAge => "this is not an age (PS3.5 6.2, AS)",
        FindingCode::ImplausibleAge => "nobody is so old: the age is above 130 years, or below 0",
        FindingCode::NonstandardCharacterSet => "this is not how PS3.3 C.12.1.1.2 names a character set",
        _ => "",
    }
}

/// The value of a column (of one entry, where the column gathers over items), and what is wrong with it.
pub fn typed<'a>(
    column: &'a ReadColumn,
    raw: &RawValue<'a>,
    gathered: &Gathered,
    sets: &mut CharacterSets,
    noted: &mut Noted,
) -> Typed<'a> {
    if let Some(vr) = raw.vr
        && vr != *b"UN"
        && !column.expected.contains(&vr)
    {
        noted.note(FindingCode::WrongVr);
    }
    let vr = vr_of(raw, column.vr, gathered);
    let as_list = column.is_list && !column.gathers;
    let decoded = decode(raw, vr, gathered, sets, &mut |code| noted.note(code));
    let is_age = vr == Some(Vr::AS) || column.vr == DictionaryVr::One(Vr::AS);
    let mut convert = Convert { vr, item: column.item, is_age, noted };
    match decoded {
        Decoded::Nothing => Typed::NULL,
        Decoded::Text(text, _) if text.is_empty() => Typed::NULL,
        Decoded::Text(text, rules) => typed_text(column, text, rules, as_list, &mut convert),
        Decoded::Numbers(numbers) => typed_numbers(numbers, as_list, &mut convert),
        Decoded::Hex(bytes) => {
            if column.item != ItemType::Text {
                convert.noted.note(column.item.code()); // bytes without a meaning are neither a number nor a date
                return Typed::NULL;
            }
            let text = Scalar::Text(Cow::Owned(hex(bytes)));
            if as_list {
                return Typed::List(vec![text]);
            }
            match text {
                Scalar::Text(text) => Typed::One(checked_text(column, text, &mut convert)),
                other => Typed::One(other),
            }
        }
    }
}

fn typed_text<'a>(
    column: &ReadColumn,
    text: Cow<'a, str>,
    rules: TextRules,
    as_list: bool,
    convert: &mut Convert<'_>,
) -> Typed<'a> {
    let text = if convert.vr == Some(Vr::PN) { names(text) } else { text };
    if text.is_empty() {
        return Typed::NULL;
    }
    if convert.item == ItemType::Text && !as_list {
        return Typed::One(checked_text(column, text, convert));
    }
    if rules.undivided || !text.contains('\\') {
        let value = convert.text(text);
        return if as_list { Typed::List(vec![value]) } else { Typed::One(value) };
    }
    if as_list {
        let component = |part: Cow<'a, str>| if part.is_empty() { Scalar::Null } else { convert.text(part) };
        // Their number is counted before: of a value of one byte each, a vector that grows would be 72 bytes a byte.
        let mut values = Vec::with_capacity(text.bytes().filter(|byte| *byte == b'\\').count().saturating_add(1));
        match &text {
            Cow::Borrowed(text) => values.extend(text.split('\\').map(|part| rules.trim(part).into()).map(component)),
            Cow::Owned(text) => {
                values.extend(text.split('\\').map(|part| rules.trim(part).to_owned().into()).map(component));
            }
        }
        return Typed::List(values);
    }
    convert.noted.note(FindingCode::TooManyValues);
    let first: Cow<'a, str> = match text {
        Cow::Borrowed(text) => rules.trim(first_of(text)).into(),
        Cow::Owned(text) => rules.trim(first_of(&text)).to_owned().into(),
    };
    if first.is_empty() { Typed::NULL } else { Typed::One(convert.text(first)) }
}

fn first_of(text: &str) -> &str {
    text.split_once('\\').map_or(text, |(first, _)| first)
}

fn typed_numbers<'a>(numbers: Numbers<'_>, as_list: bool, convert: &mut Convert<'_>) -> Typed<'a> {
    if as_list {
        return Typed::List(numbers.iter().map(|number| convert.component(number)).collect());
    }
    if convert.item == ItemType::Text {
        let mut text = String::new();
        for (index, number) in numbers.iter().enumerate() {
            if index > 0 {
                text.push('\\');
            }
            push_component(&mut text, number);
        }
        return Typed::One(Scalar::Text(Cow::Owned(text)));
    }
    let mut all = numbers.iter();
    let first = all.next();
    if all.next().is_some() {
        convert.noted.note(FindingCode::TooManyValues);
    }
    first.map_or(Typed::NULL, |first| Typed::One(convert.component(first)))
}

/// PN: of each name, empty component groups at its end are left out (PS3.5 6.2.1); a text of empty names is empty.
fn names(text: Cow<'_, str>) -> Cow<'_, str> {
    const EMPTY: [char; 4] = ['=', '^', ' ', '\0'];
    if text.chars().all(|character| character == '\\' || EMPTY.contains(&character)) {
        return Cow::Borrowed("");
    }
    if !text.contains(['=', '\\']) {
        return text;
    }
    let mut names = String::with_capacity(text.len());
    for (index, name) in text.split('\\').enumerate() {
        if index > 0 {
            names.push('\\');
        }
        names.push_str(without_empty_groups(name));
    }
    Cow::Owned(names)
}

/// A name less the empty component groups at its end, those of empty components among them.
fn without_empty_groups(name: &str) -> &str {
    let mut name = name;
    while let Some((groups, last)) = name.rsplit_once('=')
        && last.chars().all(|character| matches!(character, '^' | ' ' | '\0'))
    {
        name = groups.trim_end_matches([' ', '\0']);
    }
    if name.chars().all(|character| matches!(character, '^' | ' ' | '\0')) { "" } else { name }
}

fn checked_text<'a>(column: &ReadColumn, text: Cow<'a, str>, convert: &mut Convert<'_>) -> Scalar<'a> {
    if convert.vr == Some(Vr::UI) {
        if !text.split('\\').all(is_uid) || (column.is_single && text.contains('\\')) {
            convert.noted.note(FindingCode::InvalidUid);
        }
    } else if convert.is_age {
        convert.check_age(&text);
    } else if column.is_partition && !fits_partition(&text) {
        // Else files that are corrupt in this place would make thousands of partitions.
        convert.noted.note(FindingCode::InvalidCodeString);
        return Scalar::Null;
    }
    Scalar::Text(text)
}

/// 1 to 16 printable ASCII characters without slashes.
fn fits_partition(text: &str) -> bool {
    matches!(text.len(), 1..=16)
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'/' | b'\\'))
}

/// Turns components into values of one type.
struct Convert<'n> {
    vr: Option<Vr>,
    item: ItemType,
    is_age: bool,
    noted: &'n mut Noted,
}

impl Convert<'_> {
    fn component<'a>(&mut self, component: Component<'_>) -> Scalar<'a> {
        let whole = match (self.item, component) {
            (ItemType::Int32 | ItemType::Int64, Component::Integer(number)) => Some(number),
            (ItemType::Int32 | ItemType::Int64, Component::Float(number)) => {
                // Beyond this every number is too large for a column anyway.
                let fits = number.fract() == 0.0 && number.abs() < 1e30;
                if !fits {
                    self.noted.note(FindingCode::InvalidNumber);
                    return Scalar::Null;
                }
                Some(number as i128)
            }
            (ItemType::Float64, Component::Integer(number)) => return Scalar::Float(number as f64),
            (ItemType::Float64, Component::Float(number)) => return Scalar::Float(number),
            _ => None,
        };
        if let Some(number) = whole {
            return self.in_range(i64::try_from(number).ok());
        }
        let mut text = String::new();
        push_component(&mut text, component);
        self.text(Cow::Owned(text))
    }

    fn in_range<'a>(&mut self, number: Option<i64>) -> Scalar<'a> {
        match number {
            Some(number) if self.item != ItemType::Int32 || i32::try_from(number).is_ok() => Scalar::Integer(number),
            _ => {
                self.noted.note(FindingCode::InvalidNumber);
                Scalar::Null
            }
        }
    }

    fn text<'a>(&mut self, text: Cow<'a, str>) -> Scalar<'a> {
        match self.item {
            ItemType::Text => {
                if self.vr == Some(Vr::UI) && !is_uid(&text) {
                    self.noted.note(FindingCode::InvalidUid);
                } else if self.is_age {
                    self.check_age(&text);
                }
                Scalar::Text(text)
            }
            ItemType::Int32 | ItemType::Int64 => self.integer(&text),
            ItemType::Float64 => self.float(&text),
            ItemType::Date => {
                let mut days = parse_date(&text);
                if days.is_none() && self.vr == Some(Vr::DT) {
                    let instant = parse_date_time(&text);
                    days = instant.and_then(|instant| i32::try_from(instant.div_euclid(MICROSECONDS_A_DAY)).ok());
                }
                self.or_null(days.map(Scalar::Date), days.is_some())
            }
            ItemType::Time => {
                let time = parse_time(&text);
                self.or_null(time.map(Scalar::Time), time.is_some())
            }
            ItemType::Timestamp => {
                let instant = parse_date_time(&text);
                self.or_null(instant.map(Scalar::Timestamp), instant.is_some())
            }
            ItemType::Bool => {
                let value = match text.to_uppercase().as_str() {
                    "YES" | "Y" | "TRUE" | "1" => Some(true),
                    "NO" | "N" | "FALSE" | "0" => Some(false),
                    _ => None,
                };
                self.or_null(value.map(Scalar::Bool), value.is_some())
            }
        }
    }

    fn check_age(&mut self, text: &str) {
        match parse_age(text) {
            None => self.noted.note(FindingCode::InvalidAge),
            Some(years) if is_implausible_age(years) => self.noted.note(FindingCode::ImplausibleAge),
            Some(_) => {}
        }
    }

    fn or_null<'a>(&mut self, value: Option<Scalar<'a>>, sound: bool) -> Scalar<'a> {
        if !sound {
            self.noted.note(self.item.code());
        }
        value.unwrap_or(Scalar::Null)
    }

    fn integer<'a>(&mut self, text: &str) -> Scalar<'a> {
        let (value, mut sound) = parse_integer(text);
        if self.vr == Some(Vr::DS) && value.is_some() {
            sound = parse_decimal(text).1;
        }
        if !sound {
            self.noted.note(FindingCode::InvalidNumber);
        }
        match value {
            None => Scalar::Null,
            Some(Integer::Small(number)) => self.in_range(Some(number)),
            Some(Integer::Large(_)) => self.in_range(None),
        }
    }

    fn float<'a>(&mut self, text: &str) -> Scalar<'a> {
        let (value, mut sound) = parse_decimal(text);
        if self.vr == Some(Vr::IS) && value.is_some() {
            sound = parse_integer(text).1;
        }
        if !sound {
            self.noted.note(FindingCode::InvalidNumber);
        }
        value.map_or(Scalar::Null, Scalar::Float)
    }
}
