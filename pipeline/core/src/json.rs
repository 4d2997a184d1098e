//! `header_json`: the whole data set as DICOM JSON (PS3.18 annex F), written while the walk passes it.
//!
//! Group lengths are left out (PS3.18 F.2.2), as are group 2 and pixel data. Of binary values over 1 KiB only the place is told, as
//! `"BulkDataURI": "?offset=O&length=N"`: relative to the file's own url, and without offset where it was inflated. What can't be written
//! as its VR has it, such as an IS that is not a number, is written as the text that it is.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::recorded::{dictionary_vr, raw_value, recorded_vr};
use crate::value::number::{push_float, push_json_string};
use crate::value::parse::{Integer, parse_decimal, parse_integer};
use crate::value::{CharacterSets, Component, Decoded, DictionaryVr, decode, hex, push_component, vr_of};
use crate::vr::{Content, Vr};
use crate::walk::{Record, Seen, SeenValue};

/// Binary values of more bytes than this are told by offset and length.
const INLINE_LIMIT: u32 = 1024;
const META_GROUP: u32 = 2;

fn is_text(vr: DictionaryVr) -> bool {
    matches!(vr, DictionaryVr::One(vr) if matches!(vr.content(), Content::Text(_)))
}

/// Writes the JSON of a data set. A tag that comes twice in a data set stands twice; readers of JSON keep the last one, as the columns do.
#[derive(Debug)]
pub struct JsonRecorder {
    text: String,
    first: bool,
    sets: CharacterSets,
}

impl Default for JsonRecorder {
    fn default() -> Self {
        Self { text: "{".to_owned(), first: true, sets: CharacterSets::default() }
    }
}

impl JsonRecorder {
    /// The JSON text of what was passed, which is whole once the walk has ended.
    #[must_use]
    pub fn into_text(mut self) -> String {
        self.text.push('}');
        self.text
    }

    fn begin_member(&mut self, tag: u32, vr: &str) {
        if !self.first {
            self.text.push(',');
        }
        self.first = false;
        let _ = write!(self.text, "\"{tag:08X}\":{{\"vr\":\"{vr}\"");
    }

    fn bulk_data(&mut self, seen: &Seen<'_>) {
        if let Some(length) = seen.length {
            self.text.push_str(",\"BulkDataURI\":\"?");
            if let Some(position) = seen.position {
                let _ = write!(self.text, "offset={position}&");
            }
            let _ = write!(self.text, "length={length}\"");
        }
    }

    fn values(&mut self, decoded: &Decoded<'_>, vr: Option<Vr>) {
        match decoded {
            Decoded::Nothing => {}
            Decoded::Text(text, _) if text.is_empty() => {}
            Decoded::Text(text, rules) if rules.undivided => self.list([Component::Text(text)].into_iter(), vr),
            Decoded::Text(text, rules) => {
                self.list(text.split('\\').map(|part| Component::Text(rules.trim(part))), vr);
            }
            Decoded::Numbers(numbers) => self.list(numbers.iter(), vr),
            Decoded::Hex(bytes) => self.list([Component::Text(&hex(bytes))].into_iter(), vr),
        }
    }

    fn list<'a>(&mut self, components: impl Iterator<Item = Component<'a>>, vr: Option<Vr>) {
        self.text.push_str(",\"Value\":[");
        for (index, component) in components.enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.component(component, vr);
        }
        self.text.push(']');
    }

    fn component(&mut self, component: Component<'_>, vr: Option<Vr>) {
        match component {
            Component::Text("") => self.text.push_str("null"),
            Component::Text(text) if vr == Some(Vr::PN) => self.name(text),
            Component::Text(text) => self.text_or_number(text, vr),
            Component::Float(number) if number.is_nan() => self.text.push_str("\"NaN\""),
            Component::Float(number) if number.is_infinite() => {
                self.text.push_str(if number > 0.0 { "\"inf\"" } else { "\"-inf\"" });
            }
            Component::Float(_) | Component::Integer(_) => push_component(&mut self.text, component),
            Component::Tag(_) => {
                self.text.push('"');
                push_component(&mut self.text, component);
                self.text.push('"');
            }
        }
    }

    fn text_or_number(&mut self, text: &str, vr: Option<Vr>) {
        match vr {
            Some(Vr::IS) => match parse_integer(text).0 {
                Some(Integer::Small(number)) => {
                    let _ = write!(self.text, "{number}");
                }
                Some(Integer::Large(digits)) => self.text.push_str(&digits),
                None => push_json_string(&mut self.text, text),
            },
            Some(Vr::DS) => match parse_decimal(text).0 {
                Some(number) => push_float(&mut self.text, number),
                None => push_json_string(&mut self.text, text),
            },
            _ => push_json_string(&mut self.text, text),
        }
    }

    fn name(&mut self, text: &str) {
        self.text.push('{');
        let mut first = true;
        for (name, group) in ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(text.split('=')) {
            if group.is_empty() {
                continue;
            }
            if !first {
                self.text.push_str(", ");
            }
            first = false;
            let _ = write!(self.text, "\"{name}\": ");
            push_json_string(&mut self.text, group);
        }
        self.text.push('}');
    }
}

impl Record for JsonRecorder {
    // Texts are wanted whole, other values up to the limit.
    fn wants(&self, seen: &Seen<'_>) -> bool {
        seen.length.is_some_and(|length| length <= INLINE_LIMIT) || is_text(dictionary_vr(seen))
    }

    fn leaf(&mut self, seen: &Seen<'_>, value: &SeenValue<'_>) {
        if seen.tag & 0xFFFF == 0 || seen.tag >> 16 == META_GROUP {
            return;
        }
        let otherwise = dictionary_vr(seen);
        let raw = raw_value(seen, value);
        let vr = vr_of(&raw, otherwise, value.gathered);
        self.begin_member(seen.tag, recorded_vr(vr, otherwise));
        if value.bytes.is_none() {
            self.bulk_data(seen);
        } else if vr.is_none_or(|vr| vr.content() == Content::Bytes) {
            if !raw.value.is_empty() {
                self.text.push_str(",\"InlineBinary\":\"");
                STANDARD.encode_string(raw.value, &mut self.text);
                self.text.push('"');
            }
        } else {
            let mut sets = std::mem::take(&mut self.sets);
            let decoded = decode(&raw, vr, value.gathered, &mut sets, &mut |_| {});
            self.sets = sets;
            self.values(&decoded, vr);
        }
        self.text.push('}');
    }

    fn begin_sequence(&mut self, seen: &Seen<'_>) {
        self.begin_member(seen.tag, "SQ");
        self.text.push_str(",\"Value\":[");
        self.first = true;
    }

    fn end_sequence(&mut self) {
        self.text.push_str("]}");
        self.first = false;
    }

    fn begin_item(&mut self, _: u32, _: u32, _: Option<u64>, _: Option<u32>) {
        self.text.push_str(if self.first { "{" } else { ",{" });
        self.first = true;
    }

    fn end_item(&mut self) {
        self.text.push('}');
        self.first = false;
    }
}
