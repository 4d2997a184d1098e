//! Defects of values and files, with the keys of the instance that they were found in.

use arrow_array::RecordBatch;

use super::batch::record_batch;
use super::column::GrowingColumn;
use super::fault::Fault;
use crate::found::Finding;
use crate::label::tag_text;
use crate::value::typed::ItemType;

/// The keys of an instance, null where it has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub instance: Option<String>,
    pub series: Option<String>,
    pub study: Option<String>,
    pub patient: Option<String>,
}

impl Keys {
    /// Bytes of all of them.
    pub(super) fn weight(&self) -> usize {
        let keys = [&self.instance, &self.series, &self.study, &self.patient];
        keys.into_iter().flatten().map(String::len).fold(0, usize::saturating_add)
    }
}

const NAMES: [&str; 15] = [
    "level",
    "code",
    "url",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "patient_key",
    "study_key",
    "series_key",
    "element_path",
    "tag",
    "raw",
    "message",
    "byte_offset",
];

/// The rows of `findings` while they grow; the last column is a number, all others are texts.
#[derive(Debug)]
pub(super) struct FindingsTable {
    rows: usize,
    /// Bytes of text set since the last batch.
    weight: usize,
    columns: Vec<GrowingColumn>,
}

impl FindingsTable {
    pub(super) fn new() -> Self {
        let item = |name: &str| if name == "byte_offset" { ItemType::Int64 } else { ItemType::Text };
        Self { rows: 0, weight: 0, columns: NAMES.into_iter().map(|name| GrowingColumn::scalars(item(name))).collect() }
    }

    /// Adds a finding; `entity_keys` are those of the instance, where the file has a row of `instances`.
    pub(super) fn append(&mut self, url: &str, keys: &Keys, entity_keys: Option<&[String; 3]>, finding: &Finding) {
        let row = self.rows;
        let [patient, study, series] =
            entity_keys.map_or([None; 3], |keys| keys.each_ref().map(|key| Some(key.as_str())));
        let tag = finding.tag.map(tag_text);
        let texts = [
            Some(finding.level.as_str()),
            Some(finding.code),
            Some(url),
            keys.instance.as_deref(),
            keys.series.as_deref(),
            keys.study.as_deref(),
            keys.patient.as_deref(),
            patient,
            study,
            series,
            finding.element_path.as_deref(),
            tag.as_deref(),
            finding.raw.as_deref(),
            Some(finding.message.as_ref()),
        ];
        for (column, text) in self.columns.iter_mut().zip(texts) {
            self.weight = self.weight.saturating_add(text.map_or(0, str::len));
            column.set_text(row, text);
        }
        if let Some(column) = self.columns.last_mut() {
            column.set_integer(row, finding.byte_offset);
        }
        self.rows = row.saturating_add(1);
    }

    pub(super) const fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn finish(&mut self) -> Result<RecordBatch, Fault> {
        let rows = std::mem::take(&mut self.rows);
        self.weight = 0;
        record_batch(NAMES.into_iter().zip(&mut self.columns), rows)
    }
}
