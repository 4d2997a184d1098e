//! Files for tests: written by hand, and damaged at random; and all that the decoder makes of one, as text to compare.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::fmt::Write as _;

use dicomlake_core::gathered::Cell;
use dicomlake_core::header::{HeaderDecoder, Plan};
use dicomlake_core::recorder::Recorder;
use dicomlake_core::walk::Progress;
use dicomlake_core::wanted::{ItemChoice, Step};
use dicomlake_core::window::{StreamEnd, Window};
use flate2::Compression;
use flate2::write::DeflateEncoder;

pub const UNDEFINED: u32 = u32::MAX;
pub const ITEM: u32 = 0xFFFE_E000;
pub const ITEM_END: u32 = 0xFFFE_E00D;
pub const SEQUENCE_END: u32 = 0xFFFE_E0DD;
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// How elements are written.
#[derive(Clone, Copy)]
pub struct Writer {
    pub explicit: bool,
    pub little: bool,
}

pub const E: Writer = Writer { explicit: true, little: true };
pub const I: Writer = Writer { explicit: false, little: true };
pub const B: Writer = Writer { explicit: true, little: false };

impl Writer {
    fn short(self, number: u32) -> [u8; 2] {
        let number = u16::try_from(number & 0xFFFF).unwrap();
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }

    fn long(self, number: u32) -> [u8; 4] {
        if self.little { number.to_le_bytes() } else { number.to_be_bytes() }
    }

    /// An item's tag or a delimitation.
    pub fn mark(self, tag: u32, length: u32) -> Vec<u8> {
        [&self.short(tag >> 16)[..], &self.short(tag), &self.long(length)].concat()
    }

    /// An element that says this length.
    pub fn claiming(self, tag: u32, vr: &str, length: u32, value: &[u8]) -> Vec<u8> {
        let tag = [self.short(tag >> 16), self.short(tag)].concat();
        let is_long =
            matches!(vr, "OB" | "OD" | "OF" | "OL" | "OV" | "OW" | "SQ" | "SV" | "UC" | "UN" | "UR" | "UT" | "UV");
        let header = match (self.explicit, is_long) {
            (false, _) => self.long(length).to_vec(),
            (true, false) => [vr.as_bytes(), &self.short(length)].concat(),
            (true, true) => [vr.as_bytes(), &[0, 0], &self.long(length)].concat(),
        };
        [&tag[..], &header, value].concat()
    }

    /// An element.
    pub fn element(self, tag: u32, vr: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
        let mut value = value.as_ref().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.claiming(tag, vr, u32::try_from(value.len()).unwrap(), &value)
    }

    pub fn item(self, content: &[u8]) -> Vec<u8> {
        [self.mark(ITEM, u32::try_from(content.len()).unwrap()), content.to_vec()].concat()
    }

    pub fn open_item(self, content: &[u8]) -> Vec<u8> {
        [self.mark(ITEM, UNDEFINED), content.to_vec(), self.mark(ITEM_END, 0)].concat()
    }

    pub fn sequence(self, tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
        self.element(tag, "SQ", items.concat())
    }

    pub fn open_sequence(self, tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
        [self.claiming(tag, "SQ", UNDEFINED, &[]), items.concat(), self.mark(SEQUENCE_END, 0)].concat()
    }

    /// SOPInstanceUID, Modality and PatientName.
    pub fn keys(self) -> Vec<u8> {
        [
            self.element(0x0008_0018, "UI", "1.2.3"),
            self.element(0x0008_0060, "CS", "CT"),
            self.element(0x0010_0010, "PN", "Doe^J"),
        ]
        .concat()
    }
}

/// A whole file: preamble, group 2, data set.
pub fn part10(syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let meta =
        [E.element(0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.2"), E.element(0x0002_0010, "UI", syntax)].concat();
    let length = E.element(0x0002_0000, "UL", u32::try_from(meta.len()).unwrap().to_le_bytes());
    [&[0; 128][..], b"DICM", &length, &meta, data_set].concat()
}

/// Bytes deflated.
pub fn deflated(data: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = DeflateEncoder::new(vec![], Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Files of every transfer syntax and of many forms, with some things wrong.
pub fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |writer: Writer| {
        let label = |text: &str| writer.element(0x0062_0005, "LO", text);
        let inner = writer.open_sequence(0x0008_1140, &[writer.open_item(&label("in")), writer.item(&label("side"))]);
        let outer =
            writer.sequence(0x0062_0002, &[writer.item(&label("a")), writer.open_item(&[inner, label("b")].concat())]);
        [writer.keys(), writer.element(0x0020_0013, "IS", "7"), outer].concat()
    };
    let creator =
        [E.element(0x0029_0010, "LO", "SIEMENS CSA HEADER"), E.element(0x0029_1010, "OB", [7; 3000])].concat();
    let un = [
        E.claiming(0x0062_0002, "UN", UNDEFINED, &[]),
        I.item(&I.element(0x0062_0005, "LO", "x")),
        E.mark(SEQUENCE_END, 0),
    ];
    let fragments = [
        E.claiming(0x0042_0011, "OB", UNDEFINED, &[]),
        E.item(&[1; 40]),
        E.item(&[2; 20_000]),
        E.mark(SEQUENCE_END, 0),
    ];
    let stray =
        [E.mark(ITEM, UNDEFINED), E.element(0x0010_0020, "LO", "no"), E.mark(ITEM_END, 0), E.mark(SEQUENCE_END, 0)];
    let large = E.element(0x0042_0011, "OB", [3; 70_000]);
    let deep = E.claiming(0x0008_1115, "SQ", UNDEFINED, &E.mark(ITEM, UNDEFINED)).repeat(300);
    let deep_end = [E.mark(ITEM_END, 0), E.mark(SEQUENCE_END, 0)].concat().repeat(300);
    let pixels = E.element(0x7FE0_0010, "OW", [0; 100]);
    let unknown_vr = E.claiming(0x0009_1010, "ZZ", 6, b"abcdef");
    let wrong = [
        E.claiming(0x0010_0020, "LO", 3, b"odd"),
        E.element(0x0008_0005, "CS", "ISO_IR 192"),
        E.element(0x0018_0050, "DS", "thin"),
    ];
    let inside =
        [E.keys(), E.sequence(0x0062_0002, &[E.item(b"\x01\x02junk that is not an element")]), large.clone()].concat();
    vec![
        ("explicit", part10(EXPLICIT, &[nested(E), pixels.clone()].concat())),
        ("implicit", part10(IMPLICIT, &nested(I))),
        ("big endian", part10(BIG_ENDIAN, &nested(B))),
        (
            "deflated",
            part10(DEFLATED, &deflated(&[nested(E), large.clone(), E.element(0x0062_0005, "LO", "end")].concat())),
        ),
        ("without meta", nested(E)),
        ("private", part10(EXPLICIT, &[E.keys(), creator].concat())),
        ("UN", part10(EXPLICIT, &[E.keys(), un.concat(), pixels.clone()].concat())),
        ("fragments", part10(EXPLICIT, &[E.keys(), fragments.concat(), pixels.clone()].concat())),
        ("stray", part10(EXPLICIT, &[E.keys(), stray.concat(), E.element(0x0020_0013, "IS", "7")].concat())),
        ("large", part10(EXPLICIT, &[E.keys(), large, E.element(0x0062_0005, "LO", "end"), pixels].concat())),
        ("deep", part10(EXPLICIT, &[E.keys(), deep, deep_end, E.element(0x0020_0013, "IS", "7")].concat())),
        ("unknown VR", part10(EXPLICIT, &[E.keys(), unknown_vr, E.element(0x0020_0013, "IS", "7")].concat())),
        ("wrong values", part10(EXPLICIT, &[E.keys(), wrong.concat()].concat())),
        ("corrupt inside", part10(EXPLICIT, &inside)),
        ("a text", b"just a text, in which nobody would look for a header".repeat(10)),
        ("empty", vec![]),
    ]
}

/// Columns for these files: leaves, `[*]`, `[0]`, a private one, group 2.
pub fn plan() -> Plan {
    let leaf = |tag| Step { tag, creator: None, item: None };
    let items = |tag, item| Step { tag, creator: None, item: Some(item) };
    Plan::new(&[
        vec![leaf(0x0008_0018)],
        vec![leaf(0x0008_0060)],
        vec![leaf(0x0010_0010)],
        vec![leaf(0x0010_0020)],
        vec![leaf(0x0020_0013)],
        vec![leaf(0x0018_0050)],
        vec![items(0x0062_0002, ItemChoice::Every), leaf(0x0062_0005)],
        vec![items(0x0062_0002, ItemChoice::At(1)), items(0x0008_1140, ItemChoice::Every), leaf(0x0062_0005)],
        vec![Step { tag: 0x0029_0010, creator: Some("SIEMENS CSA HEADER".to_owned()), item: None }],
        vec![leaf(0x0002_0010)],
        vec![leaf(0x0062_0005)],
    ])
}

pub const COLUMNS: usize = 11;
pub const LIMIT: u64 = 1 << 20;

/// What a column holds, as text; None where it holds nothing.
pub fn cell(decoder: &HeaderDecoder, column: usize) -> Option<String> {
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    match decoder.header.gathered.cell(column) {
        Cell::Absent => None,
        Cell::One(raw) => Some(text(raw.value)),
        Cell::Many(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|raw| raw.map_or_else(|| "-".to_owned(), |raw| text(raw.value))).collect();
            Some(entries.join("|"))
        }
    }
}

/// All that was read of a file.
pub fn answer(decoder: &mut HeaderDecoder) -> String {
    let mut told = String::new();
    for column in 0..COLUMNS {
        match decoder.header.gathered.cell(column) {
            Cell::Absent => {}
            Cell::One(raw) => writeln!(told, "{column}: {raw:?}").unwrap(),
            Cell::Many(entries) => writeln!(told, "{column}: {:?}", entries.iter().collect::<Vec<_>>()).unwrap(),
        }
    }
    let header = &mut decoder.header;
    let json = match header.recorder.take() {
        Some(Recorder::Json(json)) => Some(json.into_text()),
        Some(Recorder::Tree(tree)) => Some(format!("{tree:?}")),
        None => None,
    };
    let rest =
        (&header.found.findings, &header.found.defect, &header.digest, &header.pixel_data, header.creators.names());
    writeln!(told, "{rest:?} {:?} {:?} {json:?}", header.transfer_syntax, header.has_functional_groups).unwrap();
    told
}

/// Decodes a file of which all bytes are held.
pub fn decode_whole(decoder: &mut HeaderDecoder, plan: &Plan, data: &[u8]) {
    let window = Window { bytes: data, start: 0, size: Some(data.len() as u64), end: Some(StreamEnd::OF_FILE) };
    loop {
        match decoder.resume(plan, &window) {
            Progress::Done => break,
            Progress::Pause => {}
            Progress::Need(need) => panic!("{need:?} is asked for, though everything is held"),
        }
    }
}

/// Numbers at random by a seed (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap()
    }
}

/// A file with damage at random.
pub fn damaged(random: &mut Random, data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    for _ in 0..=random.below(3) {
        let from = 132.min(data.len());
        let at = from + random.below(data.len().min(2000).saturating_sub(from));
        let pieces: [&[u8]; 9] = [
            b"\xff\xff\xff\xff",
            b"\xfe\xff\x00\xe0",
            b"\xfe\xff\x0d\xe0",
            b"\xfe\xff\xdd\xe0",
            b"SQ",
            b"UN",
            b"\0\0\0\0",
            b"\x01",
            b"ZZ",
        ];
        let piece = pieces[random.below(pieces.len())];
        match random.below(4) {
            0 => data.truncate(at),
            1 => drop(data.splice(at..(at + piece.len()).min(data.len()), piece.iter().copied())),
            2 => drop(data.splice(at..at, piece.iter().copied())),
            _ => drop(data.drain(at..(at + random.below(20)).min(data.len()))),
        }
    }
    data
}
