//! Turns a header into rows: types values, finds keys, and sets status and findings.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::fault::Fault;
use super::files::{FileRow, FilesTable};
use super::findings::{FindingsTable, Keys};
use super::instances::InstancesTable;
use super::keys::{EntityKeys, KEY_ATTRIBUTES};
use super::taken::{OfInstance, TakenTable};
use crate::error::{FileCode, FindingCode};
use crate::found::{FILE_LIMIT, Finding, Level};
use crate::gathered::{Cell, Entries, Gathered, REPEAT_LENGTH_LIMIT, RawValue};
use crate::header::Header;
use crate::label::push_label;
use crate::recorder::Recorder;
use crate::taker::TakerKind;
use crate::text::is_standard_character_set;
use crate::text::raw_text;
use crate::value::parse::{age_between, is_implausible_age};
use crate::value::typed::{Noted, ReadColumn, Scalar, Typed, message, typed};
use crate::value::{CharacterSets, DictionaryVr, hex, telling_vr};

/// A missing value of these columns is a finding: the keys of the parents, the SOP class and the modality.
/// The columns of the days that an age is counted between.
const AGE_DATES: [&str; 2] = ["PatientBirthDate", "StudyDate"];

const REQUIRED: [&str; 5] = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "Modality"];

/// A batch ends when its cells take more bytes than this. Arrow's offsets have 31 bits, so room is left for one more value.
pub const BATCH_BYTES: usize = 512 << 20;

/// The most bytes of keys in the findings of one file. Each finding repeats the keys of its file, so keys of megabytes would make gigabytes.
const KEYS_LIMIT: usize = 1 << 20;

/// The longest text that a cell holds (bytes).
const TEXT_LIMIT: usize = 1 << 30;

/// The rows of a unit.
#[derive(Debug)]
pub struct Batches {
    /// One row for each file, in the order in which they were added. The column `file` holds the number of the file.
    pub files: Vec<RecordBatch>,
    /// One row for each indexed file, in the same order.
    pub instances: Vec<RecordBatch>,
    /// One row for each finding of these files.
    pub findings: Vec<RecordBatch>,
    /// Rows that row takers made of indexed files, by the name of their table.
    pub taken: Vec<(String, Vec<RecordBatch>)>,
}

/// The facts about a file beside its header.
#[derive(Clone, Copy, Debug)]
pub struct FileFacts<'a> {
    /// Its number in the unit.
    pub number: u64,
    /// Its key.
    pub url: &'a str,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Bytes fetched.
    pub bytes_read: u64,
    /// Reads or requests.
    pub requests: u64,
}

/// Gathers the rows of a unit, in the order in which files are added.
#[derive(Debug)]
pub struct UnitRows {
    columns: Arc<Vec<ReadColumn>>,
    key_columns: KeyColumns,
    /// For each column, its index in `REQUIRED`, or None.
    required: Vec<Option<usize>>,
    /// For each column, its index in `KEY_ATTRIBUTES`, or None.
    key_attributes: Vec<Option<usize>>,
    entity_keys: EntityKeys,
    /// The days of `AGE_DATES` that the next row may repeat.
    repeated_days: [Option<i32>; AGE_DATES.len()],
    /// Columns that the current row sets, each with a flag: may the next row repeat its value?
    remembered: Vec<(usize, bool)>,
    files: FilesTable,
    instances: InstancesTable,
    findings: FindingsTable,
    sets: CharacterSets,
    taken: Vec<TakenTable>,
    batch_bytes: usize,
    /// The first internal error, which no file causes; it ends the scan.
    fault: Option<Fault>,
    done: Batches,
}

#[derive(Clone, Copy, Debug)]
struct KeyColumns {
    instance: Option<usize>,
    media_storage_instance: Option<usize>,
    series: Option<usize>,
    study: Option<usize>,
    patient: Option<usize>,
    required: [Option<usize>; REQUIRED.len()],
    attributes: [Option<usize>; KEY_ATTRIBUTES.len()],
    age_dates: [Option<usize>; AGE_DATES.len()],
}

impl KeyColumns {
    fn of(columns: &[ReadColumn]) -> Self {
        let at = |name: &str| columns.iter().position(|column| column.name == name);
        Self {
            instance: at("SOPInstanceUID"),
            media_storage_instance: at("MediaStorageSOPInstanceUID"),
            series: at("SeriesInstanceUID"),
            study: at("StudyInstanceUID"),
            patient: at("PatientID"),
            required: REQUIRED.map(at),
            attributes: KEY_ATTRIBUTES.map(at),
            age_dates: AGE_DATES.map(at),
        }
    }
}

impl UnitRows {
    /// Rows of these columns, in batches of about `batch_bytes` at most.
    #[must_use]
    pub fn new(columns: &Arc<Vec<ReadColumn>>, takers: &[Arc<dyn TakerKind>], batch_bytes: usize) -> Self {
        Self {
            columns: Arc::clone(columns),
            key_columns: KeyColumns::of(columns),
            required: columns.iter().map(|column| REQUIRED.iter().position(|name| *name == column.name)).collect(),
            key_attributes: columns
                .iter()
                .map(|column| KEY_ATTRIBUTES.iter().position(|name| *name == column.name))
                .collect(),
            entity_keys: EntityKeys::default(),
            repeated_days: [None; AGE_DATES.len()],
            remembered: vec![],
            files: FilesTable::new(),
            instances: InstancesTable::new(columns),
            findings: FindingsTable::new(),
            sets: CharacterSets::default(),
            taken: takers.iter().map(|kind| TakenTable::new(kind.as_ref())).collect(),
            batch_bytes,
            fault: None,
            done: Batches { files: vec![], instances: vec![], findings: vec![], taken: vec![] },
        }
    }

    /// Adds a file.
    pub fn add(&mut self, facts: &FileFacts<'_>, header: &mut Header) {
        let json = match header.recorder.take() {
            Some(Recorder::Json(json)) => Some(json.into_text()),
            _ => None,
        };
        let json = json.filter(|json| json.len() <= TEXT_LIMIT);
        let mut findings = std::mem::take(&mut header.found.findings);
        let uid = if header.recognised { self.instance_uid(header) } else { None };
        if header.recognised {
            self.header_row(header, uid.as_deref(), &mut findings);
        }
        let cut = if uid.is_some() { self.take(facts.number, header, uid.clone()) } else { vec![] };
        let defect = header.found.defect.as_ref();
        let code = defect.map(|defect| defect.code).or_else(|| uid.is_none().then_some(FileCode::MissingKey));
        let indexed = uid.is_some();
        let status = match code {
            Some(code) if !indexed => code.status(),
            _ => "indexed",
        };
        let message = defect.map(|defect| defect.message.as_ref());
        let message = message.or_else(|| code.map(|_| "the file has no SOPInstanceUID"));
        let digest = header.digest.filter(|_| indexed).map(|digest| hex(&digest.to_be_bytes()));
        self.files.append(&FileRow {
            number: facts.number,
            size: facts.size,
            status,
            code: code.map(FileCode::as_str),
            message,
            byte_offset: defect.and_then(|defect| defect.byte_offset),
            element_path: defect.and_then(|defect| defect.element_path.as_deref()),
            instance_uid: uid.as_deref(),
            digest: digest.as_deref(),
            bytes_read: facts.bytes_read,
            requests: facts.requests,
        });
        let has_findings = code.is_some() || !cut.is_empty() || !findings.is_empty();
        if matches!(status, "indexed" | "failed") && has_findings {
            let keys = if header.recognised { self.keys(header, uid.clone()) } else { Keys::default() };
            let entity_keys = if indexed { self.entity_keys.last() } else { None };
            let of_code = code.map(|code| Finding {
                level: Level::File,
                code: code.as_str(),
                message: message.unwrap_or_default().to_owned().into(),
                element_path: defect.and_then(|defect| defect.element_path.clone()),
                tag: None,
                byte_offset: defect.and_then(|defect| defect.byte_offset),
                raw: None,
            });
            let most = FILE_LIMIT.min(KEYS_LIMIT.checked_div(keys.weight()).unwrap_or(FILE_LIMIT)).max(1);
            for finding in of_code.iter().chain(&cut).chain(&findings).take(most) {
                self.findings.append(facts.url, &keys, entity_keys, finding);
            }
        }
        if indexed {
            self.instances.end_row(facts.number, facts.size, header, digest.as_deref(), json.as_deref());
        }
        findings.clear();
        header.found.findings = findings;
        if self.instances.weight().max(self.findings.weight()) > self.batch_bytes {
            let ended = self.end_batches();
            self.note(ended);
            header.gathered.forget_all();
        }
    }

    /// Adds the rows that takers made of a file, and answers a finding for each table of which rows are left out.
    fn take(&mut self, number: u64, header: &mut Header, uid: Option<String>) -> Vec<Finding> {
        let told = header.takers.told();
        let mut has_rows = |place| {
            header.takers.rows(place).is_some_and(|rows| !rows.is_empty() || rows.has_more() || rows.has_repeats())
        };
        if !told.places().any(&mut has_rows) {
            return vec![];
        }
        let keys = self.keys(header, uid);
        let Some(entity_keys) = self.entity_keys.last() else {
            return vec![];
        };
        let of_instance = OfInstance { file: number, entity_keys, keys: &keys };
        let mut outcome = Ok(());
        let mut cut = vec![];
        for place in told.places() {
            if let (Some(rows), Some(table)) = (header.takers.rows(place), self.taken.get_mut(place)) {
                rows.truncate(of_instance.rows_limit());
                outcome = outcome.and(table.append(rows, &of_instance, self.batch_bytes));
                if rows.has_more() {
                    let message =
                        format!("the file makes more rows in {} than are kept: the others are left out", table.name);
                    cut.push(of_file(FindingCode::TooManyRows, message));
                }
                if rows.has_repeats() {
                    let message = format!(
                        "an item has no number, or the number of an item before: it has no row in {}",
                        table.name
                    );
                    cut.push(of_file(FindingCode::RepeatedNumber, message));
                }
            }
        }
        self.note(outcome);
        cut
    }

    fn note(&mut self, outcome: Result<(), Fault>) {
        if let Err(fault) = outcome {
            self.fault.get_or_insert(fault);
        }
    }

    /// The findings that `add` would write for a file, without rows.
    pub fn findings_of(mut self, header: &mut Header) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut header.found.findings);
        if header.recognised {
            let uid = self.instance_uid(header);
            self.header_row(header, uid.as_deref(), &mut findings);
        }
        findings.truncate(FILE_LIMIT);
        findings
    }

    /// The rows of the unit.
    ///
    /// # Errors
    /// A batch can't be made: a fault of our own, that no file can cause.
    pub fn finish(mut self) -> Result<Batches, Fault> {
        let ended = self.end_batches();
        self.note(ended);
        for mut table in std::mem::take(&mut self.taken) {
            let ended = table.end_batch();
            self.note(ended);
            self.done.taken.push((table.name, table.batches));
        }
        self.fault.map_or(Ok(self.done), Err)
    }

    fn end_batches(&mut self) -> Result<(), Fault> {
        self.entity_keys.end_batch();
        self.done.files.push(self.files.finish()?);
        self.done.instances.push(self.instances.finish()?);
        self.done.findings.push(self.findings.finish()?);
        Ok(())
    }

    /// The text of a column; None where it is null.
    fn text_of(&mut self, header: &Header, column: Option<usize>) -> Option<String> {
        let column = column?;
        let read = self.columns.get(column)?;
        let raw = match header.gathered.cell(column) {
            Cell::One(raw) => raw,
            Cell::Absent => header.gathered.earlier(column, None).next()?,
            Cell::Many(_) => return None,
        };
        let (cell, _) = last_typed(read, column, &raw, &header.gathered, &mut self.sets, &mut Noted::default());
        match cell.first() {
            Scalar::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The key of an instance: the data set's SOPInstanceUID, else the file meta's.
    fn instance_uid(&mut self, header: &Header) -> Option<String> {
        let uid = self.text_of(header, self.key_columns.instance);
        uid.or_else(|| self.text_of(header, self.key_columns.media_storage_instance))
    }

    fn keys(&mut self, header: &Header, instance: Option<String>) -> Keys {
        let KeyColumns { series, study, patient, .. } = self.key_columns;
        Keys {
            instance,
            series: self.text_of(header, series),
            study: self.text_of(header, study),
            patient: self.text_of(header, patient),
        }
    }

    /// Types the header columns of a file, in order, and says what is wrong with them; a row is kept where the file has a key.
    fn header_row(&mut self, header: &mut Header, uid: Option<&str>, findings: &mut Vec<Finding>) {
        let columns = Arc::clone(&self.columns);
        let gathered = &header.gathered;
        findings.extend(gathered.character_sets().filter_map(|raw| nonstandard(gathered, &raw)));
        let is_repeated =
            |index: usize| gathered.repeated().get(index >> 6).is_some_and(|word| word >> (index & 63) & 1 == 1);
        let presence =
            |index: Option<usize>| if index.is_some_and(is_repeated) { Presence::Present } else { Presence::Absent };
        let mut required = self.key_columns.required.map(presence);
        let mut has_instance = self.key_columns.instance.is_some_and(is_repeated);
        let mut days = [None; AGE_DATES.len()];
        for ((day, column), repeated) in days.iter_mut().zip(self.key_columns.age_dates).zip(self.repeated_days) {
            *day = repeated.filter(|_| column.is_some_and(is_repeated));
        }
        let mut remembered = std::mem::take(&mut self.remembered);
        if uid.is_some() {
            self.instances.begin_row(gathered.repeated());
            self.entity_keys.begin_row();
            for (attribute, column) in self.key_columns.attributes.into_iter().enumerate() {
                if column.is_some_and(is_repeated) {
                    self.entity_keys.repeat(attribute);
                }
            }
        }
        for index in gathered.touched() {
            let Some(column) = columns.get(index) else {
                continue;
            };
            let mut check = Check { gathered, sets: &mut self.sets, findings, required: &mut required };
            let (cell, is_repeatable) = match gathered.cell(index) {
                Cell::Absent => match gathered.earlier(index, None).next() {
                    Some(raw) => (check.cell(column, Some(index), &raw).0, false),
                    None => continue,
                },
                Cell::One(raw) => {
                    let (cell, is_sound) = check.cell(column, Some(index), &raw);
                    (cell, is_sound && is_repeatable(column, &raw))
                }
                Cell::Many(entries) => {
                    let mut list = check.list(column, index, entries);
                    for earlier in gathered.earlier_lists(index) {
                        if list.iter().any(|value| *value != Scalar::Null) {
                            break;
                        }
                        list = check.list(column, index, earlier);
                    }
                    (Typed::List(list), false)
                }
            };
            if cell == Typed::One(Scalar::Null) {
                continue;
            }
            if uid.is_some() {
                if is_repeatable {
                    self.instances.set_to_repeat(index, &cell);
                } else {
                    self.instances.set(index, &cell);
                }
                remembered.push((index, is_repeatable));
                if let (Some(attribute), Typed::One(Scalar::Text(text))) =
                    (self.key_attributes.get(index).copied().flatten(), &cell)
                {
                    self.entity_keys.set(attribute, text);
                }
            }
            if let (Some(at), Typed::One(Scalar::Date(day))) =
                (self.key_columns.age_dates.iter().position(|column| *column == Some(index)), &cell)
            {
                if let Some(place) = days.get_mut(at) {
                    *place = Some(*day);
                }
                if let Some(place) = self.repeated_days.get_mut(at).filter(|_| uid.is_some() && is_repeatable) {
                    *place = Some(*day);
                }
            }
            if let Some(presence) = self.required.get(index).and_then(|at| required.get_mut((*at)?)) {
                *presence = Presence::Present;
            }
            has_instance |= Some(index) == self.key_columns.instance;
        }
        for (index, is_repeatable) in remembered.drain(..) {
            if is_repeatable {
                header.gathered.remember(index);
            } else {
                header.gathered.forget(index);
            }
        }
        self.remembered = remembered;
        if uid.is_some()
            && let Some(keys) = self.entity_keys.end_row()
        {
            self.instances.set_keys(keys);
        }
        if let ([Some(birth), Some(study)], [Some(column), _]) = (days, self.key_columns.age_dates)
            && is_implausible_age(age_between(birth, study))
        {
            let message = "by birth date and study date the patient is above 130 years old, or below 0";
            findings
                .extend(columns.get(column).map(|column| without_value(column, FindingCode::ImplausibleAge, message)));
        }
        if let (Some(uid), Some(index), false) = (uid, self.key_columns.instance, has_instance) {
            self.instances.set(index, &Typed::One(Scalar::Text(uid.into())));
            header.gathered.forget(index);
            let message = "it is absent or empty; that of the file meta is taken instead";
            findings
                .extend(columns.get(index).map(|column| without_value(column, FindingCode::MissingRequired, message)));
        }
        for (presence, index) in required.into_iter().zip(self.key_columns.required) {
            if presence == Presence::Absent {
                let column = index.and_then(|index| columns.get(index));
                let message = "it is absent or empty";
                findings.extend(column.map(|column| without_value(column, FindingCode::MissingRequired, message)));
            }
        }
    }
}

/// The state of a column that every instance should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Absent,
    Present,
    /// It has a value that the column can't hold, which is a finding already.
    Refused,
}

/// Types cells of one file, and keeps what is wrong with them.
struct Check<'s, 'c> {
    gathered: &'s Gathered,
    sets: &'c mut CharacterSets,
    findings: &'c mut Vec<Finding>,
    required: &'c mut [Presence; REQUIRED.len()],
}

impl<'s> Check<'s, '_> {
    /// The cell of a value (of a column that holds one, with its index), and whether nothing is wrong with it.
    fn cell<'a>(&mut self, column: &'a ReadColumn, index: Option<usize>, raw: &RawValue<'a>) -> (Typed<'a>, bool)
    where
        's: 'a,
    {
        let mut noted = Noted::default();
        let (cell, is_last) = match index {
            Some(index) => last_typed(column, index, raw, self.gathered, self.sets, &mut noted),
            None => (typed(column, raw, self.gathered, self.sets, &mut noted), true),
        };
        if !noted.is_empty() {
            self.keep(raw, &noted);
        }
        (cell, is_last && noted.is_empty())
    }

    /// The values of a list over items, each of the last copy of its element that has one.
    fn list<'a>(&mut self, column: &'a ReadColumn, index: usize, entries: Entries<'a>) -> Vec<Scalar<'a>>
    where
        's: 'a,
    {
        let mut list = vec![];
        for (place, raw) in entries.iter().enumerate() {
            let mut value = raw.map_or(Scalar::Null, |raw| self.cell(column, None, &raw).0.first());
            if value == Scalar::Null && raw.is_some() {
                let mut earlier = self.gathered.earlier(index, u32::try_from(place).ok());
                while let (Scalar::Null, Some(raw)) = (&value, earlier.next()) {
                    value = typed(column, &raw, self.gathered, self.sets, &mut Noted::default()).first();
                }
            }
            list.push(value);
        }
        list
    }

    fn keep(&mut self, raw: &RawValue<'_>, noted: &Noted) {
        let is_refused = noted.iter().any(|code| code == FindingCode::InvalidCodeString);
        if self.findings.len() >= FILE_LIMIT && !is_refused {
            return;
        }
        let path = self.gathered.path(raw.context, raw.tag);
        let shown = raw_text(raw.value);
        for code in noted.iter() {
            if code == FindingCode::InvalidCodeString
                && let Some(at) = REQUIRED.iter().position(|name| **name == path)
                && let Some(presence) = self.required.get_mut(at)
            {
                *presence = Presence::Refused;
            }
            if self.findings.len() < FILE_LIMIT {
                self.findings.push(Finding {
                    level: Level::Value,
                    code: code.as_str(),
                    message: message(code).into(),
                    element_path: Some(path.clone()),
                    tag: Some(raw.tag),
                    byte_offset: raw.position,
                    raw: Some(shown.clone()),
                });
            }
        }
    }
}

/// The value of a column, of the last copy of its element that has one, and whether that is the last copy of all.
fn last_typed<'a>(
    column: &'a ReadColumn,
    index: usize,
    raw: &RawValue<'a>,
    gathered: &'a Gathered,
    sets: &mut CharacterSets,
    noted: &mut Noted,
) -> (Typed<'a>, bool) {
    let cell = typed(column, raw, gathered, sets, noted);
    if cell != Typed::One(Scalar::Null) {
        return (cell, true);
    }
    let mut earlier = gathered.earlier(index, None).map(|raw| typed(column, &raw, gathered, sets, noted));
    let sound = earlier.find(|earlier| *earlier != Typed::One(Scalar::Null));
    sound.map_or((cell, true), |sound| (sound, false))
}

/// Whether VR, bytes and byte order say all that there is to a value, and are few: not so for characters beyond ASCII, escape sequences, and
/// what goes by PixelRepresentation.
fn is_repeatable(column: &ReadColumn, raw: &RawValue<'_>) -> bool {
    let is_plain = raw.value.is_ascii() && !raw.value.contains(&0x1B);
    raw.value.len() <= REPEAT_LENGTH_LIMIT
        && is_plain
        && (column.vr != DictionaryVr::BySign || telling_vr(raw.vr).is_some())
}

/// The finding about a (0008,0005) that names its character sets otherwise than PS3.3.
fn nonstandard(gathered: &Gathered, raw: &RawValue<'_>) -> Option<Finding> {
    (!is_standard_character_set(raw.value)).then(|| Finding {
        level: Level::Value,
        code: FindingCode::NonstandardCharacterSet.as_str(),
        message: message(FindingCode::NonstandardCharacterSet).into(),
        element_path: Some(gathered.path(raw.context, raw.tag)),
        tag: Some(raw.tag),
        byte_offset: raw.position,
        raw: Some(raw_text(raw.value)),
    })
}

/// A finding about the file as a whole.
fn of_file(code: FindingCode, message: String) -> Finding {
    Finding {
        level: Level::File,
        code: code.as_str(),
        message: message.into(),
        element_path: None,
        tag: None,
        byte_offset: None,
        raw: None,
    }
}

fn without_value(column: &ReadColumn, code: FindingCode, message: &'static str) -> Finding {
    let mut path = String::new();
    push_label(&mut path, column.tag);
    Finding {
        level: Level::Value,
        code: code.as_str(),
        message: message.into(),
        element_path: Some(path),
        tag: Some(column.tag),
        byte_offset: None,
        raw: None,
    }
}
