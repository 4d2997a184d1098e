//! The header of one data element: tag, VR and length (PS3.5 7.1), in whichever of the encodings it stands.
//!
//! This is the one place that knows how bytes become an element, and what to make of VR bytes that are none.

use crate::dictionary::{entry_of_tag, is_public_tag};
use crate::vr::{Letters, Vr};

/// A length that says that a delimitation ends the value (PS3.5 7.5).
pub const UNDEFINED_LENGTH: u32 = 0xFFFF_FFFF;
/// The tag of an item.
pub const ITEM: u32 = 0xFFFE_E000;
/// The tag of an item delimitation.
pub const ITEM_DELIMITATION: u32 = 0xFFFE_E00D;
/// The tag of a sequence delimitation.
pub const SEQUENCE_DELIMITATION: u32 = 0xFFFE_E0DD;

/// How the elements of a data set stand: with their VR or without, and in which byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// With their VR.
    pub explicit: bool,
    /// In little endian.
    pub little: bool,
}

impl Encoding {
    /// Explicit VR little endian.
    pub const EXPLICIT_LITTLE: Self = Self { explicit: true, little: true };
    /// Explicit VR big endian.
    pub const EXPLICIT_BIG: Self = Self { explicit: true, little: false };
    /// Implicit VR little endian.
    pub const IMPLICIT_LITTLE: Self = Self { explicit: false, little: true };
}

/// An element up to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementHeader {
    /// Group in the high half, element number in the low one.
    pub tag: u32,
    /// None where the file says none.
    pub vr: Option<Letters>,
    /// Of the value; may be [`UNDEFINED_LENGTH`].
    pub length: u32,
    /// Bytes before the value: 8 or 12.
    pub size: u64,
}

/// Whether PS3.5 6.2 has a VR.
#[must_use]
#[inline]
pub fn is_known_vr(letters: Letters) -> bool {
    Vr::of(letters).is_some()
}

/// Whether the element at the beginning of `bytes` has a VR that PS3.5 has.
#[must_use]
pub fn has_known_vr(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, _, _, a, b, ..] if is_known_vr([*a, *b]))
}

const fn number_16(bytes: [u8; 2], little: bool) -> u16 {
    if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
}

const fn number_32(bytes: [u8; 4], little: bool) -> u32 {
    if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
}

const fn tag_of(bytes: [u8; 4], little: bool) -> u32 {
    let [a, b, c, d] = bytes;
    if little { u32::from_le_bytes([c, d, a, b]) } else { u32::from_be_bytes(bytes) }
}

/// Tag and length of what stands at the beginning of `bytes`: items and delimitations have no VR (PS3.5 7.5).
#[must_use]
pub fn item_header(bytes: &[u8], little: bool) -> Option<(u32, u32)> {
    let [a, b, c, d, e, f, g, h] = *bytes.first_chunk::<8>()?;
    Some((tag_of([a, b, c, d], little), number_32([e, f, g, h], little)))
}

/// The header of the element at the beginning of `bytes`; None where there are fewer bytes than it has (8, or 12).
///
/// A VR that PS3.5 does not have is answered as it stands, with a length of 16 bits behind it; see [`without_known_vr`].
#[must_use]
#[inline]
pub fn element_header(bytes: &[u8], encoding: Encoding) -> Option<ElementHeader> {
    let [a, b, c, d, e, f, g, h] = *bytes.first_chunk::<8>()?;
    let little = encoding.little;
    let tag = tag_of([a, b, c, d], little);
    if !encoding.explicit || tag >> 16 == 0xFFFE {
        return Some(ElementHeader { tag, vr: None, length: number_32([e, f, g, h], little), size: 8 });
    }
    let vr = [e, f];
    if Vr::of(vr).is_some_and(Vr::has_long_length) {
        let [.., i, j, k, l] = *bytes.first_chunk::<12>()?;
        return Some(ElementHeader { tag, vr: Some(vr), length: number_32([i, j, k, l], little), size: 12 });
    }
    Some(ElementHeader { tag, vr: Some(vr), length: u32::from(number_16([g, h], little)), size: 8 })
}

/// Whether a length of implicit VR begins with two bytes that are the letters of a VR.
#[must_use]
pub fn begins_with_vr(length: u32, little: bool) -> bool {
    let [a, b, _, _] = if little { length.to_le_bytes() } else { length.to_be_bytes() };
    is_known_vr([a, b])
}

/// How many bytes [`without_known_vr`] looks at: the longest element with a length of 16 bits, and the beginning of the next.
pub const UNKNOWN_VR_LOOKED_AT: u64 = 8 + 0xFFFF + 8;

/// Makes out an element of explicit VR whose VR is none that PS3.5 has.
///
/// Two letters are a VR of a later edition or a wrong one; other bytes mostly are part of a length, since some writers switch to implicit
/// VR inside an explicit data set (private sequences above all), and sometimes damage. The form is the first after which an element stands,
/// or nothing more; where none is, letters mean a length of 16 bits and other bytes no VR.
///
/// `bytes` begin with the element and are at most [`UNKNOWN_VR_LOOKED_AT`]; `ended` says that nothing follows them.
#[must_use]
pub fn without_known_vr(bytes: &[u8], encoding: Encoding, ended: bool) -> Option<ElementHeader> {
    let little = encoding.little;
    let [.., e, f, g, h] = *bytes.first_chunk::<8>()?;
    let (tag, implicit) = item_header(bytes, little)?;
    let vr = [e, f];
    let short = ElementHeader { tag, vr: Some(vr), length: u32::from(number_16([g, h], little)), size: 8 };
    let long = bytes.first_chunk::<12>().map(|[.., i, j, k, l]| ElementHeader {
        tag,
        vr: Some(vr),
        length: number_32([*i, *j, *k, *l], little),
        size: 12,
    });
    let without = ElementHeader { tag, vr: None, length: implicit, size: 8 };
    let letters = e.is_ascii_uppercase() && f.is_ascii_uppercase();
    // A sequence that does not say its length begins with an item, or ends.
    let holds_items = |form: &ElementHeader| {
        let behind = usize::try_from(form.size).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        form.length == UNDEFINED_LENGTH
            && matches!(item_header(behind, little), Some((ITEM | SEQUENCE_DELIMITATION, _)))
    };
    if let Some(long) = long.filter(holds_items) {
        return Some(long);
    }
    let forms = if letters { [Some(short), long, Some(without)] } else { [Some(without), Some(short), long] };
    let found = forms.into_iter().flatten().find(|form| {
        let behind = form.size.saturating_add(u64::from(form.length));
        let held = bytes.len() as u64;
        (ended && behind == held) || (behind.saturating_add(8) <= held && may_follow(bytes, behind, tag, encoding))
    });
    found.or(Some(if letters { short } else { without }))
}

/// Makes out an element of implicit VR whose length begins with the letters of a VR: some writers leave explicit VR in parts of an implicit
/// data set.
///
/// It has its VR where an element stands behind that form, or nothing more; else the letters are part of a length. `bytes` begin with the
/// element and are at most [`UNKNOWN_VR_LOOKED_AT`]; `ended` says that nothing follows them.
#[must_use]
pub fn with_stray_vr(bytes: &[u8], little: bool, ended: bool) -> Option<ElementHeader> {
    let explicit = Encoding { explicit: true, little };
    let form = element_header(bytes, explicit)?;
    let value = bytes.get(usize::try_from(form.size).ok()?..).unwrap_or_default();
    let is_item = matches!(item_header(value, little), Some((ITEM, _)));
    if form.length == UNDEFINED_LENGTH {
        let is_end = matches!(item_header(value, little), Some((SEQUENCE_DELIMITATION, _)));
        return (is_item || is_end).then_some(form);
    }
    let held = bytes.len() as u64;
    let is_followed = |behind: u64| {
        (ended && behind == held) || (behind.saturating_add(8) <= held && may_follow(bytes, behind, form.tag, explicit))
    };
    // What looks like a VR is a length where an element stands behind a value so long.
    if item_header(bytes, little).is_some_and(|(_, length)| is_followed(u64::from(length).saturating_add(8))) {
        return None;
    }
    let behind = form.size.saturating_add(u64::from(form.length));
    let stands = is_followed(behind)
        || (form.vr == Some([b'S', b'Q']) && is_item && matches!(bytes, [_, _, _, _, _, _, 0, 0, ..]))
        // A value that is longer than what is looked at: the letters are a VR that can be so long, with its two reserved bytes.
        || (behind > held && form.size == 12 && matches!(bytes, [_, _, _, _, _, _, 0, 0, ..]));
    stands.then_some(form)
}

fn may_follow(bytes: &[u8], behind: u64, tag: u32, encoding: Encoding) -> bool {
    let rest = usize::try_from(behind).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let Some((follows, _)) = item_header(rest, encoding.little) else {
        return false;
    };
    if follows >> 16 == 0xFFFE {
        return matches!(follows, ITEM | ITEM_DELIMITATION | SEQUENCE_DELIMITATION);
    }
    let has_vr = has_known_vr(rest);
    if follows & 0x10000 != 0 {
        return has_vr;
    }
    // Without a VR too: the data set behind group 2 may stand in implicit VR.
    is_public_tag(follows) && (has_vr || follows > tag)
}

/// Whether `bytes` can well begin with the first element of a data set in this encoding; `room` is what is left of the stream from there.
#[must_use]
pub fn looks_like_element(bytes: &[u8], encoding: Encoding, room: Option<u64>) -> bool {
    let Some(header) = element_header(bytes, encoding) else {
        return false;
    };
    if !may_begin_a_data_set(header.tag) {
        return false;
    }
    if encoding.explicit && !header.vr.is_some_and(is_known_vr) {
        return false;
    }
    if !encoding.explicit && has_known_vr(bytes) {
        return false;
    }
    header.length == UNDEFINED_LENGTH
        || room.is_none_or(|room| header.size.saturating_add(u64::from(header.length)) <= room)
}

fn may_begin_a_data_set(tag: u32) -> bool {
    // Groups 0000 (command), 0002 (meta), 0004 (DICOMDIR), 0008 and up; data sets without 0008 begin at 0010 or 0020 or so. A wrong
    // byte order shows as a group of 0x0800 and up.
    let group = tag >> 16;
    matches!(group, 0x0000 | 0x0002 | 0x0004 | 0x0008..=0x00FF) || is_public_tag(tag)
}

/// Whether an element stands in the data dictionary (PS3.6), repeating groups included.
#[must_use]
pub fn is_in_dictionary(tag: u32) -> bool {
    entry_of_tag(tag).is_some()
}

/// How many elements are looked at to see whether they have VRs.
const ELEMENTS_LOOKED_AT: u32 = 16;

/// How many elements at the beginning of a data set have their VR, and how many have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    /// With a VR that PS3.5 has.
    pub explicit: u32,
    /// Without.
    pub implicit: u32,
    /// With bytes in place of the VR that are none.
    pub damaged: u32,
}

/// How well a form fits what stands behind the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Something else stands there, or the element is longer than what holds it.
    None,
    /// It lies beyond what is held.
    Unseen,
    /// Another element, or the end.
    Seen,
}

impl Forms {
    /// Counts them along `bytes`, in tag order, up to the first place at which nothing makes sense. `room` is what is left of what holds
    /// the data set. An element in neither form is stepped over where another stands behind it.
    #[must_use]
    pub fn of(bytes: &[u8], little: bool, room: Option<u64>) -> Self {
        let mut forms = Self::default();
        let mut at: u64 = 0;
        let mut last: Option<u32> = None;
        for _ in 0..ELEMENTS_LOOKED_AT {
            let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
            let room = room.map(|room| room.saturating_sub(at));
            let Some((tag, length)) = item_header(rest, little) else {
                break;
            };
            let is_element = may_begin_a_data_set(tag) || tag & 0x10000 != 0;
            if tag >> 16 == 0xFFFE || !is_element || last.is_some_and(|last| tag <= last) {
                break;
            }
            last = Some(tag);
            let fit = |form: &ElementHeader| {
                let behind = form.size.saturating_add(u64::from(form.length));
                if form.length == UNDEFINED_LENGTH || room == Some(behind) {
                    Fit::Seen
                } else if room.is_some_and(|room| behind > room) {
                    Fit::None
                } else if behind.saturating_add(8) > rest.len() as u64 {
                    Fit::Unseen
                } else if may_follow(rest, behind, tag, Encoding { explicit: true, little }) {
                    Fit::Seen
                } else {
                    Fit::None
                }
            };
            let ended = room == Some(rest.len() as u64);
            let explicit = element_header(rest, Encoding { explicit: true, little }).filter(|_| has_known_vr(rest));
            let implicit = ElementHeader { tag, vr: None, length, size: 8 };
            let damaged = without_known_vr(rest, Encoding { explicit: true, little }, ended).filter(|form| {
                // Without a value and without anything behind it, it may as well be the head of an element that is cut.
                form.vr.is_some() && !(ended && form.length == 0)
            });
            let damaged_fit = damaged.as_ref().map_or(Fit::None, fit);
            // A length that takes more than 16 bits may as well be a VR that is none and a length of 16 bits.
            let is_doubtful = length > 0xFFFF && length != UNDEFINED_LENGTH;
            let header = if let Some(header) = explicit.filter(|form| fit(form) != Fit::None) {
                forms.explicit = forms.explicit.saturating_add(1);
                header
            } else if fit(&implicit) == Fit::Seen
                || (fit(&implicit) == Fit::Unseen && damaged_fit != Fit::Seen && !is_doubtful)
            {
                forms.implicit = forms.implicit.saturating_add(1);
                implicit
            } else if let Some(header) = damaged.filter(|_| damaged_fit != Fit::None) {
                forms.damaged = forms.damaged.saturating_add(1);
                header
            } else if fit(&implicit) == Fit::Unseen {
                forms.implicit = forms.implicit.saturating_add(1);
                implicit
            } else {
                forms.damaged = forms.damaged.saturating_add(u32::from(is_doubtful));
                break;
            };
            if header.length == UNDEFINED_LENGTH {
                break;
            }
            at = at.saturating_add(header.size).saturating_add(u64::from(header.length));
        }
        forms
    }
}

/// How many bytes of an item are looked at, where its first element does not say how its elements stand.
pub const ITEM_LOOKED_AT: u64 = 512;

/// How an item's elements stand, by the bytes of the first: inside explicit VR some sequences (UN, private ones) hold implicit VR
/// (PS3.5 6.2.2 note 2), and some writers leave explicit VR inside implicit. None where the first element alone does not say it: then the
/// next ones do, see [`encoding_by_elements`].
#[must_use]
pub fn encoding_of_item(bytes: &[u8], encoding: Encoding) -> Option<Encoding> {
    let [a, b, _, _, e, f, ..] = *bytes else {
        return Some(encoding);
    };
    let delimits = matches!([a, b], [0xFE, 0xFF] | [0xFF, 0xFE]);
    (delimits || is_known_vr([e, f]) == encoding.explicit).then_some(encoding)
}

/// How an item's elements stand, by the first ones of them; `bytes` are at most [`ITEM_LOOKED_AT`], and `room` is what is left of the item.
#[must_use]
pub fn encoding_by_elements(bytes: &[u8], encoding: Encoding, room: u64) -> Encoding {
    let forms = Forms::of(bytes, encoding.little, Some(room));
    let explicit = match forms.explicit.cmp(&forms.implicit) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Less => false,
        // Letters are a VR of a later edition or a wrong one; other bytes mostly are part of a length.
        std::cmp::Ordering::Equal => {
            let letters = matches!(bytes, [_, _, _, _, e, f, ..] if e.is_ascii_alphabetic() && f.is_ascii_alphabetic());
            encoding.explicit && (letters || forms.damaged > 0)
        }
    };
    Encoding { explicit, little: encoding.little }
}
