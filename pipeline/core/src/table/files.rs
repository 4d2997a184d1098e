//! What an engine says of each file it was given; url, modified time and etag are the listing's.

use arrow_array::{ArrayRef, RecordBatch};

use super::batch::record_batch;
use super::column::GrowingColumn;
use crate::value::typed::ItemType;

/// What became of one file.
#[derive(Debug)]
pub(super) struct FileRow<'a> {
    pub size: Option<u64>,
    pub status: &'static str,
    pub code: Option<&'static str>,
    pub message: Option<&'a str>,
    pub byte_offset: Option<u64>,
    pub element_path: Option<&'a str>,
    pub instance_uid: Option<&'a str>,
    pub digest: Option<&'a str>,
    pub bytes_read: u64,
    pub requests: u64,
}

/// The rows of `files` while they grow.
#[derive(Debug)]
pub(super) struct FilesTable {
    rows: usize,
    size: GrowingColumn,
    status: GrowingColumn,
    code: GrowingColumn,
    message: GrowingColumn,
    byte_offset: GrowingColumn,
    element_path: GrowingColumn,
    instance_uid: GrowingColumn,
    digest: GrowingColumn,
    bytes_read: GrowingColumn,
    requests: GrowingColumn,
}

impl FilesTable {
    pub(super) fn new() -> Self {
        let (text, number) = (|| GrowingColumn::scalars(ItemType::Text), || GrowingColumn::scalars(ItemType::Int64));
        Self {
            rows: 0,
            size: number(),
            status: text(),
            code: text(),
            message: text(),
            byte_offset: number(),
            element_path: text(),
            instance_uid: text(),
            digest: text(),
            bytes_read: number(),
            requests: number(),
        }
    }

    pub(super) fn append(&mut self, file: &FileRow<'_>) {
        let row = self.rows;
        let numbers = [
            (&mut self.size, file.size),
            (&mut self.byte_offset, file.byte_offset),
            (&mut self.bytes_read, Some(file.bytes_read)),
            (&mut self.requests, Some(file.requests)),
        ];
        for (column, number) in numbers {
            if let Some(number) = number {
                column.set_integer(row, number);
            }
        }
        let texts = [
            (&mut self.status, Some(file.status)),
            (&mut self.code, file.code),
            (&mut self.message, file.message),
            (&mut self.element_path, file.element_path),
            (&mut self.instance_uid, file.instance_uid),
            (&mut self.digest, file.digest),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                column.set_text(row, text);
            }
        }
        self.rows = row.saturating_add(1);
    }

    pub(super) fn finish(&mut self) -> RecordBatch {
        let rows = std::mem::take(&mut self.rows);
        let columns = [
            ("file_size", &mut self.size),
            ("status", &mut self.status),
            ("code", &mut self.code),
            ("message", &mut self.message),
            ("byte_offset", &mut self.byte_offset),
            ("element_path", &mut self.element_path),
            ("SOPInstanceUID", &mut self.instance_uid),
            ("header_digest", &mut self.digest),
            ("bytes_read", &mut self.bytes_read),
            ("requests", &mut self.requests),
        ];
        let arrays: Vec<(&str, ArrayRef)> =
            columns.into_iter().map(|(name, column)| (name, column.finish(rows))).collect();
        record_batch(arrays, rows)
    }
}
