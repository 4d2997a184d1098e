//! The kind of a file by its first bytes, whatever its name says (PS3.10 7.1).

use crate::element::{Encoding, Forms, UNDEFINED_LENGTH, element_header, is_in_dictionary, is_known_vr};
use crate::walk::pixel_data_keyword;

const PREFIX: &[u8] = b"DICM";
const ELEMENTS_LOOKED_AT: u32 = 4;

/// How many bytes are looked at. No first read is shorter, so what a file is taken for does not depend on how much of it was read.
pub const BYTES_LOOKED_AT: u64 = 256;

/// Where the first element of a DICOM file stands, and whether preamble and prefix stand before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Of the first element.
    pub position: u64,
    /// Preamble and prefix.
    pub has_preamble: bool,
}

/// Recognises a DICOM file of `size` bytes by its first ones; None where it is none.
#[must_use]
pub fn recognise(bytes: &[u8], size: Option<u64>) -> Option<Recognised> {
    let most = usize::try_from(BYTES_LOOKED_AT).unwrap_or(usize::MAX);
    let bytes = bytes.get(..most).unwrap_or(bytes);
    let behind_preamble = bytes.get(128..).unwrap_or_default();
    if behind_preamble.starts_with(PREFIX) {
        let behind_prefix = bytes.get(132..).unwrap_or_default();
        // The prefix may be part of a value that lies there by chance, in a file without preamble.
        if !is_meta(behind_prefix) && (is_meta(bytes) || is_data_set_in_any(bytes, size)) {
            return Some(Recognised { position: 0, has_preamble: false });
        }
        return Some(Recognised { position: 132, has_preamble: true });
    }
    if bytes.starts_with(PREFIX) && is_meta(bytes.get(132..).unwrap_or_default()) {
        return Some(Recognised { position: 132, has_preamble: false });
    }
    if let Some(behind_prefix) = bytes.strip_prefix(PREFIX)
        && (is_meta(behind_prefix) || is_data_set_in_any(behind_prefix, size.map(|size| size.saturating_sub(4))))
    {
        return Some(Recognised { position: 4, has_preamble: false });
    }
    // 128: a preamble without its prefix.
    for (position, bytes) in [(0, bytes), (128, behind_preamble)] {
        if is_meta(bytes) {
            return Some(Recognised { position, has_preamble: false });
        }
    }
    is_data_set_in_any(bytes, size).then_some(Recognised { position: 0, has_preamble: false })
}

fn is_data_set_in_any(bytes: &[u8], size: Option<u64>) -> bool {
    let encodings = [Encoding::EXPLICIT_LITTLE, Encoding::IMPLICIT_LITTLE, Encoding::EXPLICIT_BIG];
    encodings.into_iter().any(|encoding| is_data_set(bytes, encoding, size)) || is_mixed_data_set(bytes, size)
}

/// Likewise where some elements have their VR, and others do not.
fn is_mixed_data_set(bytes: &[u8], size: Option<u64>) -> bool {
    let begins = matches!(bytes, [0 | 4 | 8, 0, ..]);
    let forms = Forms::of(bytes, true, size);
    begins && forms.explicit.saturating_add(forms.implicit) >= ELEMENTS_LOOKED_AT
}

/// Whether a file meta group begins here: group 2 in little endian, an element that there is, with its VR (or without).
fn is_meta(bytes: &[u8]) -> bool {
    let Some(header) = element_header(bytes, Encoding::EXPLICIT_LITTLE) else {
        return false;
    };
    if header.tag >> 16 != 2 || header.length > 1024 * 1024 {
        return false;
    }
    header.vr.is_some_and(is_known_vr) || is_in_dictionary(header.tag)
}

/// Whether a data set without meta begins the file: its first elements are in order, in the dictionary, and fit.
///
/// One element is not enough, since a text file may look like one; the group of the first must be one that data sets begin with.
fn is_data_set(bytes: &[u8], encoding: Encoding, size: Option<u64>) -> bool {
    let mut at: u64 = 0;
    let mut last: Option<u32> = None;
    let mut looked_at: u32 = 0;
    while looked_at < ELEMENTS_LOOKED_AT {
        let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        let Some(header) = element_header(rest, encoding) else {
            break;
        };
        let tag = header.tag;
        if looked_at == 0 && !matches!(tag >> 16, 0x0000 | 0x0004 | 0x0008) {
            return false;
        }
        if pixel_data_keyword(tag).is_some() {
            break;
        }
        let known = tag & 0x10000 != 0 || tag & 0xFFFF == 0 || is_in_dictionary(tag);
        if last.is_some_and(|last| tag <= last) || !known || (encoding.explicit && !header.vr.is_some_and(is_known_vr))
        {
            return false;
        }
        if !encoding.explicit && matches!(rest, [_, _, _, _, a, b, ..] if is_known_vr([*a, *b])) {
            return false;
        }
        looked_at = looked_at.saturating_add(1);
        last = Some(tag);
        if header.length == UNDEFINED_LENGTH {
            break;
        }
        at = at.saturating_add(header.size).saturating_add(u64::from(header.length));
        if size.is_some_and(|size| at > size) {
            return looked_at > 1; // cut short; but a first element that does not fit is none
        }
    }
    looked_at > 1 || (looked_at == 1 && (encoding.explicit || Some(at) == size))
}
