//! Columns into a batch.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};

use super::column::GrowingColumn;
use super::fault::Fault;

/// A batch of columns by name, all nullable and `rows` long; the columns are empty afterwards.
///
/// # Errors
/// The columns are not of one length, or one of them holds what it can't.
pub(super) fn record_batch<'a, N: AsRef<str>>(
    columns: impl IntoIterator<Item = (N, &'a mut GrowingColumn)>,
    rows: usize,
) -> Result<RecordBatch, Fault> {
    let mut fields: Vec<Field> = vec![];
    let mut arrays: Vec<ArrayRef> = vec![];
    for (name, column) in columns {
        let name = name.as_ref();
        let array = column.finish(rows).map_err(|fault| Fault::new(format!("column {name}: {fault}")))?;
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|error| Fault::new(format!("a batch of {rows} rows: {error}")))
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;
    use crate::value::typed::{ItemType, Scalar, Typed};

    #[test]
    fn columns_that_do_not_fit_are_an_error() {
        let mut sound = GrowingColumn::scalars(ItemType::Text);
        sound.set_text(0, Some("a"));
        let mut long = GrowingColumn::scalars(ItemType::Int64);
        (0..3).for_each(|row| long.set_integer(row, Some(1)));
        let error = record_batch([("sound", &mut sound), ("long", &mut long)], 1).map(|_| ()).err();
        assert!(error.is_some_and(|fault| fault.to_string().contains("batch of 1 rows")));
    }

    #[test]
    fn a_value_of_another_type_is_an_error_and_not_a_null() {
        let values = [
            (GrowingColumn::scalars(ItemType::Int64), Typed::One(Scalar::Text("a".into()))),
            (GrowingColumn::scalars(ItemType::Int32), Typed::One(Scalar::Integer(1 << 40))),
            (GrowingColumn::scalars(ItemType::Text), Typed::List(vec![])),
            (GrowingColumn::lists(ItemType::Text), Typed::One(Scalar::Text("a".into()))),
            (GrowingColumn::lists(ItemType::Text), Typed::List(vec![Scalar::Bool(true)])),
        ];
        for (mut column, value) in values {
            column.set(0, &value);
            let error = record_batch([("wrong", &mut column)], 1).map(|_| ()).err();
            assert!(error.is_some_and(|fault| fault.to_string().contains("column wrong")), "{value:?}");
        }
        let mut column = GrowingColumn::lists(ItemType::Text);
        column.set(1, &Typed::List(vec![Scalar::Null]));
        let batch = record_batch([("sound", &mut column)], 2).ok();
        assert_eq!(batch.map(|batch| batch.column(0).null_count()), Some(1));
    }
}
