//! Sequences and their items, delimitations where they belong and where they don't (PS3.5 7.5).

use super::level::{DataSet, Level, SequenceOfItems};
use super::passing::{AfterSkip, Passed, Passing, STRAY_WITHOUT_END};
use super::{Creators, NESTING_LIMIT, Once, Sink, Walk};
use crate::digest::LARGE_VALUE;
use crate::element::{
    ElementHeader, Encoding, ITEM, ITEM_DELIMITATION, ITEM_LOOKED_AT, SEQUENCE_DELIMITATION, UNDEFINED_LENGTH,
    encoding_by_elements, encoding_of_item, item_header, looks_like_element,
};
use crate::error::{FileCode, FindingCode};
use crate::wanted::{ElementWish, Wanted};
use crate::window::{Need, Window};
use crate::wish::TakerSet;

/// The shared and the per-frame functional groups sequence (PS3.3 C.7.6.16).
const FUNCTIONAL_GROUPS: [u32; 2] = [0x5200_9229, 0x5200_9230];

impl Walk {
    /// Goes into a sequence; `opaque` where only a column knows that it is one, so that the digest must take it for a value.
    pub(super) fn begin_sequence(
        &mut self,
        header: &ElementHeader,
        wanted: Option<ElementWish>,
        opaque: bool,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Need> {
        let Some((limit, depth, mut encoding)) =
            self.data_set().map(|data_set| (data_set.limit, data_set.depth, data_set.encoding))
        else {
            return Ok(());
        };
        let value_position = self.position.saturating_add(header.size);
        let defined = header.length != UNDEFINED_LENGTH;
        let mut end = if defined { value_position.saturating_add(u64::from(header.length)) } else { limit };
        let takers = match (self.paused, self.is_top()) {
            (true, _) => TakerSet::NONE,
            (false, true) => sink.wanted.takers_of_sequence(wanted).union(sink.wanted.takers_anywhere(header.tag)),
            (false, false) => {
                let around = self.data_set().map_or(TakerSet::NONE, |data_set| data_set.takers);
                around.union(sink.wanted.takers_anywhere(header.tag))
            }
        };
        let told = takers.without(sink.wanted.around_leaves());
        let wanted = wanted.filter(|wish| sink.wanted.element(*wish).has_items());
        if self.is_top() && FUNCTIONAL_GROUPS.contains(&header.tag) {
            self.has_functional_groups = true;
        }
        if depth >= NESTING_LIMIT {
            return self.pass_deep(header, limit, window, sink);
        }
        if end > limit && !window.ends_before(limit) {
            self.defect(FileCode::CorruptElement, "the sequence is longer than what holds it", sink);
            end = limit;
        }
        if defined && header.length & 1 != 0 && self.once(Once::Odd) {
            self.structural(FindingCode::OddLength, "the sequence's length is odd (PS3.5 7.1.1)", header.size, sink);
        }
        // UN may hold little endian in a big endian data set (PS3.5 6.2.2 note 2).
        let is_unknown = header.vr == Some([b'U', b'N']);
        encoding.little = self.begins_item(window, header.size)?.unwrap_or(encoding.little || is_unknown);
        let seen = self.seen(header, value_position);
        if let Some(recorder) = self.recorder(sink) {
            recorder.begin_sequence(&seen);
        }
        if !told.is_empty() {
            self.tell_around(told, sink);
            sink.takers.tell(told, |taker, rows| taker.begin_sequence(header.tag, rows));
        }
        if opaque && header.length > LARGE_VALUE {
            self.digest.cover(window.bytes, window.start, value_position);
            self.digest.leave_out(end);
        }
        self.position = value_position;
        self.levels.push(Level::Sequence(SequenceOfItems {
            tag: header.tag,
            limit: end,
            defined,
            encoding,
            wanted,
            items: 0,
            stray: false,
            takers,
            told,
        }));
        Ok(())
    }

    /// Goes into the next item of a sequence, or out of the sequence.
    pub(super) fn next_item(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<(), Need> {
        let Some(Level::Sequence(sequence)) = self.levels.last() else {
            return Ok(());
        };
        let (limit, encoding, defined, stray) = (sequence.limit, sequence.encoding, sequence.defined, sequence.stray);
        let sequence_tag = sequence.tag;
        let room = limit.saturating_sub(self.position);
        if room == 0 {
            if !defined && !stray {
                if window.ends_before(limit) {
                    self.cut_short(window, sink);
                    return Ok(());
                }
                self.out_of_order("a sequence lacks its delimitation (PS3.5 7.5.2)", sink);
            }
            self.leave(sink);
            return Ok(());
        }
        let bytes = window.reach(self.position, 8)?;
        let Some((tag, length)) = item_header(bytes, encoding.little) else {
            if stray {
                self.leave(sink);
            } else {
                self.cut_short(window, sink);
            }
            return Ok(());
        };
        if room < 8 {
            self.recover("bytes are left over that are not an item", sink);
            return Ok(());
        }
        match tag {
            ITEM => return self.begin_item(length, window, sink),
            SEQUENCE_DELIMITATION => {
                self.position = self.position.saturating_add(8);
                self.leave(sink);
            }
            _ if stray => self.leave(sink),
            ITEM_DELIMITATION => {
                self.out_of_order("an item's delimitation stands where no item is open", sink);
                self.position = self.position.saturating_add(8);
            }
            _ => {
                if self.sequence_lacks_end(defined, limit, sequence_tag, tag, window)? {
                    self.defect(FileCode::CorruptElement, "an element stands where an item should", sink);
                    self.leave(sink);
                } else {
                    self.recover("bytes that are not an item stand where an item should", sink);
                }
            }
        }
        Ok(())
    }

    fn begin_item(&mut self, length: u32, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<(), Need> {
        let depth = self.data_set().map_or(0, |data_set| data_set.depth);
        let first_time = self.once(Once::Begin);
        let Some(Level::Sequence(sequence)) = self.levels.last() else {
            return Ok(());
        };
        let item = sequence.items;
        let position = self.position.saturating_add(8);
        let defined = length != UNDEFINED_LENGTH;
        let mut limit = sequence.limit;
        let (outer_limit, encoding, wanted) = (sequence.limit, sequence.encoding, sequence.wanted);
        let takers = sequence.takers;
        let told = takers.without(sink.wanted.around_leaves());
        if defined {
            let end = position.saturating_add(u64::from(length));
            limit = limit.min(end);
            if end > outer_limit && !window.ends_before(outer_limit) {
                self.defect(FileCode::CorruptElement, "the item is longer than its sequence", sink);
            }
        }
        let mut wish = Wanted::NOTHING;
        if let Some(wanted) = wanted {
            let element = sink.wanted.element(wanted);
            wish = element.item(item);
            if first_time && item == 0 {
                sink.gathered.begin_sequence(element);
            }
            if first_time {
                sink.gathered.begin_item(element);
            }
        }
        let bytes = window.reach(self.position, 8 + 12)?;
        let encoding: Encoding = match encoding_of_item(bytes.get(8..).unwrap_or_default(), encoding) {
            Some(encoding) => encoding,
            None => {
                let bytes = window.reach(self.position, ITEM_LOOKED_AT.saturating_add(8))?.get(8..).unwrap_or_default();
                let room = limit.saturating_sub(position);
                // As many bytes whatever is held, so that the answer does not depend on that.
                let most = usize::try_from(ITEM_LOOKED_AT.min(room)).unwrap_or(usize::MAX);
                encoding_by_elements(bytes.get(..most).unwrap_or(bytes), encoding, room)
            }
        };
        let depth = depth.saturating_add(1);
        let offset = self.offset(position);
        if let Some(Level::Sequence(sequence)) = self.levels.last_mut() {
            sequence.items = item.saturating_add(1);
        }
        if let Some(recorder) = self.recorder(sink) {
            recorder.begin_item(item, depth, offset, defined.then_some(length));
        }
        sink.takers.tell(told, |taker, rows| taker.begin_item(item, rows));
        self.position = position;
        self.levels.push(Level::DataSet(DataSet {
            limit,
            defined,
            encoding,
            item,
            depth,
            wish,
            near: 0,
            last_tag: None,
            context: None,
            creators: Creators::default(),
            takers,
            told,
        }));
        Ok(())
    }

    /// The data set's end is reached.
    pub(super) fn end_data_set(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) {
        let (defined, limit) = self.data_set().map_or((true, 0), |data_set| (data_set.defined, data_set.limit));
        if !defined && !self.is_top() {
            if !self.in_stray() && window.ends_before(limit) {
                self.cut_short(window, sink);
                return;
            }
            self.out_of_order("an item lacks its delimitation (PS3.5 7.5.2)", sink);
        }
        self.leave(sink);
    }

    /// An item or delimitation stands where an element could.
    pub(super) fn delimitation(
        &mut self,
        header: &ElementHeader,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Need> {
        if self.is_top() {
            return self.stray(header, window, sink);
        }
        let in_stray = self.in_stray();
        let defined = self.data_set().is_some_and(|data_set| data_set.defined);
        match header.tag {
            ITEM_DELIMITATION => {
                if defined {
                    self.out_of_order("an item that said its length has a delimitation too", sink);
                }
                self.position = self.position.saturating_add(8);
                self.leave(sink);
            }
            ITEM | SEQUENCE_DELIMITATION => {
                if !in_stray {
                    self.out_of_order("an item lacks its delimitation (PS3.5 7.5.2)", sink);
                }
                self.leave(sink);
            }
            _ => {
                self.recover("the tag is of group FFFE, and is not that of an item or a delimitation (PS3.5 7.5)", sink)
            }
        }
        Ok(())
    }

    /// At top level there are no items; they are passed over whole, so that nothing inside one passes for the file's own.
    fn stray(&mut self, header: &ElementHeader, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<(), Need> {
        self.out_of_order("an item or delimitation stands outside a sequence", sink);
        if header.tag != ITEM {
            self.position = self.position.saturating_add(8);
            return Ok(());
        }
        if header.length != UNDEFINED_LENGTH {
            match self.pass(8, header.length, true, window)? {
                Passed::Yes => {}
                Passed::Short => self.stop_reading(FileCode::CorruptElement, STRAY_WITHOUT_END, sink),
                Passed::Later(end) => self.passing = Some(Passing::Skip { end, then: AfterSkip::Stray }),
            }
            return Ok(());
        }
        let Some((limit, encoding)) = self.data_set().map(|top| (top.limit, top.encoding)) else {
            return Ok(());
        };
        self.paused = true;
        self.levels.push(Level::Sequence(SequenceOfItems {
            tag: ITEM,
            limit,
            defined: false,
            encoding,
            wanted: None,
            items: 0,
            stray: true,
            takers: TakerSet::NONE,
            told: TakerSet::NONE,
        }));
        Ok(())
    }

    /// Whether the innermost data set is an item that stands where there is not a sequence.
    fn in_stray(&self) -> bool {
        let outer = self.levels.iter().rev().nth(1);
        outer.is_some_and(|level| matches!(level, Level::Sequence(SequenceOfItems { stray: true, .. })))
    }

    fn out_of_order(&mut self, message: &'static str, sink: &mut Sink<'_>) {
        self.structural(FindingCode::OutOfOrder, message, 8, sink);
    }

    /// Whether what stands instead of an item is the element that follows the sequence, whose end is lacking or wrong.
    fn sequence_lacks_end(
        &self,
        defined: bool,
        limit: u64,
        sequence_tag: u32,
        tag: u32,
        window: &Window<'_>,
    ) -> Result<bool, Need> {
        let inside_file = defined && !window.ends_before(limit);
        let bytes = window.reach(self.position, 12)?;
        let room = window.size.map(|size| size.saturating_sub(self.position));
        let encoding = self.data_set().map_or(Encoding::EXPLICIT_LITTLE, |data_set| data_set.encoding);
        Ok(!inside_file && tag > sequence_tag && looks_like_element(bytes, encoding, room))
    }
}
