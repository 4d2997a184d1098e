//! The rows of `instances`: header columns by the plan, then what is told of the header as a whole.

use arrow_array::RecordBatch;

use super::batch::record_batch;
use super::column::GrowingColumn;
use super::fault::Fault;
use super::keys::KEY_COLUMNS;
use crate::error::FileCode;
use crate::gathered::bits;
use crate::header::Header;
use crate::value::typed::{ItemType, ReadColumn, Scalar, Typed};

/// Bytes of the keys of a row.
const KEYS_BYTES: usize = KEY_COLUMNS.len() * 32;

/// The rows of `instances` while they grow.
#[derive(Debug)]
pub(super) struct InstancesTable {
    rows: usize,
    /// About how many bytes were set since the last batch.
    weight: usize,
    /// The header columns whose value goes on: a bit for each.
    repeating: Vec<u64>,
    names: Vec<String>,
    header: Vec<GrowingColumn>,
    keys: [GrowingColumn; KEY_COLUMNS.len()],
    file: GrowingColumn,
    header_bytes: GrowingColumn,
    digest: GrowingColumn,
    pixel_data_keyword: GrowingColumn,
    pixel_data_offset: GrowingColumn,
    pixel_data_length: GrowingColumn,
    private_creators: GrowingColumn,
    header_json: GrowingColumn,
    transfer_syntax: GrowingColumn,
    functional_groups: GrowingColumn,
}

impl InstancesTable {
    pub(super) fn new(columns: &[ReadColumn]) -> Self {
        let (text, number) = (|| GrowingColumn::scalars(ItemType::Text), || GrowingColumn::scalars(ItemType::Int64));
        let header = |column: &ReadColumn| {
            if column.is_list { GrowingColumn::lists(column.item) } else { GrowingColumn::scalars(column.item) }
        };
        Self {
            rows: 0,
            weight: 0,
            repeating: vec![0; columns.len().div_ceil(64)],
            names: columns.iter().map(|column| column.name.clone()).collect(),
            header: columns.iter().map(header).collect(),
            keys: KEY_COLUMNS.map(|_| text()),
            file: number(),
            header_bytes: number(),
            digest: text(),
            pixel_data_keyword: text(),
            pixel_data_offset: number(),
            pixel_data_length: number(),
            private_creators: GrowingColumn::lists(ItemType::Text),
            header_json: text(),
            transfer_syntax: text(),
            functional_groups: GrowingColumn::scalars(ItemType::Bool),
        }
    }

    /// Begins a row: the columns of `again`, a bit for each, have the value that they had last, and nothing else goes on.
    pub(super) fn begin_row(&mut self, repeated: &[u64]) {
        for (place, (repeating, repeated)) in self.repeating.iter_mut().zip(repeated).enumerate() {
            for column in bits(place, *repeating & !repeated) {
                if let Some(growing) = self.header.get_mut(column) {
                    growing.end(self.rows);
                }
            }
            for column in bits(place, repeated & !*repeating) {
                if let Some(growing) = self.header.get_mut(column) {
                    growing.resume(self.rows);
                }
            }
            *repeating = *repeated;
        }
    }

    /// Sets a header column of the row that was begun.
    pub(super) fn set(&mut self, column: usize, cell: &Typed<'_>) {
        self.weight = self.weight.saturating_add(cell.weight());
        if let Some(growing) = self.header.get_mut(column) {
            growing.set(self.rows, cell);
        }
    }

    /// Sets a header column to a value that may come again.
    pub(super) fn set_to_repeat(&mut self, column: usize, cell: &Typed<'_>) {
        self.weight = self.weight.saturating_add(cell.weight());
        if let (Some(growing), Some(bits)) = (self.header.get_mut(column), self.repeating.get_mut(column >> 6)) {
            growing.set_to_repeat(self.rows, cell);
            *bits |= 1 << (column & 63);
        }
    }

    /// Sets the keys of the row that was begun; rows that set none have those of the row before.
    pub(super) fn set_keys(&mut self, keys: &[String; KEY_COLUMNS.len()]) {
        for (growing, key) in self.keys.iter_mut().zip(keys) {
            growing.set_to_repeat(self.rows, &Typed::One(Scalar::Text(key.as_str().into())));
        }
    }

    /// Ends a row with what is told of the header as a whole; `file` is the number of the file in its unit.
    pub(super) fn end_row(
        &mut self,
        file: u64,
        size: Option<u64>,
        header: &Header,
        digest: Option<&str>,
        json: Option<&str>,
    ) {
        let row = self.rows;
        self.weight = self.weight.saturating_add(json.map_or(0, str::len));
        let cut = header.found.defect.as_ref().is_some_and(|defect| defect.code != FileCode::Truncated);
        self.file.set_integer(row, Some(file));
        // Where reading broke off it is not known whether there is pixel data; a file that ends inside its header has none.
        let header_bytes = match (&header.pixel_data, header.is_deflated()) {
            (_, true) => None,
            (Some(pixel_data), false) => Some(pixel_data.tag_position),
            (None, false) => size.filter(|_| !cut),
        };
        let pixel_data = header.pixel_data.as_ref();
        let offset = pixel_data.filter(|_| !header.is_deflated()).map(|pixel_data| pixel_data.value_position);
        self.header_bytes.set_integer(row, header_bytes);
        self.pixel_data_offset.set_integer(row, offset);
        self.pixel_data_length.set_integer(row, pixel_data.and_then(|pixel_data| pixel_data.length).map(u64::from));
        self.pixel_data_keyword.set_text(row, pixel_data.map(|pixel_data| pixel_data.keyword));
        self.digest.set_text(row, digest);
        self.header_json.set_text(row, json);
        self.transfer_syntax.set_text(row, header.transfer_syntax.as_ref().map(|syntax| syntax.uid.as_str()));
        let creators = header.creators.names().into_iter().map(|name| Scalar::Text(name.into())).collect();
        self.private_creators.set(row, &Typed::List(creators));
        self.functional_groups.set(row, &Typed::One(Scalar::Bool(header.has_functional_groups)));
        self.weight = self.weight.saturating_add(KEYS_BYTES);
        self.rows = row.saturating_add(1);
    }

    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn finish(&mut self) -> Result<RecordBatch, Fault> {
        let rows = std::mem::take(&mut self.rows);
        self.weight = 0;
        self.repeating.fill(0);
        let own = [
            ("file", &mut self.file),
            ("header_bytes", &mut self.header_bytes),
            ("header_digest", &mut self.digest),
            ("pixel_data_keyword", &mut self.pixel_data_keyword),
            ("pixel_data_offset", &mut self.pixel_data_offset),
            ("pixel_data_length", &mut self.pixel_data_length),
            ("private_creators", &mut self.private_creators),
            ("header_json", &mut self.header_json),
            ("transfer_syntax", &mut self.transfer_syntax),
            ("functional_groups", &mut self.functional_groups),
        ];
        let header = self.names.iter().map(String::as_str).zip(&mut self.header);
        record_batch(header.chain(KEY_COLUMNS.into_iter().zip(&mut self.keys)).chain(own), rows)
    }
}
