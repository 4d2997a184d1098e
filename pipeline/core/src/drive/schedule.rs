//! In which order a store is asked for the files of a unit, and for how many bytes of each first.
//!
//! The first file of a folder teaches how large the headers there are; the others wait for it, while other folders are begun. Each answer
//! lets a few more go, so that a first file that is unlike the rest spoils few requests. Within a folder, files of about one size teach
//! each other, since headers and pixels mostly change together: the first file of a size is asked for alone, too.

use std::collections::{HashMap, VecDeque};

use super::estimate::Estimate;

/// How many files of a folder may be asked for at once, for each that has answered.
const AT_ONCE_FOR_EACH_ANSWER: usize = 4;

/// The most bytes that are read first of a folder of which nothing is known, however large headers were elsewhere.
const MOST_UNKNOWN: u64 = 256 << 10;

/// The most bytes that are read first, however large the headers around were.
const MOST: u64 = 8 << 20;

/// By how much more than was read already to go on where nothing better is known, and the most of it.
const GROWTH: u64 = 3;
const GROWTH_LIMIT: u64 = 4 << 20;

/// How far behind the next file of a folder one is looked for whose size has answered, where that of the next one has not.
const LOOKED_AHEAD: usize = 32;

/// Sizes that differ by less than a part of so many, as a power of two, are one.
const SIZE_CLASS_BITS: u32 = 5;

/// A file to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Its index.
    pub file: usize,
    /// How many bytes to read first; more than it has, perhaps.
    pub bytes: u64,
}

/// The files of a unit that are still to be asked for.
#[derive(Debug)]
pub struct Schedule {
    folder_of: Vec<usize>,
    size_class: Vec<u32>,
    folders: Vec<Folder>,
    /// Folders from which files are to be asked for, in order; those before `begun` have been begun.
    waiting: VecDeque<usize>,
    begun: usize,
    first_files: Estimate,
    unknown: u64,
}

#[derive(Debug, Default)]
struct Folder {
    files: VecDeque<usize>,
    asked: usize,
    answered: usize,
    all: Estimate,
    by_size: HashMap<u32, OfSize>,
}

/// The files of about one size in a folder.
#[derive(Debug, Default)]
struct OfSize {
    estimate: Estimate,
    is_asked: bool,
    has_answered: bool,
}

impl Folder {
    const fn may_go_on(&self) -> bool {
        self.asked.saturating_sub(self.answered) < self.answered.saturating_mul(AT_ONCE_FOR_EACH_ANSWER)
            || self.asked == 0
    }

    fn estimate(&self, size_class: u32) -> &Estimate {
        let own = self.by_size.get(&size_class).filter(|of_size| of_size.has_answered);
        own.map_or(&self.all, |of_size| &of_size.estimate)
    }

    /// Whether the first file of this size has been asked for, and has not answered.
    fn waits_for(&self, size_class: u32) -> bool {
        self.by_size.get(&size_class).is_some_and(|of_size| of_size.is_asked && !of_size.has_answered)
    }
}

/// Sizes of one class differ by a few parts in a hundred.
fn size_class_of(size: Option<u64>) -> u32 {
    let Some(size) = size else {
        return 0;
    };
    let log = size.checked_ilog2().unwrap_or(0);
    let first_bits = size.checked_shr(log.saturating_sub(SIZE_CLASS_BITS)).unwrap_or(0);
    let first_bits = u32::try_from(first_bits).unwrap_or(0);
    log.saturating_add(1).checked_shl(SIZE_CLASS_BITS.saturating_add(1)).unwrap_or(0).saturating_add(first_bits)
}

impl Schedule {
    /// A schedule of files, given as their keys and sizes, in order; `unknown` bytes are read first where nothing is known.
    pub fn new<'a>(files: impl Iterator<Item = (&'a str, Option<u64>)>, unknown: u64) -> Self {
        let mut schedule = Self {
            folder_of: vec![],
            size_class: vec![],
            folders: vec![],
            waiting: VecDeque::new(),
            begun: 0,
            first_files: Estimate::default(),
            unknown,
        };
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        for (file, (key, size)) in files.enumerate() {
            let name = key.rsplit_once('/').map_or("", |(folder, _)| folder);
            let at = *by_name.entry(name).or_insert(schedule.folders.len());
            if at == schedule.folders.len() {
                schedule.folders.push(Folder::default());
                schedule.waiting.push_back(at);
            }
            if let Some(folder) = schedule.folders.get_mut(at) {
                folder.files.push_back(file);
            }
            schedule.folder_of.push(at);
            schedule.size_class.push(size_class_of(size));
        }
        schedule
    }

    /// The next file; None where none is left, or all that are left wait for answers.
    pub fn begin_next(&mut self) -> Option<Begin> {
        let open = self.waiting.iter().take(self.begun.saturating_add(1));
        let (place, at, among) = open.enumerate().find_map(|(place, at)| {
            let folder = self.folders.get(*at).filter(|folder| folder.may_go_on())?;
            let is_ready = |file: &usize| !folder.waits_for(self.size_class.get(*file).copied().unwrap_or(0));
            let among = folder.files.iter().take(LOOKED_AHEAD).position(is_ready)?;
            Some((place, *at, among))
        })?;
        let folder = self.folders.get_mut(at)?;
        let file = folder.files.remove(among)?;
        if folder.asked == 0 {
            self.begun = self.begun.saturating_add(1);
        }
        folder.asked = folder.asked.saturating_add(1);
        let size_class = self.size_class.get(file).copied().unwrap_or(0);
        let bytes = match folder.estimate(size_class).bytes() {
            Some(bytes) => bytes.min(MOST.max(self.unknown)),
            None => self.first_files.bytes().map_or(self.unknown, |bytes| bytes.min(MOST_UNKNOWN.max(self.unknown))),
        };
        folder.by_size.entry(size_class).or_default().is_asked = true;
        if folder.files.is_empty() {
            self.waiting.remove(place);
            self.begun = self.begun.saturating_sub(1);
        }
        Some(Begin { file, bytes })
    }

    /// How many bytes to go on with where `read` bytes of a file, up to `position`, were not enough.
    #[must_use]
    pub fn more(&self, file: usize, position: u64, read: u64) -> u64 {
        let folder = self.folder_of.get(file).and_then(|folder| self.folders.get(*folder));
        let size_class = self.size_class.get(file).copied().unwrap_or(0);
        let alike = folder.and_then(|folder| folder.estimate(size_class).end_after(position));
        let known = alike.or_else(|| folder?.all.end_after(position)).map_or(0, |end| end.min(MOST));
        match known.saturating_sub(position) {
            0 => read.saturating_mul(GROWTH).clamp(self.unknown, GROWTH_LIMIT.max(self.unknown)),
            rest => rest,
        }
    }

    /// A file is done with, and needed so many bytes before some were not worth reading; 0 where that is not known.
    pub fn answered(&mut self, file: usize, needed: u64) {
        let size_class = self.size_class.get(file).copied().unwrap_or(0);
        let Some(folder) = self.folder_of.get(file).and_then(|folder| self.folders.get_mut(*folder)) else {
            return;
        };
        if folder.answered == 0 {
            self.first_files.learn(needed);
        }
        folder.answered = folder.answered.saturating_add(1);
        folder.all.learn(needed);
        let of_size = folder.by_size.entry(size_class).or_default();
        of_size.estimate.learn(needed);
        of_size.has_answered = true;
    }
}
