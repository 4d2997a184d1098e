//! What Python sees of the crate: `dicomlake._core`. The only file that knows pyo3.
//!
//! One crossing for a unit of files, with the GIL released around all work. Files that are not local are opened and read through Python
//! objects (`dicomlake.fetch`), for which the GIL is taken for as long as a read lasts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::{Array, RecordBatch, StructArray};
use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyCapsule};

use crate::drive::remote::{NoAccess, ObjectStoreConfig, StoreKind, UnitEnd};
use crate::drive::{ByteSource, LastFolder, ReadingLimits, Refused};
use crate::error::{FileCode, FindingCode};
use crate::folder::{self, Looked};
use crate::found::Defect;
use crate::label::tag_text;
use crate::recorder::Recorder;
use crate::scan::{FileToRead, ScanPlan, Surroundings};
use crate::table::BATCH_BYTES;
use crate::taker::{FrameAttribute, FrameTable, standard_takers};
use crate::tree::{Node, TreeRecorder};
use crate::value::DictionaryVr;
use crate::value::typed::{ItemType, ReadColumn};
use crate::vr::{Letters, Vr};
use crate::wanted::{ItemChoice, Step};

/// A step of a path: tag, creator, and which item (-1 for every one).
type PythonStep = (u32, Option<String>, Option<i64>);

/// A column: name, tag of its element, VR, type, whether the lake is partitioned by it, and the steps of its path.
type PythonColumn = (String, u32, String, String, (bool, bool), Vec<PythonStep>);

/// An attribute of frames: name, VR, type, and its paths below a functional groups item, the leaf last.
type PythonFrameAttribute = (String, String, String, Vec<Vec<PythonStep>>);

/// A store: its kind, what urls of its objects begin with, the bucket, and object_store's own options.
type PythonStore = (String, String, String, HashMap<String, String>);

/// Batches by the name of their table; and the index of a store that can't be read from, the kind of trouble, and the reason.
type PythonScanned = (Vec<(String, Vec<PythonBatch>)>, Option<(usize, &'static str, String)>);

/// A number of files that units add to while they are read, and that other threads look at meanwhile.
#[pyclass(frozen, module = "dicomlake._core", name = "FileCount")]
#[derive(Default)]
struct PythonFileCount {
    files: AtomicU64,
}

#[pymethods]
impl PythonFileCount {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Adds files that were not read here.
    fn add(&self, files: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
    }

    /// How many files there are so far.
    #[getter]
    fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }
}

/// The files of a unit: the end of each url among the bytes of all urls, and each size, -1 where it is not known (int64 in the order of
/// this machine's bytes); and the bytes of all urls.
type PythonFiles = (PyBackedBytes, PyBackedBytes, PyBackedBytes);

/// A record batch that any library takes through the Arrow PyCapsule interface.
#[pyclass(frozen, module = "dicomlake._core", name = "ArrowArray")]
struct PythonBatch {
    batch: RecordBatch,
}

#[pymethods]
impl PythonBatch {
    /// The schema and the data, as they are: whoever asks for other types casts them.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        drop(requested_schema);
        let schema = FFI_ArrowSchema::try_from(self.batch.schema().as_ref())
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let data = FFI_ArrowArray::new(&StructArray::from(self.batch.clone()).to_data());
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, data, c"arrow_array")?,
        ))
    }
}

/// A plan of the columns to read, made once for all units.
#[pyclass(frozen, module = "dicomlake._core", name = "ScanPlan")]
struct PythonPlan {
    plan: ScanPlan,
}

#[pymethods]
impl PythonPlan {
    #[new]
    #[pyo3(signature = (columns, first_read, header_limit, file_seconds_limit, headers, requests_in_flight=1, batch_bytes=BATCH_BYTES, tables=vec![], frame_attributes=None))]
    #[allow(clippy::too_many_arguments, reason = "Python names them")]
    fn new(
        columns: Vec<PythonColumn>,
        first_read: u64,
        header_limit: u64,
        file_seconds_limit: f64,
        headers: bool,
        requests_in_flight: usize,
        batch_bytes: usize,
        tables: Vec<String>,
        frame_attributes: Option<Vec<PythonFrameAttribute>>,
    ) -> PyResult<Self> {
        let columns = columns.into_iter().map(read_column).collect::<PyResult<Vec<_>>>()?;
        // Times that no Duration holds are as good as none.
        let file_time_limit = Duration::try_from_secs_f64(file_seconds_limit).unwrap_or(Duration::MAX);
        let limits = ReadingLimits { first_read: first_read.max(256), header_limit, file_time_limit };
        let mut takers = standard_takers(&tables);
        if let Some(attributes) = frame_attributes {
            let attributes = attributes.into_iter().map(frame_attribute).collect::<PyResult<Vec<_>>>()?;
            takers.push(Arc::new(FrameTable::new(attributes)));
        }
        let plan = ScanPlan::new(columns, limits, headers).with_takers(takers);
        Ok(Self { plan: plan.with_batch_bytes(batch_bytes).with_in_flight(requests_in_flight) })
    }

    /// Reads the headers of a unit of files.
    ///
    /// Takes the files, the stores that are read from here, and what opens all other urls that are not local; answers batches by table, with the number of each file, in the order in which files ended; and
    /// which store can't be read from, if that is so. `interruptible` is for Python's main thread, where signals are to be heard.
    /// `count` grows by one with each file that has ended.
    #[pyo3(signature = (files, open, interruptible, stores=vec![], count=None))]
    fn scan(
        &self,
        py: Python<'_>,
        files: PythonFiles,
        open: Py<PyAny>,
        interruptible: bool,
        stores: Vec<PythonStore>,
        count: Option<Py<PythonFileCount>>,
    ) -> PyResult<PythonScanned> {
        let (ends, urls, sizes) = files;
        let to_read = files_to_read(&ends, &urls, &sizes)
            .ok_or_else(|| PyValueError::new_err("the ends of the urls do not fit the urls and their sizes"))?;
        let stores = stores.into_iter().map(store_config).collect::<PyResult<Vec<_>>>()?;
        let (batches, end) = py.detach(|| {
            let mut surroundings = PythonSurroundings { count, ..PythonSurroundings::new(open, interruptible) };
            let scanned = if stores.is_empty() {
                Ok((self.plan.scan(to_read.iter().copied(), &mut surroundings), UnitEnd::Done))
            } else {
                self.plan.scan_with_stores(&to_read, &stores, &mut surroundings)
            };
            surroundings.end_with(scanned)
        })??;
        let batches = batches.map_err(|fault| PyRuntimeError::new_err(fault.to_string()))?;
        let no_access = match end {
            UnitEnd::NoAccess(NoAccess { store, kind, reason }) => Some((store, kind.as_str(), reason.into_owned())),
            UnitEnd::Done | UnitEnd::Stopped => None,
        };
        let own = [("files", batches.files), ("instances", batches.instances), ("findings", batches.findings)];
        let tables = own.into_iter().map(|(name, batches)| (name.to_owned(), batches)).chain(batches.taken);
        let out = |batches: Vec<RecordBatch>| batches.into_iter().map(|batch| PythonBatch { batch }).collect();
        Ok((tables.map(|(name, batches)| (name, out(batches))).collect(), no_access))
    }

    /// Reads the whole header of one file as a tree; see `dicomlake.extract.header_tree`.
    fn tree(&self, py: Python<'_>, url: &str, open: Py<PyAny>) -> PyResult<PythonTree> {
        py.detach(|| {
            let mut surroundings = PythonSurroundings::new(open, false);
            let tree = self.read_tree(url, &mut surroundings);
            surroundings.end_with(tree)
        })
    }
}

impl PythonPlan {
    fn read_tree(&self, url: &str, surroundings: &mut PythonSurroundings) -> PythonTree {
        let mut decoder = self.plan.decoder();
        let recorder = Some(Recorder::Tree(TreeRecorder::default()));
        let (mut driver, mut last_folder) = (self.plan.driver(), LastFolder::default());
        self.plan.read(
            FileToRead { url, size: None },
            recorder,
            &mut driver,
            &mut decoder,
            &mut last_folder,
            surroundings,
        );
        let findings = self.plan.rows().findings_of(&mut decoder.header);
        let header = decoder.header;
        let (nodes, complete) = match header.recorder {
            Some(Recorder::Tree(tree)) => (tree.nodes, !tree.cut),
            _ => (vec![], true),
        };
        PythonTree {
            nodes: nodes.into_iter().map(python_node).collect(),
            complete,
            transfer_syntax: header.transfer_syntax.map(|syntax| syntax.uid.clone()),
            pixel_data: header.pixel_data.map(|pixel_data| pixel_data.keyword),
            defect: header.found.defect.map(python_defect),
            findings: findings
                .into_iter()
                .map(|found| (found.level.as_str(), found.code, found.tag.map(tag_text), found.byte_offset))
                .collect(),
        }
    }
}

/// A node: tag, VR, creator, value, length, byte offset, depth, and which item it is.
type PythonNode = (u32, &'static str, Option<String>, Option<String>, Option<u32>, Option<u64>, u32, Option<u32>);

/// A defect: code, message, byte offset, element path.
type PythonDefect = (&'static str, String, Option<u64>, Option<String>);

/// A header as a tree.
#[pyclass(frozen, get_all, module = "dicomlake._core", name = "Tree")]
struct PythonTree {
    nodes: Vec<PythonNode>,
    complete: bool,
    transfer_syntax: Option<String>,
    pixel_data: Option<&'static str>,
    defect: Option<PythonDefect>,
    findings: Vec<(&'static str, &'static str, Option<String>, Option<u64>)>,
}

fn python_node(node: Node) -> PythonNode {
    let Node { tag, vr, creator, value, length, byte_offset, depth, item } = node;
    (tag, vr, creator, value, length, byte_offset, depth, item)
}

fn python_defect(defect: Defect) -> PythonDefect {
    (defect.code.as_str(), defect.message.into_owned(), defect.byte_offset, defect.element_path)
}

/// The files of a unit; None where ends, urls and sizes do not fit each other.
fn files_to_read<'a>(ends: &[u8], urls: &'a [u8], sizes: &[u8]) -> Option<Vec<FileToRead<'a>>> {
    let urls = std::str::from_utf8(urls).ok()?;
    let ((ends, no_end), (sizes, no_size)) = (ends.as_chunks::<8>(), sizes.as_chunks::<8>());
    if ends.len() != sizes.len() || !no_end.is_empty() || !no_size.is_empty() {
        return None;
    }
    let mut start = 0;
    let files = ends.iter().zip(sizes).map(|(end, size)| {
        let end = usize::try_from(i64::from_ne_bytes(*end)).ok()?;
        let url = urls.get(start..end)?;
        start = end;
        Some(FileToRead { url, size: u64::try_from(i64::from_ne_bytes(*size)).ok() })
    });
    files.collect()
}

fn read_column(
    (name, tag, vr, type_name, (is_partition, is_single), steps): PythonColumn,
) -> PyResult<(ReadColumn, Vec<Step>)> {
    let inside = type_name.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>'));
    let Some(item) = ItemType::named(inside.unwrap_or(&type_name)) else {
        return Err(PyValueError::new_err(format!("column '{name}' is of a type that is not known: '{type_name}'")));
    };
    let steps: Vec<Step> = steps
        .into_iter()
        .map(|(tag, creator, item)| {
            let item = item.map(|item| u32::try_from(item).map_or(ItemChoice::Every, ItemChoice::At));
            Step { tag, creator, item }
        })
        .collect();
    let gathers = steps.iter().any(|step| step.item == Some(ItemChoice::Every));
    let expected: Vec<Letters> = vr.split(" or ").filter_map(|vr| vr.as_bytes().try_into().ok()).collect();
    let first = expected.first().copied().and_then(Vr::of);
    let vr = match first {
        _ if vr == "US or SS" => DictionaryVr::BySign,
        Some(first) => DictionaryVr::One(first),
        None => return Err(PyValueError::new_err(format!("column '{name}' is of a VR that is not known: '{vr}'"))),
    };
    Ok((
        ReadColumn { name, tag, expected, vr, item, is_list: inside.is_some(), gathers, is_partition, is_single },
        steps,
    ))
}

fn frame_attribute((name, vr, type_name, paths): PythonFrameAttribute) -> PyResult<FrameAttribute> {
    let tag = paths.first().and_then(|path| path.last()).map_or(0, |(tag, _, _)| *tag);
    let (column, _) = read_column((name, tag, vr, type_name, (false, false), vec![]))?;
    let step = |(tag, creator, _)| Step { tag, creator, item: None };
    let paths = paths.into_iter().map(|path| path.into_iter().map(step).collect()).collect();
    Ok(FrameAttribute { column, paths })
}

fn store_config((kind, prefix, bucket, options): PythonStore) -> PyResult<ObjectStoreConfig> {
    let Some(kind) = StoreKind::of(&kind) else {
        return Err(PyValueError::new_err(format!("store '{prefix}' is of a kind that is not known: '{kind}'")));
    };
    Ok(ObjectStoreConfig { kind, prefix, bucket, options: options.into_iter().collect() })
}

/// The first exception that is no answer about a file: a bug, or Ctrl-C. It ends the scan.
type Failure = Rc<RefCell<Option<PyErr>>>;

/// How long a signal may wait to be heard.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(100);

/// Opens urls through a Python function, and listens for signals where this is Python's main thread.
struct PythonSurroundings {
    open: Py<PyAny>,
    failure: Failure,
    listened: Option<Instant>,
    count: Option<Py<PythonFileCount>>,
}

impl PythonSurroundings {
    fn new(open: Py<PyAny>, interruptible: bool) -> Self {
        Self { open, failure: Failure::default(), listened: interruptible.then(Instant::now), count: None }
    }

    fn end_with<T>(self, answer: T) -> PyResult<T> {
        self.failure.take().map_or(Ok(answer), Err)
    }
}

impl Surroundings for PythonSurroundings {
    fn open(&mut self, file: FileToRead<'_>) -> Result<Box<dyn ByteSource>, Refused> {
        Python::attach(|py| {
            let opened = self.open.call1(py, (file.url, file.size)).and_then(|object| {
                let size = object.getattr(py, "size")?.extract::<Option<u64>>(py)?;
                Ok(PythonSource { object, size, failure: Rc::clone(&self.failure) })
            });
            match opened {
                Ok(source) => Ok(Box::new(source) as Box<dyn ByteSource>),
                Err(error) => Err(refused(py, error, &self.failure)),
            }
        })
    }

    fn goes_on(&mut self) -> bool {
        if self.listened.is_some_and(|listened| listened.elapsed() > BETWEEN_SIGNALS) {
            self.listened = Some(Instant::now());
            if let Err(signal) = Python::attach(|py| py.check_signals()) {
                self.failure.borrow_mut().get_or_insert(signal);
            }
        }
        self.failure.borrow().is_none()
    }

    fn note_file(&mut self) {
        if let Some(count) = &self.count {
            count.get().files.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A `dicomlake.fetch.ByteSource`.
struct PythonSource {
    object: Py<PyAny>,
    size: Option<u64>,
    failure: Failure,
}

impl PythonSource {
    fn requests(&self, py: Python<'_>) -> u64 {
        self.object.getattr(py, "requests").and_then(|count| count.extract(py)).unwrap_or(0)
    }

    fn bytes<'py>(&self, py: Python<'py>, offset: u64, length: usize) -> PyResult<Bound<'py, PyBytes>> {
        let answer = self.object.call_method1(py, "read", (offset, length))?;
        Ok(answer.into_bound(py).cast_into::<PyBytes>()?)
    }
}

impl ByteSource for PythonSource {
    fn size(&self) -> Option<u64> {
        self.size
    }

    fn read(&mut self, offset: u64, into: &mut [u8], requests: &mut u64) -> Result<usize, Refused> {
        Python::attach(|py| {
            let answer = self.bytes(py, offset, into.len());
            *requests = self.requests(py);
            let answer = answer.map_err(|error| refused(py, error, &self.failure))?;
            let bytes = answer.as_bytes();
            let came = bytes.len().min(into.len());
            if let (Some(to), Some(from)) = (into.get_mut(..came), bytes.get(..came)) {
                to.copy_from_slice(from);
            }
            Ok(came)
        })
    }
}

impl Drop for PythonSource {
    fn drop(&mut self) {
        Python::attach(|py| {
            // What can't be closed is none the worse read.
            let _ = self.object.call_method0(py, "close");
        });
    }
}

/// The code and reason of a `ReadingStopped`; any other exception is kept, and ends the scan.
fn refused(py: Python<'_>, error: PyErr, failure: &Failure) -> Refused {
    let value = error.value(py);
    let said = value.getattr("code").and_then(|code| code.extract::<String>());
    let reason = value.getattr("reason").and_then(|reason| reason.extract::<String>());
    match (said.ok().and_then(|code| FileCode::of(&code)), reason) {
        (Some(code), Ok(reason)) => Refused { code, reason: reason.into() },
        _ => {
            failure.borrow_mut().get_or_insert(error);
            Refused { code: FileCode::Unreadable, reason: "reading was broken off".into() }
        }
    }
}

/// The codes of this engine, in order: those of files, then those of findings.
#[pyfunction]
fn codes() -> (Vec<&'static str>, Vec<&'static str>) {
    (FileCode::ALL.map(FileCode::as_str).to_vec(), FindingCode::ALL.map(FindingCode::as_str).to_vec())
}

/// Names of folders; names, sizes and times of files.
type PythonFolder = (Vec<String>, Vec<String>, Vec<i64>, Vec<i64>);

/// The content of a folder of this machine, and whether the disk is slow; no content where it is slow or something in the folder is unusual.
#[pyfunction]
fn look_at_folder(py: Python<'_>, path: &[u8]) -> (Option<PythonFolder>, bool) {
    py.detach(|| match folder::look_at_folder(path) {
        Looked::Usual(content) => {
            let sizes = content.files.iter().map(|file| file.size).collect();
            let modified = content.files.iter().map(|file| file.modified).collect();
            let names = content.files.into_iter().map(|file| file.name).collect();
            (Some((content.folders, names, sizes, modified)), false)
        }
        Looked::Unusual => (None, false),
        Looked::Slow => (None, true),
    })
}

/// The compiled part of dicomlake.
#[pymodule]
#[pyo3(name = "_core")]
fn core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    if cfg!(debug_assertions) {
        let message =
            c"dicomlake._core is a debug build, many times slower than a release build: build it with --release";
        PyErr::warn(module.py(), &module.py().get_type::<PyRuntimeWarning>(), message, 1)?;
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<PythonBatch>()?;
    module.add_class::<PythonFileCount>()?;
    module.add_class::<PythonPlan>()?;
    module.add_class::<PythonTree>()?;
    module.add_function(wrap_pyfunction!(codes, module)?)?;
    module.add_function(wrap_pyfunction!(look_at_folder, module)?)?;
    Ok(())
}
