//! An element of a whole header as recorders write it: its VR, wherever that is known from, and its value.

use crate::dictionary::entry_of_tag;
use crate::gathered::RawValue;
use crate::value::{DictionaryVr, telling_vr};
use crate::vr::Vr;
use crate::walk::{Creators, Seen, SeenValue};

/// The VR of an element: the file's, else the dictionary's (of private ones by creator), else UN.
#[must_use]
pub fn dictionary_vr(seen: &Seen<'_>) -> DictionaryVr {
    if let Some(vr) = telling_vr(seen.vr) {
        return DictionaryVr::One(vr);
    }
    if Creators::is_creator(seen.tag) {
        return DictionaryVr::One(Vr::LO);
    }
    let name = if seen.tag & 0x10000 != 0 {
        seen.creator.and_then(|creator| creator.vr(seen.tag))
    } else {
        entry_of_tag(seen.tag).map(|entry| entry.vr)
    };
    name.map_or(DictionaryVr::One(Vr::UN), DictionaryVr::named)
}

/// The name of a VR as recorders write it.
#[must_use]
pub fn recorded_vr(vr: Option<Vr>, otherwise: DictionaryVr) -> &'static str {
    match (vr, otherwise) {
        (Some(vr), _) | (None, DictionaryVr::One(vr)) => vr.name(),
        (None, DictionaryVr::BySign) => "US or SS",
        (None, DictionaryVr::Other(name)) => name,
    }
}

/// A value as the recorders decode it.
pub fn raw_value<'a>(seen: &Seen<'_>, value: &SeenValue<'a>) -> RawValue<'a> {
    RawValue {
        tag: seen.tag,
        vr: seen.vr,
        value: value.bytes.unwrap_or_default(),
        position: seen.position,
        little: value.little,
        context: value.context,
    }
}
