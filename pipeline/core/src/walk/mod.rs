//! The walk over a data set: one pass, element by element, without recursion and without reading, that keeps what somebody wants.
//!
//! PS3.5 7.1 and 7.5 define elements, items and delimitations. Where real files differ, a comment says so where the difference is
//! understood. Nothing is guessed: bytes that make no sense are passed over up to the end of the nearest container that said how long it
//! is, and where none did, reading stops. In both cases the file keeps what was read and says where ([`FoundInFile::defect`]).
//!
//! The walk can stop at any element for lack of bytes, and goes on at that element when they are there: everything that is done before
//! bytes are asked for is done again, so it must be the same twice, or be guarded by [`Walk::once`].
//!
//! `leaves` is the fast way through elements that are as they should be; everything else goes one at a time. Row takers
//! ([`crate::taker`]) take part in the same pass: what they want stops the fast way only where they have to be told of the sequences around first.

mod element;
mod level;
mod passing;
mod record;
mod recovery;
mod sequence;
mod trailing;

pub use level::{Creator, Creators};
pub use record::{Record, Seen, SeenValue};

use crate::digest::HeaderDigest;
use crate::element::{ElementHeader, Encoding, ITEM, UNDEFINED_LENGTH};
use crate::error::{FileCode, FindingCode};
use crate::found::{Defect, Finding, FoundInFile, Level as FindingLevel};
use crate::gathered::{ContextIndex, Gathered, push_steps};
use crate::label::push_label;
use crate::taker::Takers;
use crate::wanted::{DataSetWish, Wanted};
use crate::window::{Need, Window};
use crate::wish::TakerSet;
use level::{DataSet, Level, NO_END, SequenceOfItems};
use passing::Passing;

/// Sequences nested deeper than this are walked past, not gathered.
const NESTING_LIMIT: u32 = 256;

/// The group of the file meta.
pub const META_GROUP: u32 = 2;

/// How many elements are passed before whoever drives the walk may look at the clock.
const STEPS_BETWEEN_CLOCKS: u32 = 4096;

/// The takers of a walk: one pass feeds several.
#[derive(Debug)]
pub struct Sink<'a> {
    /// Says what to keep.
    pub wanted: &'a Wanted,
    /// Takes what is kept.
    pub gathered: &'a mut Gathered,
    /// Takes what is wrong.
    pub found: &'a mut FoundInFile,
    /// Make rows of further tables.
    pub takers: &'a mut Takers,
    /// Told of everything, where somebody wants the whole header.
    pub recorder: Option<&'a mut dyn Record>,
}

/// The element that ended the header: positions in the stream of its tag and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelData {
    /// Of PS3.6.
    pub keyword: &'static str,
    /// Where its tag stands.
    pub tag_position: u64,
    /// Where its value stands.
    pub value_position: u64,
    /// In bytes; None when undefined.
    pub length: Option<u32>,
}

/// The keyword of an element at which a header ends, when it stands at top level.
#[must_use]
pub const fn pixel_data_keyword(tag: u32) -> Option<&'static str> {
    match tag {
        0x7FE0_0010 => Some("PixelData"),
        0x7FE0_0008 => Some("FloatPixelData"),
        0x7FE0_0009 => Some("DoubleFloatPixelData"),
        _ => None,
    }
}

/// The state of a walk when it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The header was walked to its end, or as far as can be.
    Done,
    /// Bytes are needed to go on.
    Need(Need),
    /// It has gone on for a while: time to look at the clock.
    Pause,
}

impl From<Need> for Progress {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}

/// Marks of what was done at an element, so that it is not done again when the walk comes back with more bytes.
#[derive(Clone, Copy, Debug)]
enum Once {
    Order = 1,
    Items = 2,
    Odd = 4,
    Begin = 8,
    Meta = 16,
}

/// One walk over one data set of a file.
#[derive(Debug)]
pub struct Walk {
    /// Where it stands in the stream.
    pub position: u64,
    /// The element that ended the header; None where none did.
    pub pixel_data: Option<PixelData>,
    /// Whether the data set has a shared or per-frame functional groups sequence.
    pub has_functional_groups: bool,
    /// Where the first value stands that was skipped by position.
    pub first_skip: Option<u64>,
    /// Likewise of the first that was skipped and is longer than what a store sends in the time that a request takes.
    pub first_long_skip: Option<u64>,
    digest: HeaderDigest,
    digested: Option<u128>,
    levels: Vec<Level>,
    /// The private creators of the outermost data set, once it has ended.
    top_creators: Creators,
    /// The element being read, for the path of what is found.
    tag: Option<u32>,
    passing: Option<Passing>,
    only_group: Option<u32>,
    /// Where that group ends by what it says itself.
    group_end: Option<u64>,
    /// Elements met at top level, a bit for each low number: one of group 2 that comes again begins a second meta.
    met: u64,
    /// Whether a second meta may begin.
    ends_at_repeat: bool,
    in_file: bool,
    /// Nothing is told of what stands in a stray item.
    paused: bool,
    done_at: (u64, usize),
    done: u8,
}

impl Walk {
    /// A walk that begins at a position of a stream. `size` is the stream's length, where it is known; positions in it are offsets in the
    /// file if `in_file` (not so when inflated); it ends before the first element that is not of `only_group`, if that is given.
    #[must_use]
    pub fn new(
        position: u64,
        size: Option<u64>,
        encoding: Encoding,
        wish: DataSetWish,
        in_file: bool,
        only_group: Option<u32>,
    ) -> Self {
        let top = DataSet {
            limit: size.unwrap_or(NO_END),
            defined: false,
            encoding,
            item: 0,
            depth: 0,
            wish,
            near: 0,
            last_tag: None,
            context: Some(if only_group.is_some() { ContextIndex::META } else { ContextIndex::TOP }),
            creators: Creators::default(),
            takers: TakerSet::NONE,
            told: TakerSet::NONE,
        };
        let mut levels = Vec::with_capacity(4);
        levels.push(Level::DataSet(top));
        Self {
            position,
            pixel_data: None,
            has_functional_groups: false,
            first_skip: None,
            first_long_skip: None,
            digest: HeaderDigest::new(position),
            digested: None,
            levels,
            top_creators: Creators::default(),
            tag: None,
            passing: None,
            only_group,
            group_end: None,
            met: 0,
            ends_at_repeat: false,
            in_file,
            paused: false,
            done_at: (u64::MAX, 0),
            done: 0,
        }
    }

    /// A walk over the file meta, group 2 (PS3.10 7.1), which says that it ends at `end`.
    #[must_use]
    pub fn of_meta(position: u64, size: Option<u64>, explicit: bool, end: Option<u64>) -> Self {
        let encoding = if explicit { Encoding::EXPLICIT_LITTLE } else { Encoding::IMPLICIT_LITTLE };
        let walk = Self::new(position, size, encoding, Wanted::TOP, true, Some(META_GROUP));
        Self { group_end: end, ends_at_repeat: true, ..walk }
    }

    /// A walk over elements of group 2 that stand behind the meta: nothing is told of them.
    #[must_use]
    pub fn past_meta(position: u64, size: Option<u64>, explicit: bool) -> Self {
        let encoding = if explicit { Encoding::EXPLICIT_LITTLE } else { Encoding::IMPLICIT_LITTLE };
        let walk = Self::new(position, size, encoding, Wanted::NOTHING, true, Some(META_GROUP));
        Self { paused: true, ..walk }
    }

    /// Goes on with the bytes of a window, to the end of the header or to where bytes are lacking.
    pub fn run(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> Progress {
        for _ in 0..STEPS_BETWEEN_CLOCKS {
            match self.step(window, sink) {
                Ok(true) => {}
                Ok(false) => {
                    if self.only_group.is_none() {
                        let digest = std::mem::replace(&mut self.digest, HeaderDigest::new(0));
                        let to = self.position.min(window.held_to());
                        self.digested = Some(digest.finish(window.bytes, window.start, to));
                    }
                    return Progress::Done;
                }
                Err(need) => {
                    self.digest.cover(window.bytes, window.start, self.position.min(window.held_to()));
                    return Progress::Need(need);
                }
            }
        }
        self.digest.cover(window.bytes, window.start, self.position.min(window.held_to()));
        Progress::Pause
    }

    /// Reads no further, for a reason that lies outside the bytes.
    pub fn stop_reading(
        &mut self,
        code: FileCode,
        message: impl Into<std::borrow::Cow<'static, str>>,
        sink: &mut Sink<'_>,
    ) {
        self.defect(code, message, sink);
        self.leave_all(sink);
    }

    /// The digest of what was walked, and the private creators of the data set; asked for once, when the walk has ended.
    #[must_use]
    pub fn finish(self) -> (u128, Creators) {
        let digest = self.digested.unwrap_or_else(|| self.digest.finish(&[], 0, 0));
        (digest, self.top_creators)
    }

    fn step(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<bool, Need> {
        if let Some(passing) = self.passing {
            self.go_on_passing(passing, window, sink)?;
            return Ok(true);
        }
        self.tag = None;
        match self.levels.last() {
            None => return Ok(false),
            Some(Level::DataSet(_)) => {
                if sink.recorder.is_none() {
                    self.leaves(window, sink);
                }
                self.element(window, sink)?;
            }
            Some(Level::Sequence(_)) => self.next_item(window, sink)?,
        }
        Ok(true)
    }

    /// Whether something is to be done now, which is to be done once at the place where the walk stands.
    fn once(&mut self, what: Once) -> bool {
        let here = (self.position, self.levels.len());
        if self.done_at != here {
            self.done_at = here;
            self.done = 0;
        }
        let first = self.done & what as u8 == 0;
        self.done |= what as u8;
        first
    }

    /// The innermost data set: the level itself, or the one that its sequence stands in.
    fn data_set(&self) -> Option<&DataSet> {
        self.levels.iter().rev().find_map(|level| match level {
            Level::DataSet(data_set) => Some(data_set),
            Level::Sequence(_) => None,
        })
    }

    fn data_set_mut(&mut self) -> Option<&mut DataSet> {
        self.levels.iter_mut().rev().find_map(|level| match level {
            Level::DataSet(data_set) => Some(data_set),
            Level::Sequence(_) => None,
        })
    }

    fn is_top(&self) -> bool {
        self.levels.len() == 1
    }

    /// The context of the innermost data set, made where it has none yet, and those around it too.
    fn context(&mut self, gathered: &mut Gathered) -> ContextIndex {
        let mut nearest = ContextIndex::TOP;
        let mut sequence_tag = ITEM;
        for level in &mut self.levels {
            match level {
                Level::Sequence(sequence) => sequence_tag = sequence.tag,
                Level::DataSet(data_set) => {
                    nearest = *data_set
                        .context
                        .get_or_insert_with(|| gathered.begin_context(nearest, sequence_tag, data_set.item));
                }
            }
        }
        nearest
    }

    /// The context of the nearest data set that has one.
    fn nearest_context(&self) -> ContextIndex {
        let found = self.levels.iter().rev().find_map(|level| match level {
            Level::DataSet(data_set) => data_set.context,
            Level::Sequence(_) => None,
        });
        found.unwrap_or(ContextIndex::TOP)
    }

    const fn offset(&self, position: u64) -> Option<u64> {
        if self.in_file { Some(position) } else { None }
    }

    /// The path down to the innermost data set, with a trailing dot; empty at top level.
    fn data_set_path(&self) -> String {
        let mut steps: Vec<(u32, u32)> = vec![];
        let mut sequence_tag = ITEM;
        for level in &self.levels {
            match level {
                Level::Sequence(sequence) => sequence_tag = sequence.tag,
                Level::DataSet(data_set) => steps.push((sequence_tag, data_set.item)),
            }
        }
        let mut path = String::new();
        let count = steps.len().saturating_sub(1);
        push_steps(&mut path, steps.into_iter().skip(1), count);
        path
    }

    /// The path down to where the walk stands.
    fn path(&self) -> Option<String> {
        let level = self.levels.last()?;
        let mut path = self.data_set_path();
        match (level, self.tag) {
            (Level::Sequence(sequence), _) => {
                push_label(&mut path, sequence.tag);
                path.push_str(&format!("[{}]", sequence.items));
            }
            (Level::DataSet(_), Some(tag)) => push_label(&mut path, tag),
            (Level::DataSet(_), None) => {
                if path.ends_with('.') {
                    path.pop();
                }
            }
        }
        (!path.is_empty()).then_some(path)
    }

    /// A finding about the way the element being read stands; `value_after` bytes after its tag stands its value.
    fn structural(&self, code: FindingCode, message: &'static str, value_after: u64, sink: &mut Sink<'_>) {
        self.structural_at(code, message, self.position.saturating_add(value_after), sink);
    }

    /// Likewise, of an element whose value stands at a position.
    fn structural_at(&self, code: FindingCode, message: &'static str, value_position: u64, sink: &mut Sink<'_>) {
        if !sink.found.takes_structural(code) {
            return;
        }
        let tag = self.tag.unwrap_or(ITEM);
        let mut path = self.data_set_path();
        push_label(&mut path, tag);
        sink.found.add(Finding {
            level: FindingLevel::Value,
            code: code.as_str(),
            message: message.into(),
            element_path: Some(path),
            tag: Some(tag),
            byte_offset: self.offset(value_position),
            raw: None,
        });
    }

    /// Something is wrong at the place where the walk stands.
    fn defect(&mut self, code: FileCode, message: impl Into<std::borrow::Cow<'static, str>>, sink: &mut Sink<'_>) {
        if sink.found.defect.is_none() {
            let (byte_offset, element_path) = (self.offset(self.position), self.path());
            sink.found.stop(Defect { code, message: message.into(), byte_offset, element_path });
        }
    }

    /// Goes on in what holds this level.
    fn leave(&mut self, sink: &mut Sink<'_>) {
        let level = self.levels.pop();
        let inside = !self.levels.is_empty();
        match level {
            Some(Level::Sequence(SequenceOfItems { stray: true, .. })) => self.paused = false,
            Some(Level::Sequence(sequence)) => {
                sink.takers.tell(sequence.told, |taker, rows| taker.end_sequence(rows));
                if let Some(recorder) = self.recorder(sink) {
                    recorder.end_sequence();
                }
            }
            Some(Level::DataSet(item)) if inside => {
                sink.takers.tell(item.told, |taker, rows| taker.end_item(rows));
                if let Some(recorder) = self.recorder(sink) {
                    recorder.end_item();
                }
            }
            Some(Level::DataSet(top)) => self.top_creators = top.creators,
            None => {}
        }
    }

    /// Tells takers of the sequences and items around that they were not told of.
    fn tell_around(&mut self, takers: TakerSet, sink: &mut Sink<'_>) {
        let known = self.levels.iter().rposition(|level| level.told().contains(takers)).unwrap_or(0);
        for level in self.levels.iter_mut().skip(known.saturating_add(1)) {
            let left = takers.without(level.told());
            match level {
                Level::Sequence(sequence) => {
                    sequence.told = sequence.told.union(left);
                    sink.takers.tell(left, |taker, rows| taker.begin_sequence(sequence.tag, rows));
                }
                Level::DataSet(item) => {
                    item.told = item.told.union(left);
                    sink.takers.tell(left, |taker, rows| taker.begin_item(item.item, rows));
                }
            }
        }
    }

    fn leave_all(&mut self, sink: &mut Sink<'_>) {
        self.passing = None;
        while !self.levels.is_empty() {
            self.leave(sink);
        }
    }

    fn recorder<'a, 's>(&self, sink: &'a mut Sink<'s>) -> Option<&'a mut (dyn Record + 's)> {
        if self.paused { None } else { sink.recorder.as_deref_mut() }
    }

    /// The facts that are told of an element of the innermost data set.
    fn seen(&self, header: &ElementHeader, value_position: u64) -> Seen<'_> {
        let data_set = self.data_set();
        Seen {
            tag: header.tag,
            vr: header.vr,
            creator: data_set.and_then(|data_set| data_set.creators.of(header.tag)),
            depth: data_set.map_or(0, |data_set| data_set.depth),
            position: self.offset(value_position),
            length: (header.length != UNDEFINED_LENGTH).then_some(header.length),
        }
    }
}
