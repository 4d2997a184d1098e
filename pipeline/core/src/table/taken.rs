//! The rows of a taker's table: its own columns, the keys of the instance, and the number of the file.

use arrow_array::RecordBatch;

use super::batch::record_batch;
use super::column::GrowingColumn;
use super::fault::Fault;
use super::findings::Keys;
use super::keys::KEY_COLUMNS;
use crate::taker::{FileRows, TakerKind};
use crate::value::typed::{ItemType, Scalar, Typed};

/// The columns of texts that every row has of its instance.
const INSTANCE_COLUMNS: [&str; 7] = [
    KEY_COLUMNS[0],
    KEY_COLUMNS[1],
    KEY_COLUMNS[2],
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
];

/// Rows that are added before it is seen whether a batch is full.
const ROWS_AT_ONCE: u32 = 1 << 16;

/// The most bytes that the keys of one file come to in its rows of one table, each of which repeats them.
const KEYS_LIMIT: usize = 256 << 20;

/// The values that every row of a file has.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfInstance<'a> {
    /// The number of the file in its unit.
    pub file: u64,
    pub entity_keys: &'a [String; KEY_COLUMNS.len()],
    pub keys: &'a Keys,
}

impl OfInstance<'_> {
    fn weight(&self) -> usize {
        self.keys.weight().saturating_add(KEY_COLUMNS.len().saturating_mul(32))
    }

    /// The most rows that the file may make.
    pub(super) fn rows_limit(&self) -> u32 {
        u32::try_from(KEYS_LIMIT.checked_div(self.weight()).unwrap_or(0)).unwrap_or(u32::MAX)
    }
}

/// The rows of a taker's table while they grow.
#[derive(Debug)]
pub(super) struct TakenTable {
    pub name: String,
    names: Vec<String>,
    columns: Vec<GrowingColumn>,
    of_instance: [GrowingColumn; INSTANCE_COLUMNS.len()],
    file: GrowingColumn,
    rows: usize,
    weight: usize,
    pub batches: Vec<RecordBatch>,
}

impl TakenTable {
    pub(super) fn new(kind: &dyn TakerKind) -> Self {
        let columns = kind.columns();
        Self {
            name: kind.table().to_owned(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            columns: columns.iter().map(|column| GrowingColumn::of(column.item, column.is_list)).collect(),
            of_instance: INSTANCE_COLUMNS.map(|_| GrowingColumn::scalars(ItemType::Text)),
            file: GrowingColumn::scalars(ItemType::Int64),
            rows: 0,
            weight: 0,
            batches: vec![],
        }
    }

    /// Adds the rows of a file; a batch ends where it has more than `batch_bytes`.
    pub(super) fn append(
        &mut self,
        rows: &mut FileRows,
        of_instance: &OfInstance<'_>,
        batch_bytes: usize,
    ) -> Result<(), Fault> {
        let count = rows.len();
        let mut left: Vec<_> = rows.sorted().collect();
        let mut from = 0;
        while from < count {
            let to = from.saturating_add(ROWS_AT_ONCE).min(count);
            for (column, cells) in self.columns.iter_mut().zip(&mut left) {
                while let Some(((row, cell), rest)) = cells.split_first().filter(|((row, _), _)| *row < to) {
                    self.weight = self.weight.saturating_add(cell.weight());
                    column.set(self.rows.saturating_add(row.saturating_sub(from) as usize), cell);
                    *cells = rest;
                }
            }
            self.set_instance(of_instance);
            let added = to.saturating_sub(from) as usize;
            self.weight = self.weight.saturating_add(added.saturating_mul(of_instance.weight()));
            self.rows = self.rows.saturating_add(added);
            // The values of the instance stand in all rows added, and in none after.
            self.of_instance.iter_mut().for_each(|column| column.end(self.rows));
            self.file.end(self.rows);
            if self.weight > batch_bytes {
                self.end_batch()?;
            }
            from = to;
        }
        Ok(())
    }

    /// From the next row on, all rows are of this instance.
    fn set_instance(&mut self, of_instance: &OfInstance<'_>) {
        let [patient, study, series] = of_instance.entity_keys.each_ref().map(|key| Some(key.as_str()));
        let keys = of_instance.keys;
        let dicom = [&keys.instance, &keys.series, &keys.study, &keys.patient].map(Option::as_deref);
        for (column, text) in self.of_instance.iter_mut().zip([patient, study, series].into_iter().chain(dicom)) {
            if let Some(text) = text {
                column.set_to_repeat(self.rows, &Typed::One(Scalar::Text(text.into())));
            }
        }
        let file = i64::try_from(of_instance.file).unwrap_or(i64::MAX);
        self.file.set_to_repeat(self.rows, &Typed::One(Scalar::Integer(file)));
    }

    /// Ends the batch.
    pub(super) fn end_batch(&mut self) -> Result<(), Fault> {
        let rows = std::mem::take(&mut self.rows);
        self.weight = 0;
        let own = self.names.iter().map(String::as_str).zip(&mut self.columns);
        let of_instance = INSTANCE_COLUMNS.into_iter().zip(&mut self.of_instance);
        let batch = record_batch(own.chain(of_instance).chain([("file", &mut self.file)]), rows)
            .map_err(|fault| Fault::new(format!("table {}: {fault}", self.name)))?;
        self.batches.push(batch);
        Ok(())
    }
}
