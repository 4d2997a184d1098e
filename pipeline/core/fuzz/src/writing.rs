//! Writes DICOM as it should be, or nearly: enough for hostile families and mutations.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// A length that a delimitation ends.
pub const UNDEFINED: u32 = 0xFFFF_FFFF;

/// Implicit VR little endian.
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
/// Explicit VR little endian.
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// Deflated explicit VR little endian.
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// A data set in little endian.
#[derive(Clone, Debug, Default)]
pub struct DataSet {
    /// What is written so far.
    pub bytes: Vec<u8>,
    /// Whether elements stand with their VR.
    pub explicit: bool,
}

impl DataSet {
    /// One with VRs.
    #[must_use]
    pub const fn explicit() -> Self {
        Self { bytes: vec![], explicit: true }
    }

    /// One without.
    #[must_use]
    pub const fn implicit() -> Self {
        Self { bytes: vec![], explicit: false }
    }

    /// The keys that make a file an instance.
    #[must_use]
    pub fn with_keys(mut self) -> Self {
        self.element(0x0008_0016, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0");
        self.element(0x0008_0018, b"UI", b"2.25.1");
        self
    }

    fn tag(&mut self, tag: u32) {
        self.bytes.extend(((tag >> 16) as u16).to_le_bytes());
        self.bytes.extend((tag as u16).to_le_bytes());
    }

    /// An element up to its value.
    pub fn header(&mut self, tag: u32, vr: &[u8; 2], length: u32) {
        self.tag(tag);
        let long = matches!(
            vr,
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
        );
        if self.explicit {
            self.bytes.extend(vr);
            if !long {
                self.bytes.extend((length as u16).to_le_bytes());
                return;
            }
            self.bytes.extend([0, 0]);
        }
        self.bytes.extend(length.to_le_bytes());
    }

    /// An element.
    pub fn element(&mut self, tag: u32, vr: &[u8; 2], value: &[u8]) {
        self.header(tag, vr, value.len() as u32);
        self.bytes.extend(value);
    }

    /// An item, or a delimitation.
    pub fn item(&mut self, tag: u32, length: u32) {
        self.tag(tag);
        self.bytes.extend(length.to_le_bytes());
    }

    /// A sequence or an item ends.
    pub fn delimit_item(&mut self) {
        self.item(0xFFFE_E00D, 0);
    }

    /// A sequence ends.
    pub fn delimit_sequence(&mut self) {
        self.item(0xFFFE_E0DD, 0);
    }

    /// The same again until there are `bytes` of them.
    pub fn fill(&mut self, bytes: usize, mut write: impl FnMut(&mut Self, usize)) {
        let mut index = 0;
        while self.bytes.len() < bytes {
            write(self, index);
            index += 1;
        }
    }

    /// The file of this data set.
    #[must_use]
    pub fn file(self) -> Vec<u8> {
        let mut file = meta(if self.explicit { EXPLICIT } else { IMPLICIT });
        file.extend(self.bytes);
        file
    }

    /// The file of this data set, deflated.
    #[must_use]
    pub fn deflated_file(&self) -> Vec<u8> {
        let mut file = meta(DEFLATED);
        file.extend(deflate(&self.bytes));
        file
    }
}

/// Preamble, prefix and meta group of a transfer syntax.
#[must_use]
pub fn meta(syntax: &str) -> Vec<u8> {
    let mut meta = DataSet::explicit();
    meta.bytes = vec![0; 128];
    meta.bytes.extend(b"DICM");
    let mut uid = syntax.as_bytes().to_vec();
    if uid.len() % 2 == 1 {
        uid.push(0);
    }
    meta.element(0x0002_0010, b"UI", &uid);
    meta.bytes
}

/// Bytes deflated (RFC 1951).
#[must_use]
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut deflater = DeflateEncoder::new(vec![], Compression::fast());
    deflater.write_all(bytes).expect("into memory");
    deflater.finish().expect("into memory")
}
