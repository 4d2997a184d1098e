//! One column of a table while it grows: cells are appended for the rows that have one, and what lies between is null.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{Array, ListArray, new_null_array};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, TimeUnit};

use super::fault::Fault;
use crate::value::typed::{ItemType, Scalar, Typed};

/// Scalars of one type.
#[derive(Debug)]
enum Values {
    Text(StringBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Bool(BooleanBuilder),
}

impl Values {
    fn new(item: ItemType) -> Self {
        match item {
            ItemType::Text | ItemType::Time => Self::Text(StringBuilder::new()),
            ItemType::Int32 => Self::Int32(Int32Builder::new()),
            ItemType::Int64 => Self::Int64(Int64Builder::new()),
            ItemType::Float64 => Self::Float64(Float64Builder::new()),
            ItemType::Date => Self::Date(Date32Builder::new()),
            ItemType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            ItemType::Bool => Self::Bool(BooleanBuilder::new()),
        }
    }

    /// Appends a scalar; false where the column can't hold it, which the typing before never answers.
    #[must_use]
    fn append(&mut self, value: &Scalar<'_>) -> bool {
        match (self, value) {
            (Self::Text(values), Scalar::Text(text)) => {
                // Arrow's offsets are of 31 bits; a batch ends long before that.
                if text.len() > (i32::MAX as usize).saturating_sub(values.values_slice().len()) {
                    return false;
                }
                values.append_value(text);
            }
            (Self::Text(values), Scalar::Time(time)) => values.append_value(time.as_str()),
            (Self::Int32(values), Scalar::Integer(number)) => {
                let Ok(number) = i32::try_from(*number) else {
                    return false;
                };
                values.append_value(number);
            }
            (Self::Int64(values), Scalar::Integer(number)) => values.append_value(*number),
            (Self::Float64(values), Scalar::Float(number)) => values.append_value(*number),
            (Self::Date(values), Scalar::Date(days)) => values.append_value(*days),
            (Self::Timestamp(values), Scalar::Timestamp(instant)) => values.append_value(*instant),
            (Self::Bool(values), Scalar::Bool(value)) => values.append_value(*value),
            (values, Scalar::Null) => values.append_nulls(1),
            _ => return false,
        }
        true
    }

    fn append_nulls(&mut self, count: usize) {
        match self {
            Self::Text(values) => values.append_nulls(count),
            Self::Int32(values) => values.append_nulls(count),
            Self::Int64(values) => values.append_nulls(count),
            Self::Float64(values) => values.append_nulls(count),
            Self::Date(values) => values.append_nulls(count),
            Self::Timestamp(values) => values.append_nulls(count),
            Self::Bool(values) => values.append_nulls(count),
        }
    }

    /// Appends the value at `at` again, `count` times; it is none of null.
    fn append_copies(&mut self, at: usize, count: usize) {
        match self {
            Self::Text(values) => {
                let text = text_at(values, at).to_owned();
                (0..count).for_each(|_| values.append_value(&text));
            }
            Self::Int32(values) => {
                copy(values.values_slice().get(at).copied(), |value| values.append_value_n(value, count))
            }
            Self::Int64(values) => {
                copy(values.values_slice().get(at).copied(), |value| values.append_value_n(value, count))
            }
            Self::Float64(values) => {
                copy(values.values_slice().get(at).copied(), |value| values.append_value_n(value, count))
            }
            Self::Date(values) => {
                copy(values.values_slice().get(at).copied(), |value| values.append_value_n(value, count))
            }
            Self::Timestamp(values) => {
                copy(values.values_slice().get(at).copied(), |value| values.append_value_n(value, count));
            }
            Self::Bool(values) => {
                let bits = values.values_slice().get(at >> 3).copied();
                copy(bits, |bits| values.append_n(count, bits >> (at & 7) & 1 == 1));
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Float64(values) => values.len(),
            Self::Date(values) => values.len(),
            Self::Timestamp(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Int32(_) => DataType::Int32,
            Self::Int64(_) => DataType::Int64,
            Self::Float64(_) => DataType::Float64,
            Self::Date(_) => DataType::Date32,
            Self::Timestamp(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Bool(_) => DataType::Boolean,
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(values.finish()),
            Self::Int32(values) => Arc::new(values.finish()),
            Self::Int64(values) => Arc::new(values.finish()),
            Self::Float64(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
            Self::Bool(values) => Arc::new(values.finish()),
        }
    }
}

fn copy<T>(value: Option<T>, append: impl FnOnce(T)) {
    if let Some(value) = value {
        append(value);
    }
}

fn text_at(values: &StringBuilder, at: usize) -> &str {
    let offset = |at: usize| values.offsets_slice().get(at).and_then(|offset| usize::try_from(*offset).ok());
    let range = offset(at).zip(offset(at.saturating_add(1)));
    let bytes = range.and_then(|(from, to)| values.values_slice().get(from..to)).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Where the lists of a column end, and which of them are null.
#[derive(Debug)]
struct Lists {
    offsets: Vec<i32>,
    validity: NullBufferBuilder,
}

impl Lists {
    fn new() -> Self {
        Self { offsets: vec![0], validity: NullBufferBuilder::new(0) }
    }

    fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Ends a list, or a null, behind so many values of all lists; false where these are more than offsets can count.
    #[must_use]
    fn end(&mut self, values: usize, is_list: bool) -> bool {
        let Ok(offset) = i32::try_from(values) else {
            return false;
        };
        self.offsets.push(offset);
        self.validity.append(is_list);
        true
    }
}

/// A column while it grows.
///
/// Files of one series say most things alike. A value can repeat over rows: then nothing is done for a row until another value comes.
#[derive(Debug)]
pub struct GrowingColumn {
    values: Values,
    lists: Option<Lists>,
    /// The row of the last value written.
    last: usize,
    /// The last value written, where it is a list.
    last_list: Vec<Scalar<'static>>,
    /// Whether it goes on in the rows after.
    repeats: bool,
    /// A value came that the column can't hold.
    misfit: bool,
}

impl GrowingColumn {
    /// A column of scalars.
    #[must_use]
    pub fn scalars(item: ItemType) -> Self {
        Self { values: Values::new(item), lists: None, last: 0, last_list: vec![], repeats: false, misfit: false }
    }

    /// A column of lists.
    #[must_use]
    pub fn lists(item: ItemType) -> Self {
        Self { lists: Some(Lists::new()), ..Self::scalars(item) }
    }

    /// A column of scalars or lists.
    #[must_use]
    pub fn of(item: ItemType, is_list: bool) -> Self {
        if is_list { Self::lists(item) } else { Self::scalars(item) }
    }

    fn len(&self) -> usize {
        self.lists.as_ref().map_or_else(|| self.values.len(), Lists::len)
    }

    /// Makes the column `rows` long: with the last value if it goes on, else with nulls.
    fn pad(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.len());
        if missing == 0 {
            return;
        }
        if self.repeats {
            self.copy_last(missing);
            return;
        }
        let values = self.values.len();
        match &mut self.lists {
            None => self.values.append_nulls(missing),
            Some(lists) => self.misfit |= !(0..missing).all(|_| lists.end(values, false)),
        }
    }

    fn copy_last(&mut self, count: usize) {
        let Some(lists) = &mut self.lists else {
            self.values.append_copies(self.last, count);
            return;
        };
        for _ in 0..count {
            let fits = self.last_list.iter().all(|value| self.values.append(value));
            self.misfit |= !fits || !lists.end(self.values.len(), true);
        }
    }

    /// The value that went on ends before a row.
    pub fn end(&mut self, row: usize) {
        self.pad(row);
        self.repeats = false;
    }

    /// The last value comes again in a row, and goes on from there.
    pub fn resume(&mut self, row: usize) {
        self.pad(row);
        self.copy_last(1);
        self.last = row;
        self.repeats = true;
    }

    /// Sets the cell of a row; rows come in ascending order.
    pub fn set(&mut self, row: usize, cell: &Typed<'_>) {
        self.pad(row);
        self.repeats = false;
        self.last = row;
        let fits = match (&mut self.lists, cell) {
            (None, Typed::One(value)) => self.values.append(value),
            (None, Typed::List(_)) | (Some(_), Typed::One(_)) => false,
            (Some(lists), Typed::List(values)) => {
                values.iter().all(|value| self.values.append(value)) && lists.end(self.values.len(), true)
            }
        };
        self.misfit |= !fits;
    }

    /// Sets the cell of a row to a value that may come again.
    pub fn set_to_repeat(&mut self, row: usize, cell: &Typed<'_>) {
        self.set(row, cell);
        if let Typed::List(values) = cell {
            self.last_list.clear();
            self.last_list.extend(values.iter().map(Scalar::to_owned_scalar));
        }
        self.repeats = true;
    }

    /// Sets the cell of a row to a text, if there is one.
    pub fn set_text(&mut self, row: usize, text: Option<&str>) {
        if let Some(text) = text {
            self.set(row, &Typed::One(Scalar::Text(text.into())));
        }
    }

    /// Sets the cell of a row to a whole number, if there is one.
    pub fn set_integer(&mut self, row: usize, number: Option<u64>) {
        if let Some(number) = number {
            self.set(row, &Typed::One(Scalar::Integer(i64::try_from(number).unwrap_or(i64::MAX))));
        }
    }

    /// The column, `rows` long; it is empty again afterwards.
    ///
    /// # Errors
    /// A value came that it can't hold.
    pub fn finish(&mut self, rows: usize) -> Result<ArrayRef, Fault> {
        if self.len() == 0 && self.lists.is_none() && !self.misfit {
            // Nobody has written to it: zeros that are never touched cost nothing.
            return Ok(new_null_array(&self.values.data_type(), rows));
        }
        self.end(rows);
        self.last = 0;
        let misfit = std::mem::take(&mut self.misfit);
        let values = self.values.finish();
        let lists = self.lists.as_mut().map(|lists| std::mem::replace(lists, Lists::new()));
        if misfit {
            return Err(Fault::new("a value is not of its type, or too long"));
        }
        let Some(Lists { offsets, mut validity }) = lists else {
            return Ok(values);
        };
        let field = Arc::new(Field::new("element", values.data_type().clone(), true));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let list = ListArray::try_new(field, offsets, values, validity.finish());
        Ok(Arc::new(list.map_err(|error| Fault::new(error.to_string()))?))
    }
}
