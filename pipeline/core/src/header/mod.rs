//! One file's header, from its first bytes to what was read of it, without reading: the decoder says which bytes it needs.
//!
//! Whatever is wrong with a file is part of the answer. Local files, object stores and members of archives are read by the same decoder,
//! each with a driver of its own.

mod inflating;
mod recognise;
mod syntax;

use std::borrow::Cow;
use std::sync::Arc;

use crate::element::{ElementHeader, Encoding, element_header};
use crate::error::{FileCode, FindingCode};
use crate::found::{Defect, FoundInFile};
use crate::gathered::{Cell, Gathered};
use crate::recorder::Recorder;
use crate::taker::{TakerKind, TakerSet, Takers};
use crate::walk::{Creators, META_GROUP, PixelData, Progress, Sink, Walk};
use crate::wanted::{ColumnIndex, ItemChoice, Step, Wanted};
use crate::window::{Need, Window};
use inflating::{Halt, Inflating};
use recognise::{BYTES_LOOKED_AT, recognise};
use syntax::{EXPLICIT_UID, TransferSyntax, syntax_by_looking};

const TRANSFER_SYNTAX_UID: u32 = 0x0002_0010;
const MEDIA_STORAGE_SOP_CLASS_UID: u32 = 0x0002_0002;
const DICOMDIR_UID: &[u8] = b"1.2.840.10008.1.3.10";
const DICOMDIR_GROUP: &[u8] = &[4, 0];
const META_LENGTH: u32 = 0x0002_0000;

/// The values to keep of every file, by index of column: made once, used for all files.
#[derive(Debug)]
pub struct Plan {
    meta: Wanted,
    data_set: Wanted,
    columns: usize,
    gathering: Vec<ColumnIndex>,
    transfer_syntax: usize,
    sop_class: usize,
    takers: Vec<Arc<dyn TakerKind>>,
}

impl Plan {
    /// A plan of columns by their paths. Group 2 has two columns of its own at the end, which say how to read on.
    #[must_use]
    pub fn new(paths: &[Vec<Step>]) -> Self {
        let own = |tag| vec![Step { tag, creator: None, item: None }];
        let (syntax, class) = (own(TRANSFER_SYNTAX_UID), own(MEDIA_STORAGE_SOP_CLASS_UID));
        let all = paths.iter().chain([&syntax, &class]);
        let indexed = || all.clone().zip(0..=ColumnIndex::MAX).map(|(steps, column)| (steps.as_slice(), column));
        let is_meta = |steps: &[Step]| steps.first().is_some_and(|step| step.tag >> 16 == META_GROUP);
        let (meta, data_set): (Vec<_>, Vec<_>) = indexed().partition(|(steps, _)| is_meta(steps));
        let gathers = |steps: &[Step]| steps.iter().any(|step| step.item == Some(ItemChoice::Every));
        Self {
            meta: Wanted::new(&meta),
            data_set: Wanted::new(&data_set),
            columns: paths.len().saturating_add(2),
            gathering: indexed().filter(|(steps, _)| gathers(steps)).map(|(_, column)| column).collect(),
            transfer_syntax: paths.len(),
            sop_class: paths.len().saturating_add(1),
            takers: vec![],
        }
    }

    /// The same plan, with tables that row takers fill; at most [`TakerSet::LIMIT`] of them.
    #[must_use]
    pub fn with_takers(mut self, kinds: Vec<Arc<dyn TakerKind>>) -> Self {
        for (place, kind) in kinds.iter().enumerate() {
            self.data_set.add_taker(TakerSet::of(place), &kind.wish());
        }
        self.takers = kinds;
        self
    }

    /// The tables that row takers fill.
    #[must_use]
    pub fn takers(&self) -> &[Arc<dyn TakerKind>] {
        &self.takers
    }
}

/// The header of one file, as far as it was read.
#[derive(Debug)]
pub struct Header {
    /// The raw values, by index of column.
    pub gathered: Gathered,
    /// The defects.
    pub found: FoundInFile,
    /// The rows of further tables.
    pub takers: Takers,
    /// Takes the whole header, where that is asked for.
    pub recorder: Option<Recorder>,
    /// Whether it is a DICOM file that belongs into a lake.
    pub recognised: bool,
    /// The transfer syntax in which the data set was read.
    pub transfer_syntax: Option<Arc<TransferSyntax>>,
    /// The digest; None where there was no data set.
    pub digest: Option<u128>,
    /// The element that ended the header.
    pub pixel_data: Option<PixelData>,
    /// Whether there is a shared or per-frame functional groups sequence.
    pub has_functional_groups: bool,
    /// The private creators at top level.
    pub creators: Creators,
    /// How many bytes of the file were walked before the first that were skipped; 0 where that is not known.
    pub first_part: u64,
    /// Likewise before the first that were skipped because a store takes longer to send them than to be asked again.
    pub first_long_part: u64,
}

/// The next phase. Each phase asks for bytes from one position on, since those before are forgotten once it has asked.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a decoder has one, and makes it anew in place
enum Phase {
    Recognise,
    BeginMeta {
        position: u64,
    },
    Meta(Walk),
    /// Behind the meta, where group 2 may stand again.
    PastMeta {
        position: u64,
    },
    CommandSet {
        position: u64,
    },
    Choose {
        position: u64,
    },
    DataSet(Walk, Option<Inflating>),
    Done,
}

/// Decodes the headers of files, one after the other.
#[derive(Debug)]
pub struct HeaderDecoder {
    /// The header of the file so far.
    pub header: Header,
    phase: Phase,
    header_limit: u64,
    /// That of the last file's meta: most files name the same one.
    last_syntax: Option<Arc<TransferSyntax>>,
}

impl HeaderDecoder {
    /// A decoder for files of a plan; never more than `header_limit` bytes are inflated of one.
    #[must_use]
    pub fn new(plan: &Plan, header_limit: u64) -> Self {
        let header = Header {
            gathered: Gathered::new(plan.columns, &plan.gathering),
            found: FoundInFile::default(),
            takers: Takers::new(&plan.takers),
            recorder: None,
            recognised: false,
            transfer_syntax: None,
            digest: None,
            pixel_data: None,
            has_functional_groups: false,
            creators: Creators::default(),
            first_part: 0,
            first_long_part: 0,
        };
        Self { header, phase: Phase::Recognise, header_limit, last_syntax: None }
    }

    /// Makes ready for the next file.
    pub fn begin(&mut self, recorder: Option<Recorder>) {
        let header = &mut self.header;
        header.gathered.clear();
        header.found.clear();
        header.takers.begin_file();
        header.recorder = recorder;
        header.recognised = false;
        header.transfer_syntax = None;
        header.digest = None;
        header.pixel_data = None;
        header.has_functional_groups = false;
        header.creators = Creators::default();
        header.first_part = 0;
        header.first_long_part = 0;
        self.phase = Phase::Recognise;
    }

    /// Goes on with the bytes that are held of the file.
    pub fn resume(&mut self, plan: &Plan, file: &Window<'_>) -> Progress {
        loop {
            match self.advance(plan, file) {
                Ok(()) if matches!(self.phase, Phase::Done) => return Progress::Done,
                Ok(()) => {}
                Err(progress) => return progress,
            }
        }
    }

    /// Whether the data set is deflated: it may take far more memory than the bytes of the file.
    #[must_use]
    pub const fn is_inflating(&self) -> bool {
        matches!(self.phase, Phase::DataSet(_, Some(_)))
    }

    /// Ends here, for a reason that lies outside the bytes: they can't be had, are more than may be read, or it takes too long.
    pub fn stop(&mut self, plan: &Plan, code: FileCode, message: impl Into<Cow<'static, str>>) {
        let message = message.into();
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Meta(mut walk) => {
                let mut sink = self.header.sink(&plan.meta);
                walk.stop_reading(code, message, &mut sink);
            }
            Phase::DataSet(mut walk, inflating) => {
                let mut sink = self.header.sink(&plan.data_set);
                walk.stop_reading(code, message, &mut sink);
                self.header.finish(walk, inflating.as_ref());
            }
            Phase::Recognise
            | Phase::BeginMeta { .. }
            | Phase::PastMeta { .. }
            | Phase::CommandSet { .. }
            | Phase::Choose { .. }
            | Phase::Done => self.header.found.stop(Defect::of_file(code, message)),
        }
    }

    fn end_with(&mut self, code: FileCode, message: &'static str) {
        self.header.found.stop(Defect::of_file(code, message));
        self.phase = Phase::Done;
    }

    fn advance(&mut self, plan: &Plan, file: &Window<'_>) -> Result<(), Progress> {
        match &mut self.phase {
            Phase::Recognise => self.recognise(file),
            Phase::BeginMeta { position } => {
                let position = *position;
                self.begin_meta(position, file)
            }
            Phase::Meta(walk) => {
                let mut sink = self.header.sink(&plan.meta);
                match walk.run(file, &mut sink) {
                    Progress::Done => {
                        let position = walk.position;
                        let sound = self.header.found.defect.is_none();
                        self.phase = if sound { Phase::PastMeta { position } } else { Phase::Done };
                        Ok(())
                    }
                    progress => Err(progress),
                }
            }
            Phase::PastMeta { position } => {
                let position = *position;
                self.past_meta(position, file)
            }
            Phase::CommandSet { position } => {
                let position = past_command_set(file, *position)?;
                self.phase = Phase::Choose { position };
                Ok(())
            }
            Phase::Choose { position } => {
                let position = *position;
                self.choose(plan, position, file)
            }
            Phase::DataSet(..) => self.data_set(plan, file),
            Phase::Done => Ok(()),
        }
    }

    fn recognise(&mut self, file: &Window<'_>) -> Result<(), Progress> {
        let bytes = file.reach(0, BYTES_LOOKED_AT)?;
        if bytes.is_empty() {
            self.end_with(FileCode::EmptyFile, "the file is empty");
            return Ok(());
        }
        let Some(recognised) = recognise(bytes, file.size) else {
            self.end_with(FileCode::NotDicom, "this is not a DICOM file");
            return Ok(());
        };
        self.header.recognised = true;
        if !recognised.has_preamble {
            let message = "the file has no preamble with DICM (PS3.10 7.1)";
            self.header.found.add_file(FindingCode::MissingPreamble, message);
        }
        self.phase = Phase::BeginMeta { position: recognised.position };
        Ok(())
    }

    /// The meta ends where its length (0002,0000) says, or else with group 2, since that may be lacking or wrong.
    fn begin_meta(&mut self, position: u64, file: &Window<'_>) -> Result<(), Progress> {
        let (first, explicit) = first_of_meta(position, file)?;
        let bytes = file.reach(position, 12)?;
        let found = &mut self.header.found;
        self.phase = match first {
            Some(first) if first.tag >> 16 == META_GROUP => {
                Phase::Meta(Walk::of_meta(position, file.size, explicit, meta_end(&first, bytes, position)))
            }
            _ if file.size.is_none_or(|size| position < size) => {
                let message = "the file has no meta information, group 2 (PS3.10 7.1)";
                found.add_file(FindingCode::MissingFileMeta, message);
                Phase::CommandSet { position }
            }
            _ => {
                let message = "the file ends inside the header".into();
                let (code, byte_offset) = (FileCode::Truncated, Some(position));
                found.stop(Defect { code, message, byte_offset, element_path: None });
                Phase::Done
            }
        };
        Ok(())
    }

    /// Group 2 elements behind the meta change nothing (PS3.10 7.1): they are passed over.
    fn past_meta(&mut self, position: u64, file: &Window<'_>) -> Result<(), Progress> {
        let (first, explicit) = first_of_meta(position, file)?;
        self.phase = match first {
            Some(first) if first.tag >> 16 == META_GROUP => {
                let message = "group 2 stands again behind the meta information, and is passed over (PS3.10 7.1)";
                self.header.found.add_file(FindingCode::OutOfOrder, message);
                Phase::Meta(Walk::past_meta(position, file.size, explicit))
            }
            _ => Phase::CommandSet { position },
        };
        Ok(())
    }

    fn choose(&mut self, plan: &Plan, position: u64, file: &Window<'_>) -> Result<(), Progress> {
        let bytes = file.reach(position, syntax::BYTES_LOOKED_AT)?;
        let uid = self.header.meta_text(plan.transfer_syntax);
        let class = self.header.meta_text(plan.sop_class);
        let without_meta = uid.is_none() && bytes.starts_with(DICOMDIR_GROUP);
        if without_meta || class == Some(DICOMDIR_UID) {
            self.header.recognised = false;
            self.end_with(FileCode::Dicomdir, "this is a DICOMDIR, an index of other files");
            return Ok(());
        }
        let last = self.last_syntax.take();
        let declared = uid.map(|uid| match last {
            Some(last) if last.uid.as_bytes() == uid => last,
            _ => Arc::new(TransferSyntax::of_uid(&latin_1(uid))),
        });
        self.last_syntax.clone_from(&declared);
        let room = file.size.map(|size| size.saturating_sub(position));
        self.header.transfer_syntax.clone_from(&declared);
        if room == Some(0) {
            self.phase = Phase::Done;
            return Ok(());
        }
        let syntax = match (syntax_by_looking(bytes, room, declared.as_ref()), &declared) {
            (Some(syntax), _) => syntax,
            (None, Some(declared)) if !declared.known => {
                let reason = "the transfer syntax is unknown, and the data set looks like none that is known";
                self.end_with(FileCode::UnsupportedTransferSyntax, reason);
                return Ok(());
            }
            (None, Some(declared)) => Arc::clone(declared),
            (None, None) => Arc::new(TransferSyntax::of_uid(EXPLICIT_UID)),
        };
        if declared.is_some_and(|declared| declared.known && declared != syntax) {
            let name = crate::dictionary::name_of_uid(&syntax.uid).unwrap_or_default();
            let message = format!("the data set is not in the transfer syntax of the meta, but in {name}");
            self.header.found.add_file(FindingCode::WrongTransferSyntax, message);
        }
        self.header.transfer_syntax = Some(Arc::clone(&syntax));
        if syntax.deflated {
            let walk = Walk::new(0, None, syntax.encoding, Wanted::TOP, false, None);
            self.phase = Phase::DataSet(walk, Some(Inflating::new(position, self.header_limit)));
            return Err(Progress::Pause); // the driver can prepare before a few bytes become many
        }
        self.phase = Phase::DataSet(Walk::new(position, file.size, syntax.encoding, Wanted::TOP, true, None), None);
        Ok(())
    }

    fn data_set(&mut self, plan: &Plan, file: &Window<'_>) -> Result<(), Progress> {
        let Phase::DataSet(walk, inflating) = &mut self.phase else {
            return Ok(());
        };
        let mut sink = self.header.sink(&plan.data_set);
        let progress = match inflating {
            None => walk.run(file, &mut sink),
            Some(inflating) => match walk.run(&inflating.window(), &mut sink) {
                Progress::Need(need) => match inflating.reach(need, file) {
                    Ok(()) => return Ok(()),
                    Err(Halt::Need(need)) => Progress::Need(need),
                    Err(Halt::Limit) => {
                        let limit = self.header_limit;
                        let message = format!("the header goes on after {limit} inflated bytes (header_limit)");
                        walk.stop_reading(FileCode::HeaderTooLarge, message, &mut sink);
                        Progress::Done
                    }
                },
                progress => progress,
            },
        };
        if progress != Progress::Done {
            return Err(progress);
        }
        if let Phase::DataSet(walk, inflating) = std::mem::replace(&mut self.phase, Phase::Done) {
            self.header.finish(walk, inflating.as_ref());
        }
        Ok(())
    }
}

impl Header {
    fn sink<'a>(&'a mut self, wanted: &'a Wanted) -> Sink<'a> {
        Sink {
            wanted,
            gathered: &mut self.gathered,
            found: &mut self.found,
            takers: &mut self.takers,
            recorder: self.recorder.as_mut().map(Recorder::record),
        }
    }

    fn finish(&mut self, walk: Walk, inflating: Option<&Inflating>) {
        self.takers.end_file(&self.gathered);
        self.pixel_data = walk.pixel_data;
        self.has_functional_groups = walk.has_functional_groups;
        let whole = inflating.map_or(walk.position, Inflating::taken);
        (self.first_part, self.first_long_part) = match inflating {
            None => (walk.first_skip.unwrap_or(whole), walk.first_long_skip.unwrap_or(whole)),
            Some(_) => (whole, whole),
        };
        let (digest, creators) = walk.finish();
        self.digest = Some(digest);
        self.creators = creators;
    }

    /// Whether the data set is deflated.
    #[must_use]
    pub fn is_deflated(&self) -> bool {
        self.transfer_syntax.as_ref().is_some_and(|syntax| syntax.deflated)
    }

    /// The text of one of the plan's own columns, less its padding.
    fn meta_text(&self, column: usize) -> Option<&[u8]> {
        let Cell::One(raw) = self.gathered.cell(column) else {
            return None;
        };
        let is_text = |byte: &u8| !matches!(byte, b' ' | 0);
        let from = raw.value.iter().position(is_text)?;
        let to = raw.value.iter().rposition(is_text)?;
        raw.value.get(from..=to)
    }
}

/// The element at which group 2 may begin, and whether it has its VR, as PS3.10 7.1 wants it.
fn first_of_meta(position: u64, file: &Window<'_>) -> Result<(Option<ElementHeader>, bool), Need> {
    let walk = Walk::past_meta(position, file.size, true);
    let first = walk.header(file, Encoding::EXPLICIT_LITTLE)?;
    Ok((first, first.is_none_or(|first| first.vr.is_some())))
}

/// Where the meta ends by its length, if its first element says one.
fn meta_end(first: &ElementHeader, bytes: &[u8], position: u64) -> Option<u64> {
    let value = position.saturating_add(first.size);
    let value_at = usize::try_from(first.size).ok()?;
    let length = bytes.get(value_at..).and_then(<[u8]>::first_chunk::<4>)?;
    let says = first.tag == META_LENGTH && first.length == 4;
    says.then(|| value.saturating_add(4).saturating_add(u64::from(u32::from_le_bytes(*length))))
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Where the data set begins behind a command set, which some dumps of messages have: group 0, in implicit VR (PS3.7 6.3).
fn past_command_set(file: &Window<'_>, position: u64) -> Result<u64, Progress> {
    let bytes = file.reach(position, 12)?;
    let header = element_header(bytes, Encoding::IMPLICIT_LITTLE);
    if let (Some(header), Some([.., a, b, c, d])) = (header, bytes.first_chunk::<12>())
        && header.tag == 0
        && header.length == 4
    {
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        let end = position.saturating_add(12).saturating_add(u64::from(length));
        if file.size.is_none_or(|size| end <= size) {
            return Ok(end);
        }
    }
    Ok(position)
}
