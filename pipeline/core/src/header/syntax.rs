//! Transfer syntaxes: how a data set stands by what its meta says, and by looking (PS3.5 10 and annex A).

use std::sync::Arc;

use flate2::{Decompress, FlushDecompress};

use crate::dictionary::name_of_uid;
use crate::element::{Encoding, Forms, element_header, has_known_vr, looks_like_element};

/// Implicit VR little endian.
pub const IMPLICIT_UID: &str = "1.2.840.10008.1.2";
/// Explicit VR little endian.
pub const EXPLICIT_UID: &str = "1.2.840.10008.1.2.1";
const DEFLATED_UID: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN_UID: &str = "1.2.840.10008.1.2.2";
const PAPYRUS_UID: &str = "1.2.840.10008.1.20";

/// How many bytes of a data set are looked at to see what it stands in.
pub const BYTES_LOOKED_AT: u64 = 1024;
const INFLATED_LOOKED_AT: usize = 64;
/// Where so many elements stand in the encoding that the first shows, no others are looked at.
const ELEMENTS_THAT_SUFFICE: usize = 3;

const ENCODINGS: [(Encoding, &str); 3] = [
    (Encoding::EXPLICIT_LITTLE, EXPLICIT_UID),
    (Encoding::IMPLICIT_LITTLE, IMPLICIT_UID),
    (Encoding::EXPLICIT_BIG, BIG_ENDIAN_UID),
];

/// A transfer syntax: its UID, and how the data set stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferSyntax {
    /// Of PS3.6, or what stands in the file.
    pub uid: String,
    /// How the data set stands.
    pub encoding: Encoding,
    /// Whether the data set is deflated.
    pub deflated: bool,
    /// Whether PS3.6 has it.
    pub known: bool,
}

impl TransferSyntax {
    /// The transfer syntax of a UID; one that PS3.6 does not have is taken for explicit VR little endian, as all encapsulated ones are.
    #[must_use]
    pub fn of_uid(uid: &str) -> Self {
        let encoding = match uid {
            IMPLICIT_UID | PAPYRUS_UID => Encoding::IMPLICIT_LITTLE,
            BIG_ENDIAN_UID => Encoding::EXPLICIT_BIG,
            _ => Encoding::EXPLICIT_LITTLE,
        };
        let deflated = matches!(uid, DEFLATED_UID | "1.2.840.10008.1.2.4.95" | "1.2.840.10008.1.2.4.205");
        let known = uid.starts_with("1.2.840.10008.1.2") && name_of_uid(uid).is_some();
        Self { uid: uid.to_owned(), encoding, deflated, known }
    }
}

/// The transfer syntax of a data set by what its first elements look like: the declared one where they fit, else one in which more of them
/// make sense, None where none does. `bytes` are the first of the data set, and `room` is what is left of the file from there.
#[must_use]
pub fn syntax_by_looking(
    bytes: &[u8],
    room: Option<u64>,
    declared: Option<&Arc<TransferSyntax>>,
) -> Option<Arc<TransferSyntax>> {
    let found = syntax_by_first_element(bytes, room, declared)?;
    let is_declared = declared.is_none_or(|declared| **declared == *found);
    if found.deflated || (is_declared && begins_with_elements(bytes, found.encoding)) {
        return Some(found);
    }
    let most = usize::try_from(BYTES_LOOKED_AT).unwrap_or(usize::MAX);
    let looked_at = bytes.get(..most).unwrap_or(bytes);
    let (little, big) = (Forms::of(looked_at, true, room), Forms::of(looked_at, false, room));
    let elements = |encoding| match encoding {
        Encoding::EXPLICIT_LITTLE => little.explicit,
        Encoding::IMPLICIT_LITTLE => little.implicit,
        _ => big.explicit,
    };
    let mut best = found;
    if let Some(declared) = declared.filter(|declared| !declared.deflated)
        && elements(declared.encoding) >= elements(best.encoding)
    {
        best = Arc::clone(declared);
    }
    for (encoding, uid) in ENCODINGS {
        if elements(encoding) > elements(best.encoding) {
            best = Arc::new(TransferSyntax { uid: uid.to_owned(), encoding, deflated: false, known: true });
        }
    }
    Some(best)
}

/// Whether the first elements of a data set stand in an encoding, one behind the other: nearly always they do.
fn begins_with_elements(bytes: &[u8], encoding: Encoding) -> bool {
    let mut at: usize = 0;
    for _ in 0..ELEMENTS_THAT_SUFFICE {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(header) = element_header(rest, encoding) else {
            return false;
        };
        if has_known_vr(rest) != encoding.explicit {
            return false;
        }
        at = at.saturating_add(usize::try_from(header.size).unwrap_or(usize::MAX));
        at = at.saturating_add(usize::try_from(header.length).unwrap_or(usize::MAX));
    }
    true
}

fn syntax_by_first_element(
    bytes: &[u8],
    room: Option<u64>,
    declared: Option<&Arc<TransferSyntax>>,
) -> Option<Arc<TransferSyntax>> {
    if let Some(declared) = declared
        && !declared.deflated
        && looks_like_element(bytes, declared.encoding, room)
    {
        return Some(Arc::clone(declared));
    }
    for (encoding, uid) in ENCODINGS {
        if looks_like_element(bytes, encoding, room) {
            return Some(Arc::new(TransferSyntax { uid: uid.to_owned(), encoding, deflated: false, known: true }));
        }
    }
    if let Some(declared) = declared
        && declared.deflated
    {
        return Some(Arc::clone(declared));
    }
    inflates_to_element(bytes).then(|| Arc::new(TransferSyntax::of_uid(DEFLATED_UID)))
}

fn inflates_to_element(bytes: &[u8]) -> bool {
    let most = usize::try_from(BYTES_LOOKED_AT).unwrap_or(usize::MAX);
    let mut inflated = Vec::with_capacity(INFLATED_LOOKED_AT);
    let mut inflater = Decompress::new(false);
    let done = inflater.decompress_vec(bytes.get(..most).unwrap_or(bytes), &mut inflated, FlushDecompress::None);
    done.is_ok() && looks_like_element(&inflated, Encoding::EXPLICIT_LITTLE, None)
}
