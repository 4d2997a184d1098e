//! Headers out of a store that is far away: whatever it does, each file is taken once, and all requests that may be on their way are.
//!
//! The store is object_store's own in memory, made late and unreliable; the clock is tokio's, which passes only while everybody waits.

#![cfg(feature = "stores")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use dicomlake_core::drive::remote::{NoAccessKind, RemoteFile, RemoteUnit, Taker, UnitEnd};
use dicomlake_core::drive::{Reading, ReadingLimits};
use dicomlake_core::error::FileCode;
use dicomlake_core::header::HeaderDecoder;
use files::{E, EXPLICIT, LIMIT, Random, answer, damaged, decode_whole, part10, plan, samples};
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::time::{Instant, sleep};

const LATENCY: Duration = Duration::from_millis(20);
const FILE_TIME_LIMIT: Duration = Duration::from_secs(60);

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// After the client's own attempts.
    Failed,
    /// Half of the body comes, as if it were all.
    Cut,
    /// No answer ever comes.
    Silent,
}

/// A store whose answers are late, and in pieces.
struct FarStore {
    inner: InMemory,
    random: Mutex<Random>,
    fate_of: fn(&str, &mut Random) -> Fate,
    requests: AtomicUsize,
    on_their_way: AtomicUsize,
    most_on_their_way: AtomicUsize,
    spoilt: Mutex<BTreeSet<String>>,
}

impl FarStore {
    async fn of(files: &[(String, Vec<u8>)], fate_of: fn(&str, &mut Random) -> Fate) -> Arc<Self> {
        let inner = InMemory::new();
        for (key, data) in files {
            let payload = PutPayload::from(data.clone());
            inner.put_opts(&Path::from(key.as_str()), payload, PutOptions::default()).await.unwrap();
        }
        Arc::new(Self {
            inner,
            random: Mutex::new(Random(7)),
            fate_of,
            requests: AtomicUsize::default(),
            on_their_way: AtomicUsize::default(),
            most_on_their_way: AtomicUsize::default(),
            spoilt: Mutex::default(),
        })
    }

    /// Bytes in pieces of any lengths, empty ones among them.
    fn pieces(&self, mut bytes: Bytes) -> Vec<Result<Bytes>> {
        let mut random = self.random.lock().unwrap();
        let mut pieces = vec![];
        while !bytes.is_empty() {
            pieces.push(Ok(bytes.split_to(random.below(2 * bytes.len()).min(bytes.len()))));
        }
        pieces
    }
}

impl fmt::Debug for FarStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FarStore")
    }
}

impl fmt::Display for FarStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FarStore")
    }
}

#[async_trait]
impl ObjectStore for FarStore {
    async fn get_opts(&self, key: &Path, options: GetOptions) -> Result<GetResult> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let on_their_way = self.on_their_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_on_their_way.fetch_max(on_their_way, Ordering::Relaxed);
        let fate = (self.fate_of)(key.as_ref(), &mut self.random.lock().unwrap());
        if fate != Fate::Answered {
            self.spoilt.lock().unwrap().insert(key.as_ref().to_owned());
        }
        sleep(if fate == Fate::Silent { FILE_TIME_LIMIT * 2 } else { LATENCY }).await;
        self.on_their_way.fetch_sub(1, Ordering::Relaxed);
        if fate == Fate::Failed {
            return Err(Error::Generic { store: "FarStore", source: "it is not in the mood".into() });
        }
        let found = self.inner.get_opts(key, options).await?;
        let (meta, range, attributes) = (found.meta.clone(), found.range.clone(), found.attributes.clone());
        let extensions = found.extensions.clone();
        let mut bytes = found.bytes().await?;
        if fate == Fate::Cut {
            bytes.truncate(bytes.len() / 2);
        }
        let payload = GetResultPayload::Stream(stream::iter(self.pieces(bytes)).boxed());
        Ok(GetResult { payload, meta, range, attributes, extensions })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        panic!("nothing is written");
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        panic!("nothing is written");
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        panic!("nothing is deleted");
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        panic!("nothing is listed");
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        panic!("nothing is listed");
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        panic!("nothing is copied");
    }
}

/// Keeps what was read of each file.
#[derive(Default)]
struct Taken(BTreeMap<usize, (String, Option<FileCode>, Reading)>);

impl Taker for Taken {
    fn take(&mut self, number: usize, reading: Reading, decoder: &mut HeaderDecoder) {
        let code = decoder.header.found.defect.as_ref().map(|defect| defect.code);
        let before = self.0.insert(number, (answer(decoder), code, reading));
        assert!(before.is_none(), "file {number} is taken twice");
    }

    fn give_back(&mut self, number: usize, _: Reading) {
        panic!("file {number} is given back by a store that has ranges");
    }

    fn goes_on(&mut self) -> bool {
        true
    }
}

async fn read(store: &Arc<FarStore>, files: &[(String, Vec<u8>)], requests_in_flight: usize) -> (UnitEnd, Taken) {
    let plan = plan();
    let unit = RemoteUnit {
        plan: &plan,
        limits: ReadingLimits { first_read: 16 << 10, header_limit: LIMIT, file_time_limit: FILE_TIME_LIMIT },
        requests_in_flight,
        decoder: &|| HeaderDecoder::new(&plan, LIMIT),
        recorder: &|| None,
    };
    let remote: Vec<RemoteFile> = files
        .iter()
        .enumerate()
        .map(|(number, (key, data))| {
            let size = (number % 3 != 0 || data.is_empty()).then_some(data.len() as u64);
            RemoteFile { number, store: 0, key: Path::from(key.as_str()), size }
        })
        .collect();
    let mut taken = Taken::default();
    let client: Arc<dyn ObjectStore> = Arc::<FarStore>::clone(store);
    let end = unit.read_with(&[client], &remote, &mut taken).await;
    (end, taken)
}

fn whole(data: &[u8]) -> String {
    let plan = plan();
    let mut decoder = HeaderDecoder::new(&plan, LIMIT);
    decoder.begin(None);
    decode_whole(&mut decoder, &plan, data);
    answer(&mut decoder)
}

/// Files of every kind, sound and damaged, some with headers that no first request brings whole.
fn all_kinds() -> Vec<(String, Vec<u8>)> {
    let mut random = Random(3);
    let mut files = vec![];
    for round in 0..6 {
        for (number, (_, sound)) in samples().into_iter().enumerate() {
            let data = if round % 2 == 0 { sound } else { damaged(&mut random, &sound) };
            files.push((format!("{}/{round}-{number}", number % 5), data));
        }
        let long = E.element(0x0010_4000, "UT", vec![b'x'; 30_000 << (round % 4)]);
        files.push((format!("long/{round}"), part10(EXPLICIT, &[E.keys(), long].concat())));
    }
    files
}

/// Folders of files alike: small headers before large pixels.
fn alike(folders: usize, files: usize) -> Vec<(String, Vec<u8>)> {
    let data = part10(EXPLICIT, &[E.keys(), E.element(0x7FE0_0010, "OW", vec![0; 20_000])].concat());
    (0..folders * files).map(|number| (format!("{}/{number}", number / files), data.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn each_file_is_what_its_bytes_are_however_they_come() {
    let files = all_kinds();
    for requests_in_flight in [1, 7, 128] {
        let store = FarStore::of(&files, |_, _| Fate::Answered).await;
        let (end, taken) = read(&store, &files, requests_in_flight).await;
        assert_eq!(end, UnitEnd::Done);
        assert_eq!(taken.0.len(), files.len());
        for (number, (key, data)) in files.iter().enumerate() {
            let (answer, _, reading) = &taken.0[&number];
            assert_eq!(*answer, whole(data), "{key}, {requests_in_flight} at once");
            assert_eq!(reading.size, Some(data.len() as u64), "{key}");
        }
        assert!(store.most_on_their_way.load(Ordering::Relaxed) <= requests_in_flight);
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_with_a_request_spoils_its_file_alone() {
    let files = all_kinds();
    let store = FarStore::of(&files, |_, random| match random.below(20) {
        0 => Fate::Failed,
        1 => Fate::Cut,
        2 => Fate::Silent,
        _ => Fate::Answered,
    })
    .await;
    let (end, taken) = read(&store, &files, 16).await;
    assert_eq!(end, UnitEnd::Done);
    assert_eq!(taken.0.len(), files.len());
    let spoilt = store.spoilt.lock().unwrap();
    assert!(spoilt.len() > 5 && spoilt.len() < files.len() / 2, "{}", spoilt.len());
    for (number, (key, data)) in files.iter().enumerate() {
        let (answer, code, _) = &taken.0[&number];
        if spoilt.contains(key) {
            assert!(matches!(code, Some(FileCode::Unreadable | FileCode::TimedOut)), "{key}: {code:?}");
        } else {
            assert_eq!(*answer, whole(data), "{key}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_ends_the_unit() {
    let files = alike(4, 100);
    let store = FarStore::of(&files, |_, _| Fate::Failed).await;
    let (end, taken) = read(&store, &files, 16).await;
    assert!(matches!(end, UnitEnd::NoAccess(no_access) if no_access.kind == NoAccessKind::Unanswered));
    assert!(taken.0.len() < 32 && store.requests.load(Ordering::Relaxed) < 64);
}

#[tokio::test(start_paused = true)]
async fn all_requests_that_may_be_on_their_way_are() {
    for (folders, files_each, requests_in_flight) in [(12, 500, 64), (12, 500, 128), (1, 6000, 128), (6000, 1, 128)] {
        let files = alike(folders, files_each);
        let store = FarStore::of(&files, |_, _| Fate::Answered).await;
        let began = Instant::now();
        let (end, taken) = read(&store, &files, requests_in_flight).await;
        assert_eq!((end, taken.0.len()), (UnitEnd::Done, files.len()));
        let took = began.elapsed().as_secs_f64();
        let least = files.len() as f64 / requests_in_flight as f64 * LATENCY.as_secs_f64();
        let names = format!("{folders} folders, {requests_in_flight} at once");
        assert!(took <= 1.15 * least + 0.1, "{names}: {took} s, and {least} s would do");
        assert_eq!(store.most_on_their_way.load(Ordering::Relaxed), requests_in_flight, "{names}");
        assert!(store.requests.load(Ordering::Relaxed) as f64 <= 1.01 * files.len() as f64, "{names}");
    }
}
