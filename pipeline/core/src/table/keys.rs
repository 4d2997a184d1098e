//! The keys by which tables join: a digest of the attributes that tell patients, studies and series apart.
//!
//! A key is XXH3 of 128 bits with seed 0, as 32 lower-case hex digits in canonical (big-endian) order. It covers the attributes in order: for
//! each one byte 0 where the value is null, or one byte 1, the length of its UTF-8 text as 8 bytes in little endian, and the text.
//! `dicomlake.schema.keys` has the same definition for Python.

use xxhash_rust::xxh3::xxh3_128;

use crate::value::hex;

/// The attributes that keys are made of, in the order of [`EntityKeys`].
pub(super) const KEY_ATTRIBUTES: [&str; 4] =
    ["IssuerOfPatientID", "PatientID", "StudyInstanceUID", "SeriesInstanceUID"];

/// The names of the key columns.
pub(super) const KEY_COLUMNS: [&str; 3] = ["patient_key", "study_key", "series_key"];

/// The attributes of each key, as indices into [`KEY_ATTRIBUTES`].
const ATTRIBUTES_OF_KEYS: [&[usize]; 3] = [&[0, 1], &[2], &[2, 3]];

/// The key of an entity by the values of its key attributes, in order.
#[must_use]
pub fn entity_key<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut bytes = vec![];
    for value in values {
        match value {
            None => bytes.push(0),
            Some(text) => {
                bytes.push(1);
                bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
    }
    hex(&xxh3_128(&bytes).to_be_bytes())
}

/// The value of a key attribute.
#[derive(Debug, Default)]
struct Attribute {
    /// The last value that a row had.
    text: String,
    /// Whether the last row has it.
    present: bool,
    /// Whether the row being made has it.
    met: bool,
}

/// The keys of the last row. Files of one series share them, so they are made again only where an attribute differs.
#[derive(Debug, Default)]
pub(super) struct EntityKeys {
    attributes: [Attribute; KEY_ATTRIBUTES.len()],
    keys: Option<[String; KEY_COLUMNS.len()]>,
}

impl EntityKeys {
    /// Begins a row in which no attribute has a value yet.
    pub(super) fn begin_row(&mut self) {
        self.attributes.iter_mut().for_each(|attribute| attribute.met = false);
    }

    /// An attribute has the value that it had last.
    pub(super) fn repeat(&mut self, attribute: usize) {
        if let Some(attribute) = self.attributes.get_mut(attribute) {
            attribute.met = true;
        }
    }

    /// An attribute has a value.
    pub(super) fn set(&mut self, attribute: usize, text: &str) {
        if let Some(attribute) = self.attributes.get_mut(attribute) {
            attribute.met = true;
            if attribute.text != text {
                attribute.text.clear();
                attribute.text.push_str(text);
                self.keys = None;
            }
        }
    }

    /// The next row gets its keys as if none had come before.
    pub(super) fn end_batch(&mut self) {
        self.keys = None;
    }

    /// The keys of the last row.
    pub(super) const fn last(&self) -> Option<&[String; KEY_COLUMNS.len()]> {
        self.keys.as_ref()
    }

    /// Ends a row; answers its keys where they are not those of the row before.
    pub(super) fn end_row(&mut self) -> Option<&[String; KEY_COLUMNS.len()]> {
        for attribute in &mut self.attributes {
            if attribute.met != attribute.present {
                attribute.present = attribute.met;
                self.keys = None;
            }
        }
        if self.keys.is_some() {
            return None;
        }
        let value = |at: &usize| {
            let attribute = self.attributes.get(*at).filter(|attribute| attribute.present);
            attribute.map(|attribute| attribute.text.as_str())
        };
        Some(self.keys.insert(ATTRIBUTES_OF_KEYS.map(|of_key| entity_key(of_key.iter().map(value)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_null_from_empty_and_where_a_value_ends() {
        let values: [&[Option<&str>]; 7] = [
            &[],
            &[None],
            &[Some("")],
            &[None, None],
            &[Some("ab"), Some("c")],
            &[Some("a"), Some("bc")],
            &[Some("abc")],
        ];
        let keys: std::collections::BTreeSet<String> =
            values.iter().map(|values| entity_key(values.iter().copied())).collect();
        assert_eq!(keys.len(), values.len());
        // Known answers, so that the definition stays what it is.
        assert_eq!(entity_key([None, Some("a")]), "868f22680d55c59329e87575ff80d52c");
        assert_eq!(entity_key([Some("1.2")]), "e451602a3ea2ccd0f962631be73b7953");
    }

    #[test]
    fn keys_follow_their_attributes() {
        let mut keys = EntityKeys::default();
        let mut row = |patient: Option<&str>, series: Option<&str>| {
            keys.begin_row();
            for (at, text) in [(1, patient), (2, Some("1.2")), (3, series)] {
                if let Some(text) = text {
                    keys.set(at, text);
                }
            }
            let differ = keys.end_row().is_some();
            let expected = [entity_key([None, patient]), entity_key([Some("1.2")]), entity_key([Some("1.2"), series])];
            assert_eq!(keys.last(), Some(&expected));
            differ
        };
        assert!(row(Some("a"), Some("1.2.3")));
        assert!(!row(Some("a"), Some("1.2.3")));
        assert!(row(None, Some("1.2.3")));
        assert!(!row(None, Some("1.2.3")));
        assert!(row(Some("a"), Some("1.2.3")));
        assert!(row(Some("b"), None));
        assert!(row(Some("b"), Some("1.2.4")));
    }
}
