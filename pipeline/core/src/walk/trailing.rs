//! Bytes behind the last element of a data set: padding, or what a transfer left there.
//!
//! They are told from a header that is cut short, and from damage with elements behind it, by looking whether anything in them can be an
//! element.

use super::{Sink, Walk};
use crate::element::{Encoding, has_known_vr, is_in_dictionary, item_header};
use crate::error::FindingCode;
use crate::found::{Finding, Level};
use crate::window::{Need, Window};

/// How many bytes are looked at.
const LOOKED_AT: u64 = 1 << 16;
/// Fewer bytes than these are not an element.
const SHORTEST_ELEMENT: usize = 8;

impl Walk {
    /// Ends the data set where only bytes follow that are not an element; answers whether that is so.
    ///
    /// To be asked at top level, where no sound element stands.
    pub(super) fn end_before_trailing(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> Result<bool, Need> {
        let Some((last, encoding)) = self.data_set().and_then(|top| Some((top.last_tag?, top.encoding))) else {
            return Ok(false);
        };
        if !self.is_top() || self.only_group.is_some() {
            return Ok(false);
        }
        let held = window.reach(self.position, LOOKED_AT)?;
        let most = usize::try_from(LOOKED_AT).unwrap_or(usize::MAX);
        let bytes = held.get(..most).unwrap_or(held);
        if bytes.is_empty() || !is_trailing(bytes, encoding, last, held.len() < most) {
            return Ok(false);
        }
        sink.found.add(Finding {
            level: Level::File,
            code: FindingCode::TrailingBytes.as_str(),
            message: "bytes that are not an element stand behind the last element (PS3.5 7.1)".into(),
            element_path: None,
            tag: None,
            byte_offset: self.offset(self.position),
            raw: None,
        });
        self.leave(sink);
        Ok(true)
    }
}

/// Whether the bytes behind the element `last` are filling or text, and nothing in them is an element; others may be one that was damaged.
/// `ended` says that no others follow.
fn is_trailing(bytes: &[u8], encoding: Encoding, last: u32, ended: bool) -> bool {
    let is_uniform = bytes.iter().all(|byte| Some(byte) == bytes.first());
    let is_line_end = ended && bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
    if is_uniform || is_line_end || !ended {
        return is_uniform || is_line_end;
    }
    if bytes.len() < SHORTEST_ELEMENT {
        let is_text = bytes.iter().all(|byte| is_filling(*byte) && *byte != 0);
        return is_text || !is_cut_header(bytes, encoding, last);
    }
    if !bytes.iter().copied().all(is_filling) {
        return false;
    }
    let begins = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        is_element(rest, encoding, if at == 0 { None } else { Some(last) })
    };
    !(0..bytes.len().saturating_sub(7)).any(begins)
}

/// Whether padding or text is made of a byte.
const fn is_filling(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\r' | 0x1A | b' '..=b'~' | 0xFF)
}

/// Whether the bytes are the beginning of an element's header, which a cut left.
fn is_cut_header(bytes: &[u8], encoding: Encoding, last: u32) -> bool {
    let join = |low: u8, high: u8| {
        if encoding.little { u16::from_le_bytes([low, high]) } else { u16::from_be_bytes([low, high]) }
    };
    let is_group = |group: u16| u32::from(group) >= last >> 16 && matches!(group, 0x0008..=0x7FE1 | 0xFFFC);
    match *bytes {
        [a, b] | [a, b, _] => is_group(join(a, b)),
        [a, b, c, d, ref rest @ ..] => {
            let tag = u32::from(join(a, b)) << 16 | u32::from(join(c, d));
            let has_vr = rest.len() < 2 || has_known_vr(bytes) == encoding.explicit;
            tag > last && is_group(join(a, b)) && has_vr && (tag & 0x10000 != 0 || is_in_dictionary(tag))
        }
        _ => false,
    }
}

/// Whether an element stands here, whole or cut short; `last` where it must come behind that one.
fn is_element(bytes: &[u8], encoding: Encoding, last: Option<u32>) -> bool {
    let Some((tag, length)) = item_header(bytes, encoding.little) else {
        return false;
    };
    if tag >> 16 < 0x0008 || last.is_some_and(|last| tag <= last) {
        return false;
    }
    if has_known_vr(bytes) {
        return is_in_dictionary(tag) || tag & 0x10000 != 0;
    }
    is_in_dictionary(tag) && (!encoding.explicit || u64::from(length).saturating_add(8) <= bytes.len() as u64)
}
