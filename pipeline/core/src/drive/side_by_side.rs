//! Local files of a slow disk: many on their way at one time, each on a thread that waits for it.
//!
//! On a fast disk one file after the other is the quickest way. A network file system takes milliseconds for each request, and answers many
//! at a time. The pace of the files that were read last tells the two apart.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::first_read::FirstRead;
use super::local::{LastFolder, LocalFile};
use super::{ByteSource, Driver, Reading, ReadingLimits};
use crate::header::{HeaderDecoder, Plan};
use crate::recorder::Recorder;

/// A file that takes so long is worth threads of its own: starting one takes some tens of microseconds.
pub(crate) const SLOW: Duration = Duration::from_micros(300);

/// Of a file's time so much is taken for waiting: two threads a core would wait in turn where it is more.
const TIME_OF_ONE_THREAD: Duration = Duration::from_micros(60);

/// So many files are slow one after the other before anything is changed: a process that waits for its turn makes single ones slow.
pub(crate) const SLOW_FILES: u32 = 8;

/// How many files a thread reads before the pace is looked at again.
const FILES_OF_A_THREAD: usize = 16;

/// How often somebody is asked whether to go on while no file ends.
const TICK: Duration = Duration::from_millis(100);

/// The pace of reading, one file after the other.
#[derive(Debug)]
pub struct Pace {
    most_in_flight: usize,
    began: Option<Instant>,
    slow_files: u32,
    of_a_file: Duration,
}

impl Pace {
    /// Nothing is known yet; `most_in_flight` is how many files may be on their way at one time.
    #[must_use]
    pub const fn new(most_in_flight: usize) -> Self {
        Self { most_in_flight, began: None, slow_files: 0, of_a_file: Duration::ZERO }
    }

    /// Takes note that a file is about to be read; answers whether the files before it were slow.
    pub fn note_file(&mut self) -> bool {
        if self.most_in_flight < 2 {
            return false;
        }
        let now = Instant::now();
        if let Some(began) = self.began.replace(now) {
            self.note_time(now.saturating_duration_since(began));
        }
        self.slow_files >= SLOW_FILES
    }

    /// Takes note of the time that a file took.
    pub fn note_time(&mut self, of_a_file: Duration) {
        if of_a_file > SLOW {
            let former = if self.slow_files == 0 { of_a_file } else { self.of_a_file };
            self.of_a_file = former.saturating_add(of_a_file).checked_div(2).unwrap_or(of_a_file);
            self.slow_files = self.slow_files.saturating_add(1);
        } else {
            self.slow_files = 0;
        }
    }

    /// How many files to have on their way now, and how many to read so before looking again.
    #[must_use]
    pub fn stretch(&self) -> (usize, usize) {
        let threads = self.of_a_file.as_micros().checked_div(TIME_OF_ONE_THREAD.as_micros()).unwrap_or(0);
        let threads = usize::try_from(threads).unwrap_or(usize::MAX).clamp(2, self.most_in_flight.max(2));
        (threads, threads.saturating_mul(FILES_OF_A_THREAD))
    }

    /// Files were read side by side, and each took so long: one after the other again where that is fast.
    pub fn note_stretch(&mut self, of_a_file: Duration) {
        self.of_a_file = of_a_file;
        self.slow_files = if of_a_file > SLOW { SLOW_FILES } else { 0 };
        self.began = None;
    }
}

/// A file that was read.
#[derive(Debug)]
pub struct Ended {
    /// Its place among the files given.
    pub index: usize,
    /// The cost.
    pub reading: Reading,
    /// The header; `give_back` it.
    pub decoder: Box<HeaderDecoder>,
    /// The time from opening to closing.
    pub took: Duration,
}

/// Reads local files side by side.
#[derive(Debug)]
pub struct SideBySide<'a> {
    plan: &'a Plan,
    limits: ReadingLimits,
    /// The paths of the files, and their sizes as listed.
    files: &'a [(std::borrow::Cow<'a, [u8]>, Option<u64>)],
    next: AtomicUsize,
    first_read: Mutex<FirstRead>,
    #[allow(clippy::vec_box, reason = "a file takes one and gives it back; it is large to move")]
    spare: Mutex<Vec<Box<HeaderDecoder>>>,
    /// Held by the one file that may be large at a time.
    large: Arc<Mutex<()>>,
}

impl<'a> SideBySide<'a> {
    /// Nothing is read yet; `first_read` is the policy so far.
    #[must_use]
    pub fn new(
        plan: &'a Plan,
        limits: ReadingLimits,
        files: &'a [(std::borrow::Cow<'a, [u8]>, Option<u64>)],
        first_read: FirstRead,
    ) -> Self {
        Self {
            plan,
            limits,
            files,
            next: AtomicUsize::new(0),
            first_read: Mutex::new(first_read),
            spare: Mutex::new(vec![]),
            large: Arc::default(),
        }
    }

    /// Reads all files on so many threads, and gives each to `take` as it ends, on the thread that asks; `goes_on` is asked meanwhile.
    ///
    /// Answers false where no thread could be started: nothing was read then.
    pub fn read(
        &self,
        threads: usize,
        recorder: &(dyn Fn() -> Option<Recorder> + Sync),
        take: &mut dyn FnMut(&mut Ended),
        goes_on: &mut dyn FnMut() -> bool,
    ) -> bool {
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(threads);
            let started =
                (0..threads.min(self.files.len())).take_while(|_| self.start(scope, &sender, recorder)).count();
            drop(sender);
            self.take_all(&receiver, take, goes_on);
            started > 0
        })
    }

    /// The policy of the first read, with what these files taught.
    #[must_use]
    pub fn first_read(&self) -> FirstRead {
        *locked(&self.first_read)
    }

    fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        sender: &SyncSender<Ended>,
        recorder: &'scope (dyn Fn() -> Option<Recorder> + Sync),
    ) -> bool {
        let sender = sender.clone();
        std::thread::Builder::new()
            .name("dicomlake-read".into())
            .spawn_scoped(scope, move || self.work(&sender, recorder))
            .is_ok()
    }

    fn take_all(
        &self,
        receiver: &Receiver<Ended>,
        take: &mut dyn FnMut(&mut Ended),
        goes_on: &mut dyn FnMut() -> bool,
    ) {
        loop {
            if !goes_on() {
                // Each thread ends with the file that it is at.
                self.next.store(self.files.len(), Ordering::Relaxed);
            }
            match receiver.recv_timeout(TICK) {
                Ok(mut ended) => {
                    take(&mut ended);
                    locked(&self.spare).push(ended.decoder);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    fn work(&self, sender: &SyncSender<Ended>, recorder: &(dyn Fn() -> Option<Recorder> + Sync)) {
        let mut driver = Driver::new(self.limits).with_large(Arc::clone(&self.large));
        let mut last_folder = LastFolder::default();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((path, size)) = self.files.get(index) else {
                break;
            };
            let began = Instant::now();
            let spare = locked(&self.spare).pop();
            let mut decoder =
                spare.unwrap_or_else(|| Box::new(HeaderDecoder::new(self.plan, self.limits.header_limit)));
            // It may know values of a file whose row is not the last one.
            decoder.header.gathered.forget_all();
            driver.first_read = *locked(&self.first_read);
            let mut opened = LocalFile::open(path, *size, &mut last_folder);
            let source = match &mut opened {
                Ok(file) => Ok(file as &mut dyn ByteSource),
                Err(refused) => Err(refused.clone()),
            };
            let reading = driver.read(&mut decoder, self.plan, recorder(), source);
            drop(opened);
            locked(&self.first_read).learn(decoder.header.first_long_part);
            if sender.send(Ended { index, reading, decoder, took: began.elapsed() }).is_err() {
                break;
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
