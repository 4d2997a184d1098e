//! Recovery, where bytes stop making sense, or stop.

use super::level::{Level, SequenceOfItems};
use super::passing::Passing;
use super::{Sink, Walk};
use crate::element::{
    ElementHeader, Encoding, ITEM, SEQUENCE_DELIMITATION, is_in_dictionary, is_known_vr, item_header,
};
use crate::error::FileCode;
use crate::window::{Need, Window};

const TRUNCATED: &str = "the file ends inside the header";

impl Walk {
    /// The stream ends inside an element.
    pub(super) fn cut_short(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) {
        let code = window.ending().shortage;
        let message = if code == FileCode::CorruptDeflate {
            "the deflated data set can't be inflated further"
        } else {
            TRUNCATED
        };
        self.stop_reading(code, message, sink);
    }

    /// Something claims bytes beyond where the stream can have any. How the stream really ends is not asked: as far as a deflated one has
    /// been inflated depends on how many bytes came at a time.
    fn claims_too_much(&mut self, sink: &mut Sink<'_>) {
        self.stop_reading(FileCode::Truncated, TRUNCATED, sink);
    }

    /// Fewer bytes are left than an element's header has.
    pub(super) fn header_cut_short(&mut self, room: u64, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<(), Need> {
        let held = window.reach(self.position, 12)?.len().min(12) as u64;
        let limit = self.data_set().map_or(0, |data_set| data_set.limit);
        if held >= room && !window.ends_before(limit) {
            self.recover("bytes are left over that are not an element", sink);
        } else if held == 0 && self.is_top() && window.ending().whole {
            self.leave(sink);
        } else if held >= room {
            self.claims_too_much(sink);
        } else {
            self.cut_short(window, sink);
        }
        Ok(())
    }

    /// A value goes on past the end of what holds it.
    pub(super) fn value_too_long(&mut self, header: &ElementHeader, window: &Window<'_>, sink: &mut Sink<'_>) {
        let (limit, encoding) =
            self.data_set().map_or((0, Encoding::EXPLICIT_LITTLE), |data_set| (data_set.limit, data_set.encoding));
        if !window.ends_before(limit) {
            self.recover("the value is longer than what holds it", sink);
        } else if is_plausible(header, encoding) {
            self.claims_too_much(sink);
        } else {
            self.recover("bytes that are not an element", sink);
        }
    }

    /// Passes over what makes no sense, to the end of the nearest container that said its length, if that is in the file.
    pub(super) fn recover(&mut self, message: &'static str, sink: &mut Sink<'_>) {
        self.defect(FileCode::CorruptElement, message, sink);
        self.passing = Some(Passing::Recovery);
    }

    /// Leaves levels up to one whose end can be trusted, and goes on there.
    pub(super) fn go_on_recovering(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<(), Need> {
        loop {
            let (limit, defined, is_item) = match self.levels.last() {
                None => break,
                Some(Level::DataSet(data_set)) => (data_set.limit, data_set.defined, true),
                Some(Level::Sequence(sequence)) => (sequence.limit, sequence.defined, false),
            };
            // Never back: what passes elements of undefined length does not see where what holds them ends.
            let ahead = limit >= self.position && window.size.is_some_and(|size| limit <= size);
            if defined && ahead && !self.is_top() {
                self.digest.cover(window.bytes, window.start, self.position);
                self.digest.leave_out(limit);
                self.position = limit;
                if !is_item || self.item_ends_well(window)? {
                    self.leave(sink);
                    break;
                }
            }
            self.leave(sink);
        }
        self.passing = None;
        Ok(())
    }

    /// Whether an item's length can be trusted: what follows it is an item, or the end of its sequence.
    fn item_ends_well(&self, window: &Window<'_>) -> Result<bool, Need> {
        let [.., Level::Sequence(SequenceOfItems { limit, encoding, .. }), Level::DataSet(_)] = self.levels.as_slice()
        else {
            return Ok(true);
        };
        if self.position >= *limit {
            return Ok(true);
        }
        let follows = item_header(window.reach(self.position, 8)?, encoding.little);
        Ok(matches!(follows, Some((ITEM | SEQUENCE_DELIMITATION, _))))
    }
}

/// Whether an element that goes on past the end of the file is one: then the file is cut short, else its bytes are corrupt.
fn is_plausible(header: &ElementHeader, encoding: Encoding) -> bool {
    if encoding.explicit {
        return header.vr.is_some_and(is_known_vr);
    }
    header.tag & 0x10000 != 0 || is_in_dictionary(header.tag)
}
