//! Elements of a data set: the usual ones in one sweep, every other one by itself.

use super::level::{Creator, Creators, Level};
use super::passing::{AfterSkip, Passed, Passing};
use super::{Once, PixelData, SeenValue, Sink, Walk, pixel_data_keyword};
use crate::dictionary::is_sequence_tag;
use crate::digest::LARGE_VALUE;
use crate::element::{
    ElementHeader, Encoding, UNDEFINED_LENGTH, UNKNOWN_VR_LOOKED_AT, begins_with_vr, element_header, is_in_dictionary,
    is_known_vr, with_stray_vr, without_known_vr,
};
use crate::error::FindingCode;
use crate::gathered::{Gathered, RawValue};
use crate::vr::LeafForm;
use crate::wanted::ElementWish;
use crate::window::{Need, Window};
use crate::wish::TakerSet;

/// Tags from here on may end the header or be not elements at all.
const FIRST_SPECIAL_TAG: u32 = 0x7FE0_0000;

/// Where the file meta has it, little is lost behind it.
const TRANSFER_SYNTAX_UID: u32 = 0x0002_0010;

/// A private creator is LO, of 64 characters; what claims to be one and is longer than this is not looked at.
const CREATOR_LIMIT: u32 = 1024;

impl Walk {
    /// The header of the element where the walk stands; None where fewer bytes are left than it has.
    pub(crate) fn header(&self, window: &Window<'_>, encoding: Encoding) -> Result<Option<ElementHeader>, Need> {
        let bytes = window.reach(self.position, 12)?;
        let header = element_header(bytes, encoding);
        match header {
            Some(ElementHeader { vr: Some(vr), .. }) if !is_known_vr(vr) => {
                // What follows decides; how much of it is looked at must not depend on how much happens to be held.
                let bytes = window.reach(self.position, UNKNOWN_VR_LOOKED_AT)?;
                let most = usize::try_from(UNKNOWN_VR_LOOKED_AT).unwrap_or(usize::MAX);
                let looked_at = bytes.get(..most).unwrap_or(bytes);
                Ok(without_known_vr(looked_at, encoding, looked_at.len() < most))
            }
            Some(ElementHeader { vr: None, length, tag, .. })
                if !encoding.explicit && tag >> 16 != 0xFFFE && begins_with_vr(length, encoding.little) =>
            {
                let bytes = window.reach(self.position, UNKNOWN_VR_LOOKED_AT)?;
                let most = usize::try_from(UNKNOWN_VR_LOOKED_AT).unwrap_or(usize::MAX);
                let looked_at = bytes.get(..most).unwrap_or(bytes);
                Ok(with_stray_vr(looked_at, encoding.little, looked_at.len() < most).or(header))
            }
            _ => Ok(header),
        }
    }

    /// Whether an item's tag stands `skip` bytes further on: true in little, false in big endian; None where there is none.
    pub(super) fn begins_item(&self, window: &Window<'_>, skip: u64) -> Result<Option<bool>, Need> {
        let bytes = window.reach(self.position, skip.saturating_add(4))?;
        let at = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok(match bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) {
            Some([0xFE, 0xFF, 0x00, 0xE0]) => Some(true),
            Some([0xFF, 0xFE, 0xE0, 0x00]) => Some(false),
            _ => None,
        })
    }

    /// Passes leaves that are held whole, in little endian, of known VR, in order, of even length, small, not private creators: the usual
    /// ones.
    ///
    /// This is where nearly all elements of nearly all files pass; it does what `element` would do with them.
    pub(super) fn leaves(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) {
        let Some(Level::DataSet(data_set)) = self.levels.last_mut() else {
            return;
        };
        if !data_set.encoding.little {
            return;
        }
        let explicit = data_set.encoding.explicit;
        let wanted = sink.wanted.data_set(data_set.wish);
        let no_private = !wanted.has_private();
        let hearing = data_set.takers;
        let special = self.only_group.map_or(FIRST_SPECIAL_TAG, |group| group.saturating_add(1) << 16);
        let mut held = window.from(self.position);
        let limit =
            self.group_end.filter(|end| *end > self.position).map_or(data_set.limit, |end| end.min(data_set.limit));
        if let Ok(room) = usize::try_from(limit.saturating_sub(self.position)) {
            held = held.get(..room).unwrap_or(held);
        }
        let mut rest = held;
        let mut near = data_set.near;
        // A tag that no element has, where none was met yet.
        let mut last = data_set.last_tag.map_or(-1, i64::from);
        let mut met = self.met;
        while let Some((head, mut behind)) = rest.split_first_chunk::<8>() {
            // Group, number, then VR and a length of 16 bits, or a length of 32.
            let head = u64::from_le_bytes(*head);
            let tag = (head as u32).rotate_left(16);
            let odd_group = tag & 0x10000 != 0;
            let mut length = (head >> 32) as u32;
            let mut vr = None;
            if explicit {
                let letters = length as u16;
                match LeafForm::of(letters) {
                    LeafForm::Short => length >>= 16,
                    LeafForm::Long => {
                        let Some((four, after)) = behind.split_first_chunk::<4>() else {
                            break;
                        };
                        (length, behind) = (u32::from_le_bytes(*four), after);
                    }
                    LeafForm::None => break,
                }
                if odd_group && !(no_private && tag & 0xFFFF > 0xFF) {
                    break;
                }
                vr = Some(letters.to_le_bytes());
            } else if odd_group || is_sequence_tag(tag) {
                break;
            }
            if i64::from(tag) <= last || tag >= special || length > LARGE_VALUE || length & 1 != 0 {
                break;
            }
            let Some((value, next)) = behind.split_at_checked(length as usize) else {
                break;
            };
            let takers =
                if hearing.is_empty() { TakerSet::NONE } else { sink.wanted.takers_of_leaf(tag).common(hearing) };
            let element = wanted.element(tag, &mut near).map(|wish| sink.wanted.element(wish));
            if element.is_some() || !takers.is_empty() {
                let is_plain = element.is_none_or(|element| !element.has_items() && element.takers.is_empty());
                let Some(context) = data_set.context.filter(|_| is_plain && data_set.told.contains(takers)) else {
                    break;
                };
                let ahead = held.len().saturating_sub(behind.len()) as u64;
                let position = self.in_file.then_some(self.position.saturating_add(ahead));
                let raw = RawValue { tag, vr, value, position, little: true, context };
                if let Some(element) = element {
                    sink.gathered.keep(element, &raw);
                }
                if !takers.is_empty() {
                    let gathered: &Gathered = sink.gathered;
                    sink.takers.tell(takers, |taker, rows| taker.leaf(&raw, gathered, rows));
                }
            }
            last = i64::from(tag);
            met |= 1 << (tag & 63);
            rest = next;
        }
        self.met = met;
        data_set.near = near;
        data_set.last_tag = u32::try_from(last).ok();
        self.position = self.position.saturating_add(held.len().saturating_sub(rest.len()) as u64);
    }

    /// Passes one element, whatever it is.
    pub(super) fn element(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<(), Need> {
        let Some(Level::DataSet(data_set)) = self.levels.last() else {
            return Ok(());
        };
        let (limit, encoding, wish) = (data_set.limit, data_set.encoding, data_set.wish);
        let room = limit.saturating_sub(self.position);
        if room == 0 {
            self.end_data_set(window, sink);
            return Ok(());
        }
        let header = match self.header(window, encoding)? {
            Some(header) if header.size <= room => header,
            _ if self.end_before_trailing(window, sink)? => return Ok(()),
            _ => return self.header_cut_short(room, window, sink),
        };
        let tag = header.tag;
        self.tag = Some(tag);
        if tag >> 16 == 0xFFFE {
            return self.delimitation(&header, window, sink);
        }
        if self.is_top() && self.ends_header(&header) {
            self.leave(sink);
            return Ok(());
        }
        if self.is_top()
            && self.is_doubtful(&header, encoding.explicit, limit)
            && self.end_before_trailing(window, sink)?
        {
            return Ok(());
        }
        if self.once(Once::Order) {
            self.check_order(&header, encoding.explicit, sink);
        }
        let wanted = self.wanted_element(tag, wish, sink);
        let element = wanted.map(|wish| sink.wanted.element(wish));
        let is_sequence = self.is_sequence(&header, window)?;
        let undefined = header.length == UNDEFINED_LENGTH;
        if (is_sequence || undefined) && element.is_some_and(|element| element.has_value()) && self.once(Once::Items) {
            let message = "items stand here where the data dictionary (PS3.6) has a value";
            self.structural(FindingCode::WrongVr, message, header.size, sink);
        }
        if is_sequence {
            return self.begin_sequence(&header, wanted, false, window, sink);
        }
        let has_items = element.is_some_and(|element| element.has_items() || !element.takers.is_empty());
        if has_items
            && matches!(header.vr, None | Some([b'U', b'N']))
            && self.begins_item(window, header.size)?.is_some()
        {
            return self.begin_sequence(&header, wanted, true, window, sink);
        }
        if undefined {
            self.begin_fragments(&header);
            return Ok(());
        }
        self.leaf(&header, wanted, window, sink)
    }

    /// Whether what stands at top level may be not an element: out of order, without a VR that there is, or longer than what holds it.
    fn is_doubtful(&self, header: &ElementHeader, explicit: bool, limit: u64) -> bool {
        let last = self.data_set().and_then(|data_set| data_set.last_tag);
        let end = self.position.saturating_add(header.size).saturating_add(u64::from(header.length));
        last.is_some_and(|last| header.tag < last)
            || header.vr.map_or(explicit, |vr| !is_known_vr(vr))
            || header.tag >> 16 == 0xFFFF
            || (header.length != UNDEFINED_LENGTH && end > limit)
    }

    fn check_order(&mut self, header: &ElementHeader, explicit: bool, sink: &mut Sink<'_>) {
        if header.vr.is_none() && explicit {
            let message = "the element has no VR, though others of its data set do";
            self.structural(FindingCode::WrongVr, message, header.size, sink);
        } else if header.vr.is_some() && !explicit {
            let message = "the element has a VR, though others of its data set have none";
            self.structural(FindingCode::WrongVr, message, header.size, sink);
        }
        let last = self.data_set().and_then(|data_set| data_set.last_tag);
        if last.is_some_and(|last| header.tag <= last) {
            let message = "the element is not in ascending order of tags (PS3.5 7.1)";
            self.structural(FindingCode::OutOfOrder, message, header.size, sink);
        }
        if let Some(data_set) = self.data_set_mut() {
            data_set.last_tag = Some(header.tag);
        }
    }

    /// Whether what is to be read ends before this element of the top level.
    fn ends_header(&mut self, header: &ElementHeader) -> bool {
        if let Some(group) = self.only_group {
            return header.tag >> 16 != group || (self.once(Once::Meta) && self.ends_meta(header.tag));
        }
        let Some(keyword) = pixel_data_keyword(header.tag) else {
            return false;
        };
        self.pixel_data = Some(PixelData {
            keyword,
            tag_position: self.position,
            value_position: self.position.saturating_add(header.size),
            length: (header.length != UNDEFINED_LENGTH).then_some(header.length),
        });
        true
    }

    /// Whether an element of group 2 stands behind the meta: its length ends here, or its elements begin to come again.
    ///
    /// A length that leaves out the transfer syntax is wrong, and so is one that ends inside an element: then the group goes on. So does one
    /// without a transfer syntax.
    fn ends_meta(&mut self, tag: u32) -> bool {
        let last = self.data_set().and_then(|data_set| data_set.last_tag);
        let has_syntax = last.is_some_and(|last| last >= TRANSFER_SYNTAX_UID);
        let bit = 1 << (tag & 63);
        // The group's length comes first in it.
        let comes_again = last.is_some_and(|last| tag <= last) && (self.met & bit != 0 || tag & 0xFFFF == 0);
        let ends = self.ends_at_repeat && has_syntax && (self.group_end == Some(self.position) || comes_again);
        self.met |= bit;
        ends
    }

    fn wanted_element(&mut self, tag: u32, wish: crate::wanted::DataSetWish, sink: &Sink<'_>) -> Option<ElementWish> {
        let wanted = sink.wanted.data_set(wish);
        let data_set = self.data_set_mut()?;
        let found = wanted.element(tag, &mut data_set.near);
        if found.is_some() || tag & 0x10000 == 0 || !wanted.has_private() {
            return found;
        }
        let creator = data_set.creators.of(tag).map(|creator| creator.name.as_str());
        wanted.private_element(tag, creator)
    }

    /// Whether an element is a sequence: by its VR; of UN and in implicit VR by the dictionaries, or by what its value begins with.
    fn is_sequence(&self, header: &ElementHeader, window: &Window<'_>) -> Result<bool, Need> {
        let tag = header.tag;
        match header.vr {
            Some([b'S', b'Q']) => return Ok(true),
            None | Some([b'U', b'N']) => {}
            // A VR that is none says as little as UN.
            Some(vr) if !is_known_vr(vr) && header.size == 12 => {}
            Some(_) => return Ok(false),
        }
        if is_sequence_tag(tag) {
            return Ok(true);
        }
        if header.length == UNDEFINED_LENGTH {
            // PS3.5 6.2.2: UN of undefined length is a sequence in implicit VR. In implicit VR an unknown element may be one.
            return Ok(
                header.vr.is_some() || (!is_in_dictionary(tag) && self.begins_item(window, header.size)?.is_some())
            );
        }
        if tag & 0x10000 != 0 && header.length >= 8 {
            let creator = self.data_set().and_then(|data_set| data_set.creators.of(tag));
            return Ok(creator.and_then(|creator| creator.vr(tag)) == Some("SQ"));
        }
        Ok(false)
    }

    fn leaf(
        &mut self,
        header: &ElementHeader,
        wanted: Option<ElementWish>,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Need> {
        let (tag, length) = (header.tag, header.length);
        let size = header.size.saturating_add(u64::from(length));
        let limit = self.data_set().map_or(0, |data_set| data_set.limit);
        if self.position.saturating_add(size) > limit {
            self.value_too_long(header, window, sink);
            return Ok(());
        }
        if length & 1 != 0 && self.once(Once::Odd) {
            self.structural(FindingCode::OddLength, "the value's length is odd (PS3.5 7.1.1)", header.size, sink);
        }
        let is_creator = Creators::is_creator(tag) && length <= CREATOR_LIMIT;
        let value_position = self.position.saturating_add(header.size);
        let recorded = !self.paused
            && sink.recorder.as_deref().is_some_and(|recorder| recorder.wants(&self.seen(header, value_position)));
        let takers = self.takers_of_leaf(tag, wanted, sink);
        let mut value = None;
        if wanted.is_some() || is_creator || recorded || !takers.is_empty() {
            let bytes = window.reach(self.position, size)?;
            let (from, to) = (usize::try_from(header.size), usize::try_from(size));
            value = from.ok().zip(to.ok()).and_then(|(from, to)| bytes.get(from..to));
        }
        match self.pass(header.size, length, false, window)? {
            Passed::Yes => {}
            Passed::Short => {
                self.cut_short(window, sink);
                return Ok(());
            }
            Passed::Later(end) => {
                self.passing = Some(Passing::Skip { end, then: AfterSkip::Leaf(*header, value_position) });
                return Ok(());
            }
        }
        if let Some(value) = value {
            if is_creator && let Some(data_set) = self.data_set_mut() {
                data_set.creators.insert(tag, Creator::of(value));
            }
            if let Some(wish) = wanted.filter(|wish| sink.wanted.element(*wish).is_for_columns()) {
                self.keep(wish, header, value, value_position, sink);
            }
            if !takers.is_empty() {
                self.tell_around(takers, sink);
                let raw = self.raw(header, value, value_position, sink);
                let gathered: &Gathered = sink.gathered;
                sink.takers.tell(takers, |taker, rows| taker.leaf(&raw, gathered, rows));
            }
        }
        self.record(header, value, value_position, sink);
        Ok(())
    }

    fn keep(
        &mut self,
        wish: ElementWish,
        header: &ElementHeader,
        value: &[u8],
        value_position: u64,
        sink: &mut Sink<'_>,
    ) {
        let element = sink.wanted.element(wish);
        if element.has_items() && !value.is_empty() {
            let message = "a value stands here where the data dictionary (PS3.6) has items";
            self.structural_at(FindingCode::WrongVr, message, value_position, sink);
        }
        let raw = self.raw(header, value, value_position, sink);
        sink.gathered.keep(element, &raw);
    }

    /// A value with all that it takes to understand it.
    fn raw<'v>(
        &mut self,
        header: &ElementHeader,
        value: &'v [u8],
        value_position: u64,
        sink: &mut Sink<'_>,
    ) -> RawValue<'v> {
        let position = self.offset(value_position);
        let little = self.is_little(header);
        let context = self.context(sink.gathered);
        RawValue { tag: header.tag, vr: header.vr, value, position, little, context }
    }

    /// Whether the numbers of a value stand in little endian: those of UN do in every transfer syntax (PS3.5 6.2.2).
    fn is_little(&self, header: &ElementHeader) -> bool {
        header.vr == Some([b'U', b'N']) || self.data_set().is_none_or(|data_set| data_set.encoding.little)
    }

    /// The row takers that are told of a value.
    fn takers_of_leaf(&self, tag: u32, wanted: Option<ElementWish>, sink: &Sink<'_>) -> TakerSet {
        if self.is_top() {
            return wanted.map_or(TakerSet::NONE, |wish| sink.wanted.element(wish).takers);
        }
        match self.data_set() {
            Some(data_set) if !data_set.takers.is_empty() => sink.wanted.takers_of_leaf(tag).common(data_set.takers),
            _ => TakerSet::NONE,
        }
    }

    /// Tells the recorder of an element; `value` is None where it was passed over.
    pub(super) fn record(
        &self,
        header: &ElementHeader,
        value: Option<&[u8]>,
        value_position: u64,
        sink: &mut Sink<'_>,
    ) {
        if self.paused {
            return;
        }
        if let Some(recorder) = sink.recorder.as_deref_mut() {
            let little = self.is_little(header);
            let context = self.nearest_context();
            let gathered: &Gathered = sink.gathered;
            recorder.leaf(&self.seen(header, value_position), &SeenValue { bytes: value, little, context, gathered });
        }
    }
}
