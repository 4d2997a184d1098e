//! Ways past what is not gathered: large values, elements of undefined length that are not sequences, and nesting that is too deep.
//!
//! None needs memory that grows with the file; each can stop for lack of bytes and go on where it stood.

use super::{NESTING_LIMIT, Sink, Walk};
use crate::digest::LARGE_VALUE;
use crate::element::{
    ElementHeader, Encoding, ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, UNDEFINED_LENGTH, item_header,
};
use crate::error::FileCode;
use crate::window::{Need, Window};

/// A store takes longer to send more bytes than these than to be asked once more (`drive::REQUEST_BYTES`).
const LONG_VALUE: u32 = 128 << 10;

/// Whether a value was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// The walk stands after it.
    Yes,
    /// The stream ends before it does; the walk stands where it stood.
    Short,
    /// It is skipped up to this position, but whether the stream goes that far is not known yet.
    Later(u64),
}

/// The thing being passed, where that takes more than one step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Passing {
    /// A large value of a stream whose size is not known.
    Skip { end: u64, then: AfterSkip },
    /// Fragments in items up to the delimitation (PS3.5 A.4), of the element whose header and value position these are.
    Fragments(ElementHeader, u64),
    /// Bytes without items, up to the next delimitation.
    ToDelimitation(ElementHeader, u64),
    /// The items of a sequence that is nested too deep.
    Deep { open_levels: u64 },
    /// Bytes that make no sense, up to the end of a container.
    Recovery,
}

/// A value that is skipped.
#[derive(Clone, Copy, Debug)]
pub(super) enum AfterSkip {
    /// A leaf, with the position of its value.
    Leaf(ElementHeader, u64),
    /// A fragment of an element.
    Fragment(ElementHeader, u64),
    /// A stray item.
    Stray,
    /// A sequence that is nested too deep and said its length.
    DeepSequence,
    /// Something that said its length inside a sequence that is nested too deep.
    Deep { open_levels: u64 },
}

/// The message where a stray item has no end.
pub(super) const STRAY_WITHOUT_END: &str = "an item outside a sequence goes on past the end of the file";
const DEEP_WITHOUT_END: &str = "what is nested too deep has no end";

impl Walk {
    /// Moves past an element; a large value is skipped by position. `opaque` leaves the value out of the digest whatever its length.
    pub(super) fn pass(
        &mut self,
        header_size: u64,
        length: u32,
        opaque: bool,
        window: &Window<'_>,
    ) -> Result<Passed, Need> {
        let value = self.position.saturating_add(header_size);
        let end = value.saturating_add(u64::from(length));
        if length <= LARGE_VALUE && !opaque {
            let size = end.saturating_sub(self.position);
            if (window.reach(self.position, size)?.len() as u64) < size {
                return Ok(Passed::Short);
            }
            self.position = end;
            return Ok(Passed::Yes);
        }
        if window.size.is_some_and(|size| end > size) {
            return Ok(Passed::Short);
        }
        self.digest.cover(window.bytes, window.start, value);
        self.digest.leave_out(end);
        self.first_skip.get_or_insert(value);
        if length > LONG_VALUE {
            self.first_long_skip.get_or_insert(value);
        }
        if window.size.is_none() && length > 0 && end > window.held_to() {
            return Ok(if window.end.is_some() { Passed::Short } else { Passed::Later(end) });
        }
        self.position = end;
        Ok(Passed::Yes)
    }

    pub(super) fn go_on_passing(
        &mut self,
        passing: Passing,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Need> {
        match passing {
            Passing::Skip { end, then } => {
                let there = !window.reach(end.saturating_sub(1), 1)?.is_empty();
                self.passing = None;
                if there {
                    self.position = end;
                }
                self.after_skip(then, there, window, sink);
            }
            Passing::Fragments(header, value_position) => self.fragment(header, value_position, window, sink)?,
            Passing::ToDelimitation(header, value_position) => {
                self.pass_to_delimitation(header, value_position, window, sink)?;
            }
            Passing::Deep { open_levels } => self.deep(open_levels, window, sink)?,
            Passing::Recovery => self.go_on_recovering(window, sink)?,
        }
        Ok(())
    }

    fn after_skip(&mut self, then: AfterSkip, there: bool, window: &Window<'_>, sink: &mut Sink<'_>) {
        match (then, there) {
            (AfterSkip::Leaf(header, value_position), true) => self.record(&header, None, value_position, sink),
            (AfterSkip::Fragment(header, value_position), true) => {
                self.passing = Some(Passing::Fragments(header, value_position));
            }
            (AfterSkip::Deep { open_levels }, true) => self.passing = Some(Passing::Deep { open_levels }),
            (AfterSkip::Stray | AfterSkip::DeepSequence, true) => {}
            (AfterSkip::Leaf(..) | AfterSkip::Fragment(..) | AfterSkip::DeepSequence, false) => {
                self.cut_short(window, sink);
            }
            (AfterSkip::Stray, false) => self.stop_reading(FileCode::CorruptElement, STRAY_WITHOUT_END, sink),
            (AfterSkip::Deep { .. }, false) => self.recover(DEEP_WITHOUT_END, sink),
        }
    }

    /// Begins to pass an element of undefined length that is not a sequence; its header is held.
    pub(super) fn begin_fragments(&mut self, header: &ElementHeader) {
        self.position = self.position.saturating_add(header.size);
        self.passing = Some(Passing::Fragments(*header, self.position));
    }

    fn encoding(&self) -> Encoding {
        self.data_set().map_or(Encoding::EXPLICIT_LITTLE, |data_set| data_set.encoding)
    }

    /// Passes one fragment, or the delimitation after the last one.
    fn fragment(
        &mut self,
        header: ElementHeader,
        value_position: u64,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Need> {
        let bytes = window.reach(self.position, 8)?;
        let Some((tag, length)) = item_header(bytes, self.encoding().little) else {
            self.cut_short(window, sink);
            return Ok(());
        };
        if tag == SEQUENCE_DELIMITATION {
            self.position = self.position.saturating_add(8);
            self.passing = None;
            self.record(&header, None, value_position, sink);
        } else if tag != ITEM || length == UNDEFINED_LENGTH {
            self.passing = Some(Passing::ToDelimitation(header, value_position));
        } else {
            match self.pass(8, length, false, window)? {
                Passed::Yes => {}
                Passed::Short => self.cut_short(window, sink),
                Passed::Later(end) => {
                    self.passing = Some(Passing::Skip { end, then: AfterSkip::Fragment(header, value_position) });
                }
            }
        }
        Ok(())
    }

    /// Looks for the next delimitation, where an element of undefined length holds no items, against PS3.5 7.5 and A.4.
    fn pass_to_delimitation(
        &mut self,
        header: ElementHeader,
        value_position: u64,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Need> {
        let bytes = window.reach(self.position, 8)?;
        if bytes.len() < 8 {
            self.cut_short(window, sink);
            return Ok(());
        }
        let mark: [u8; 4] = if self.encoding().little { [0xFE, 0xFF, 0xDD, 0xE0] } else { [0xFF, 0xFE, 0xE0, 0xDD] };
        let found = bytes.windows(4).position(|four| four == mark).map(|at| at.saturating_add(8));
        if let Some(behind) = found.filter(|behind| *behind <= bytes.len()) {
            self.position = self.position.saturating_add(behind as u64);
            self.passing = None;
            self.record(&header, None, value_position, sink);
        } else {
            // The mark may begin in the last bytes held: these are looked at again with those that follow.
            self.position = self.position.saturating_add(bytes.len().saturating_sub(7) as u64);
        }
        Ok(())
    }

    /// Begins to pass a sequence that is nested too deep.
    pub(super) fn pass_deep(
        &mut self,
        header: &ElementHeader,
        limit: u64,
        window: &Window<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Need> {
        let message = format!("sequences are nested deeper than {}", NESTING_LIMIT);
        self.defect(FileCode::NestingTooDeep, message, sink);
        if header.length == UNDEFINED_LENGTH {
            self.position = self.position.saturating_add(header.size);
            self.passing = Some(Passing::Deep { open_levels: 1 });
            return Ok(());
        }
        let end = self.position.saturating_add(header.size).saturating_add(u64::from(header.length));
        if end > limit {
            self.value_too_long(header, window, sink);
            return Ok(());
        }
        match self.pass(header.size, header.length, true, window)? {
            Passed::Yes => {}
            Passed::Short => self.cut_short(window, sink),
            Passed::Later(end) => self.passing = Some(Passing::Skip { end, then: AfterSkip::DeepSequence }),
        }
        Ok(())
    }

    /// Passes one element, item or delimitation of what is nested too deep, however deep it goes on.
    ///
    /// An element with a length is skipped by it. So only undefined lengths nest, a sequence and an item by turns, and a number is stack enough:
    /// odd inside a sequence, even inside an item.
    fn deep(&mut self, open_levels: u64, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<(), Need> {
        let Some(header) = self.header(window, self.encoding())? else {
            self.recover(DEEP_WITHOUT_END, sink);
            return Ok(());
        };
        let in_item = open_levels & 1 == 0;
        let mut left = open_levels;
        match header.tag {
            SEQUENCE_DELIMITATION => {
                self.position = self.position.saturating_add(8);
                left = left.saturating_sub(if in_item { 2 } else { 1 });
            }
            ITEM_DELIMITATION => {
                self.position = self.position.saturating_add(8);
                left = left.saturating_sub(u64::from(in_item));
            }
            ITEM if in_item => left = left.saturating_sub(1),
            tag if !in_item && tag != ITEM => {
                self.recover(DEEP_WITHOUT_END, sink);
                return Ok(());
            }
            _ if header.length == UNDEFINED_LENGTH => {
                self.position = self.position.saturating_add(header.size);
                left = left.saturating_add(1);
            }
            _ => match self.pass(header.size, header.length, false, window)? {
                Passed::Yes => {}
                Passed::Short => {
                    self.recover(DEEP_WITHOUT_END, sink);
                    return Ok(());
                }
                Passed::Later(end) => {
                    self.passing = Some(Passing::Skip { end, then: AfterSkip::Deep { open_levels } });
                    return Ok(());
                }
            },
        }
        self.passing = (left > 0).then_some(Passing::Deep { open_levels: left });
        Ok(())
    }
}
