//! The rows of `files`, one for each file given; url, modified time and etag are the listing's.

use arrow_array::RecordBatch;

use super::batch::record_batch;
use super::column::GrowingColumn;
use super::fault::Fault;
use crate::value::typed::ItemType;

/// The outcome of one file.
#[derive(Debug)]
pub(super) struct FileRow<'a> {
    pub number: u64,
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
    file: GrowingColumn,
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
            file: number(),
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
        self.file.set_integer(row, Some(file.number));
        self.size.set_integer(row, file.size);
        self.status.set_text(row, Some(file.status));
        self.code.set_text(row, file.code);
        self.message.set_text(row, file.message);
        self.byte_offset.set_integer(row, file.byte_offset);
        self.element_path.set_text(row, file.element_path);
        self.instance_uid.set_text(row, file.instance_uid);
        self.digest.set_text(row, file.digest);
        self.bytes_read.set_integer(row, Some(file.bytes_read));
        self.requests.set_integer(row, Some(file.requests));
        self.rows = row.saturating_add(1);
    }

    pub(super) fn finish(&mut self) -> Result<RecordBatch, Fault> {
        let rows = std::mem::take(&mut self.rows);
        let columns = [
            ("file", &mut self.file),
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
        record_batch(columns, rows)
    }
}
