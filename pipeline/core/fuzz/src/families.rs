//! Families of hostile files: in each, what could cost most comes as often as the bytes allow.

use flate2::{Compress, Compression, FlushCompress};

use crate::writing::{DEFLATED, DataSet, UNDEFINED, meta};

/// Makes a file of about so many bytes.
pub type Family = (&'static str, fn(usize) -> Vec<u8>);

const ITEM: u32 = 0xFFFE_E000;
const CHARACTER_SET: u32 = 0x0008_0005;
const MODALITY: u32 = 0x0008_0060;
const IMAGE_TYPE: u32 = 0x0008_0008;
const SOURCE_IMAGES: u32 = 0x0008_2112;
const SEGMENTS: u32 = 0x0062_0002;
const LABEL: u32 = 0x0062_0005;
const HIGH_LATIN: &[u8] = b"\xE4\xF6";

/// Files in which one thing comes as often as it can.
pub const FAMILIES: &[Family] = &[
    ("empty wanted elements", |n| filled(DataSet::explicit(), n, |set, _| set.element(MODALITY, b"CS", b""))),
    ("ascending empty elements", |n| {
        filled(DataSet::explicit(), n, |set, at| set.element(0x0010_0000 + (at as u32 & 0x6FFF_FFFF), b"CS", b""))
    }),
    ("unknown public tags without VR", |n| {
        filled(DataSet::implicit(), n, |set, at| set.element(0x0010_0001 + 2 * (at as u32 % 7), b"CS", b""))
    }),
    ("unknown VRs", |n| filled(DataSet::explicit(), n, |set, _| set.element(0x0010_1010, b"ZZ", b""))),
    ("unknown VRs, bytes", |n| filled(DataSet::explicit(), n, |set, _| set.element(0x0010_1010, b"\x01\x02", b""))),
    ("elements without VR among others", |n| {
        filled(DataSet::explicit(), n, |set, _| set.bytes.extend(b"\x10\x00\x10\x10\x04\x00\x00\x00abcd"))
    }),
    ("unknown VRs, nothing follows", |n| {
        filled(DataSet::explicit(), n, |set, _| set.element(0x1111_0000, b"ZZ", b"\x07\x07\x07\x07\x07\x07\x07\x07"))
    }),
    ("private creators", |n| {
        filled(DataSet::explicit(), n, |set, at| {
            let tag = (0x0009 + 2 * (at as u32 / 0xF0)) << 16 | (0x10 + at as u32 % 0xF0);
            set.element(tag, b"LO", format!("{at:04x}").as_bytes());
        })
    }),
    ("private creators without names", |n| {
        filled(DataSet::explicit(), n, |set, at| {
            set.element((0x0009 + 2 * (at as u32 / 0xF0)) << 16 | (0x10 + at as u32 % 0xF0), b"LO", b"");
        })
    }),
    ("private elements of a long creator", |n| {
        let mut set = DataSet::explicit().with_keys();
        set.element(0x0009_0010, b"LO", &[0xE4; 1024]);
        set.fill(n, |set, at| set.element(0x0009_1000 + (at as u32 & 0xFF), b"LO", b""));
        set.file()
    }),
    ("private elements of a known creator", |n| {
        let mut set = DataSet::implicit().with_keys();
        set.element(0x0029_0010, b"LO", b"SIEMENS CSA HEADER");
        set.fill(n, |set, at| set.element(0x0029_1000 + (at as u32 & 0xFF), b"LO", b""));
        set.file()
    }),
    ("empty items, five columns", |n| sequence(n, SEGMENTS, |set, _| set.item(ITEM, 0))),
    ("empty items, one column", |n| sequence(n, SOURCE_IMAGES, |set, _| set.item(ITEM, 0))),
    ("items of undefined length", |n| {
        sequence(n, SEGMENTS, |set, _| {
            set.item(ITEM, UNDEFINED);
            set.delimit_item();
        })
    }),
    ("items of one label", |n| {
        sequence(n, SEGMENTS, |set, _| {
            set.item(ITEM, 10);
            set.element(LABEL, b"LO", b"AB");
        })
    }),
    ("items of an undecodable label", |n| {
        sequence(n, SEGMENTS, |set, _| {
            set.item(ITEM, 10);
            set.element(LABEL, b"LO", HIGH_LATIN);
        })
    }),
    ("items of a label with one of 1000", |n| {
        sequence(n, SEGMENTS, |set, _| {
            set.item(ITEM, 1008);
            set.element(LABEL, b"LO", &[0xE4; 1000]);
        })
    }),
    ("items of bad numbers", |n| {
        sequence(n, 0x3006_0020, |set, _| {
            set.item(ITEM, 10);
            set.element(0x3006_0022, b"IS", b"xx");
        })
    }),
    ("items each with a character set", |n| {
        sequence(n, SEGMENTS, |set, at| {
            let value: &[u8] = if at % 2 == 0 { b"ISO_IR 192" } else { b"ISO_IR 100" };
            set.item(ITEM, 28);
            set.element(CHARACTER_SET, b"CS", value);
            set.element(LABEL, b"LO", HIGH_LATIN);
        })
    }),
    ("a large character set and small texts", |n| {
        let mut set = large_character_set(n);
        items(&mut set, n, SEGMENTS, |set, _| {
            set.item(ITEM, 10);
            set.element(LABEL, b"LO", HIGH_LATIN);
        });
        set.file()
    }),
    ("a large character set and small ones by turns", |n| {
        let mut set = large_character_set(n);
        items(&mut set, n, SEGMENTS, |set, at| {
            set.item(ITEM, if at % 2 == 0 { 10 } else { 28 });
            if at % 2 == 1 {
                set.element(CHARACTER_SET, b"CS", b"ISO_IR 100");
            }
            set.element(LABEL, b"LO", HIGH_LATIN);
        });
        set.file()
    }),
    ("a list of empty values", |n| one_value(IMAGE_TYPE, vec![b'\\'; n])),
    ("a list of names beyond ASCII", |n| one_value(0x0008_1070, b"\xE4\\".repeat(n / 2))),
    ("a list of names with =", |n| {
        let mut value = vec![b'\\'; n];
        value[0] = b'=';
        one_value(0x0008_1070, value)
    }),
    ("a list of names", |n| one_value(0x0008_1070, b"A\\".repeat(n / 2))),
    ("a number of many values", |n| one_value(0x0028_0010, vec![0; n])),
    ("a decimal of many values", |n| one_value(0x0018_0050, b"1\\".repeat(n / 2))),
    ("a date of many values", |n| one_value(0x0008_0020, vec![b'\\'; n])),
    ("a list of numbers", |n| one_value(0x0028_1101, b"\xFF\xFE".repeat(n / 2))),
    ("a list of tags", |n| one_value(0x0028_0009, b"\xFF\xFE\xFF\xFE".repeat(n / 4))),
    ("floats as texts", |n| one_value(0x0066_0016, b"\x01\x00\x80\x80".repeat(n / 4))),
    ("floats in a list of texts", |n| {
        filled(DataSet::explicit(), n, |set, _| set.element(0x0028_0009, b"FL", &b"\x01\x00\x80\x80".repeat(0x3FFF)))
    }),
    ("floats", |n| {
        filled(DataSet::explicit(), n, |set, _| set.element(0x0018_9999, b"FL", &b"\x01\x00\x80\x80".repeat(256)))
    }),
    ("large whole numbers", |n| one_value(0x0020_0013, b"1e308\\".repeat(n / 6))),
    ("large whole numbers, each an item", |n| {
        sequence(n, 0x3006_0020, |set, _| {
            set.item(ITEM, 14);
            set.element(0x3006_0022, b"IS", b"1e+308");
        })
    }),
    ("long decimals", |n| one_value(0x0018_0050, [b"9".repeat(398), b"e9\\".to_vec()].concat().repeat(n / 401))),
    ("control characters", |n| one_value(0x0020_4000, vec![1; n])),
    ("bytes beyond ASCII", |n| one_value(0x0020_4000, vec![0xE4; n])),
    ("bytes that are no UTF-8", |n| {
        let mut set = DataSet::implicit().with_keys();
        set.element(CHARACTER_SET, b"CS", b"ISO_IR 192");
        set.element(0x0020_4000, b"LT", &vec![0xE4; n]);
        set.file()
    }),
    ("escape sequences", |n| escapes(n, b"\x1B$B\x30\x21\x1B(B")),
    ("escapes that are none", |n| escapes(n, b"\x1B")),
    ("escapes and delimiters", |n| escapes(n, b"\x1B-A\xE4^")),
    ("a long patient", |n| long_key(n, 0x0010_0020)),
    ("a long instance", |n| long_key(n, 0x0008_0018)),
    ("a long transfer syntax", |n| {
        let mut set = DataSet::explicit();
        set.bytes = vec![0; 128];
        set.bytes.extend(b"DICM");
        set.element(0x0002_0010, b"UN", &vec![0xE4; n]);
        set.bytes.extend(DataSet::explicit().with_keys().bytes);
        set.bytes
    }),
    ("fragments", |n| {
        let mut set = DataSet::explicit().with_keys();
        set.header(0x0009_1010, b"OB", UNDEFINED);
        set.fill(n, |set, _| set.item(ITEM, 0));
        set.file()
    }),
    ("no fragments and no delimitation", |n| {
        let mut set = DataSet::explicit().with_keys();
        set.header(0x0009_1010, b"OB", UNDEFINED);
        set.fill(n, |set, _| set.bytes.extend(b"\xFE\xFF\xDD\xFE\xFF\xDD\x00\x00"));
        set.file()
    }),
    ("delimitations to look for", |n| {
        filled(DataSet::explicit(), n, |set, _| {
            set.header(0x0009_1010, b"OB", UNDEFINED);
            set.bytes.extend([7; 8]);
            set.delimit_sequence();
        })
    }),
    ("empty sequences", |n| {
        filled(DataSet::explicit(), n, |set, at| set.header(if at % 2 == 0 { SEGMENTS } else { 0x0040_0275 }, b"SQ", 0))
    }),
    ("empty sequences of UN", |n| {
        filled(DataSet::explicit(), n, |set, _| {
            set.header(SEGMENTS, b"UN", UNDEFINED);
            set.delimit_sequence();
        })
    }),
    ("items with a creator each", |n| {
        sequence(n, SEGMENTS, |set, _| {
            set.item(ITEM, UNDEFINED);
            set.element(0x0009_0010, b"LO", b"DICOMLAKE ");
            set.element(0x0009_1001, b"DS", b"1 ");
            set.delimit_item();
        })
    }),
    ("corrupt items", |n| {
        let mut set = DataSet::explicit().with_keys();
        set.header(SEGMENTS, b"SQ", (n - n % 18) as u32);
        for _ in 0..n / 18 {
            set.item(ITEM, 10);
            set.header(LABEL, b"LO", 99);
            set.bytes.extend(b"AB");
        }
        set.file()
    }),
    ("stray items", |n| filled(DataSet::explicit(), n, |set, _| set.item(ITEM, 0))),
    ("stray items of undefined length", |n| filled(DataSet::explicit(), n, |set, _| set.item(ITEM, UNDEFINED))),
    ("wanted tags up and down", |n| {
        filled(DataSet::explicit(), n, |set, at| {
            set.element(if at % 2 == 0 { 0x0008_0000 } else { 0x7FD0_0000 }, b"CS", b"")
        })
    }),
    ("256 deep, kept elements", |n| {
        let mut set = nested(256);
        set.fill(n, |set, _| set.element(CHARACTER_SET, b"CS", b""));
        set.file()
    }),
    ("256 deep, texts beyond ASCII", |n| {
        let mut set = nested(256);
        set.element(CHARACTER_SET, b"CS", b"");
        set.fill(n, |set, _| set.element(0x0010_0010, b"LO", HIGH_LATIN));
        set.file()
    }),
    ("256 deep, texts, nothing kept", |n| {
        let mut set = nested(256);
        set.fill(n, |set, _| set.element(0x0010_0010, b"LO", b"AB"));
        set.file()
    }),
    ("nested without end", |n| nested(n / 20).file()),
    ("nested in UN without end", |n| {
        filled(DataSet::explicit(), n, |set, _| {
            set.header(SOURCE_IMAGES, b"UN", UNDEFINED);
            set.item(ITEM, UNDEFINED);
        })
    }),
    ("nested to 250 and back", |n| {
        filled(DataSet::explicit(), n, |set, _| {
            let inside = nested(250).bytes;
            set.bytes.extend(inside);
            for _ in 0..250 {
                set.delimit_item();
                set.delimit_sequence();
            }
        })
    }),
    ("deflated stored blocks of nothing", |n| [meta(DEFLATED), b"\x00\x00\x00\xFF\xFF".repeat(n / 5)].concat()),
    ("binary values", |n| filled(DataSet::explicit(), n, |set, _| set.element(0x0009_1010, b"OB", &[7; 1024]))),
    ("small binary values", |n| filled(DataSet::explicit(), n, |set, _| set.element(0x0009_1010, b"UN", b"\x07"))),
    ("names of one letter", |n| filled(DataSet::explicit(), n, |set, _| set.element(0x0010_0010, b"PN", b"A"))),
];

/// Files that claim or inflate to more than they are, of data sets of so many bytes.
pub const BOMBS: &[Family] = &[
    ("bomb of 8 GiB of zeros", |_| {
        let mut deflater = Compress::new(Compression::best(), false);
        let mut mebibyte = Vec::with_capacity(1 << 16);
        // Ended so that it can come again: no block looks back at one before.
        deflater.compress_vec(&vec![0; 1 << 20], &mut mebibyte, FlushCompress::Full).expect("into memory");
        let mut keys = Vec::with_capacity(1 << 10);
        let mut of_keys = Compress::new(Compression::best(), false);
        of_keys
            .compress_vec(&DataSet::explicit().with_keys().bytes, &mut keys, FlushCompress::Full)
            .expect("into memory");
        [meta(DEFLATED), keys, mebibyte.repeat(8192)].concat()
    }),
    ("a claim of 4 GiB", |_| {
        let mut set = DataSet::explicit().with_keys();
        set.header(0x0020_4000, b"UT", 0xFFFF_FFFE);
        set.file()
    }),
    ("200,000 deep", |_| nested(200_000).file()),
    ("200,000 deep in UN", |_| {
        filled(DataSet::explicit(), 200_000 * 20, |set, _| {
            set.header(SOURCE_IMAGES, b"UN", UNDEFINED);
            set.item(ITEM, UNDEFINED);
        })
    }),
    ("a million empty items", |_| sequence(8_000_000, SEGMENTS, |set, _| set.item(ITEM, 0))),
    ("bomb of zeros", |n| bomb(n, |set| set.bytes.extend([0; 4096]))),
    ("bomb of empty elements", |n| bomb(n, |set| set.element(MODALITY, b"CS", b""))),
    ("bomb of unknown VRs", |n| bomb(n, |set| set.element(0x0010_1010, b"ZZ", b""))),
    ("bomb of unknown tags", |n| bomb(n, |set| set.element(0x0010_0001, b"UN", b""))),
    ("bomb of empty items", |n| {
        let mut set = DataSet::explicit().with_keys();
        set.header(SEGMENTS, b"SQ", UNDEFINED);
        set.fill(n, |set, _| set.item(ITEM, 0));
        set.deflated_file()
    }),
    ("bomb of one text", |n| {
        let mut set = DataSet::explicit().with_keys();
        set.element(0x0020_4000, b"UT", &vec![b'A'; n]);
        set.deflated_file()
    }),
    ("bomb of nesting", |n| nested(n / 20).deflated_file()),
    ("bomb of texts beyond ASCII, 256 deep", |n| {
        let mut set = nested(256);
        set.element(CHARACTER_SET, b"CS", b"");
        set.fill(n, |set, _| set.element(0x0010_0010, b"LO", HIGH_LATIN));
        set.deflated_file()
    }),
];

fn filled(set: DataSet, bytes: usize, write: fn(&mut DataSet, usize)) -> Vec<u8> {
    let mut set = set.with_keys();
    set.fill(bytes, write);
    set.file()
}

fn bomb(bytes: usize, write: fn(&mut DataSet)) -> Vec<u8> {
    let mut set = DataSet::explicit().with_keys();
    set.fill(bytes, |set, _| write(set));
    set.deflated_file()
}

fn items(set: &mut DataSet, bytes: usize, tag: u32, write: fn(&mut DataSet, usize)) {
    set.header(tag, b"SQ", UNDEFINED);
    set.fill(bytes, write);
    set.delimit_sequence();
}

fn sequence(bytes: usize, tag: u32, write: fn(&mut DataSet, usize)) -> Vec<u8> {
    let mut set = DataSet::explicit().with_keys();
    items(&mut set, bytes, tag, write);
    set.file()
}

fn large_character_set(bytes: usize) -> DataSet {
    let mut set = DataSet::explicit();
    set.element(
        CHARACTER_SET,
        b"UN",
        &vec![b' '; bytes / 4].into_iter().chain(*b"ISO_IR 192").chain(vec![b'\\'; bytes / 4]).collect::<Vec<_>>(),
    );
    set.with_keys()
}

fn one_value(tag: u32, value: Vec<u8>) -> Vec<u8> {
    let mut set = DataSet::implicit().with_keys();
    set.element(tag, b"UN", &value);
    set.file()
}

fn escapes(bytes: usize, again: &[u8]) -> Vec<u8> {
    let mut set = DataSet::implicit();
    set.element(CHARACTER_SET, b"CS", b"\\ISO 2022 IR 87");
    let mut set = set.with_keys();
    set.element(0x0010_0010, b"PN", &again.repeat(bytes / again.len()));
    set.file()
}

fn long_key(bytes: usize, tag: u32) -> Vec<u8> {
    let mut set = DataSet::implicit().with_keys();
    set.element(tag, b"UN", &vec![0xE4; bytes.saturating_sub(4096)]);
    set.element(0x0010_0030, b"DA", b"x");
    for at in 0..16 {
        set.element(0x0018_0000 + at, b"UN", b"x");
    }
    set.header(SEGMENTS, b"SQ", UNDEFINED);
    for _ in 0..256 {
        set.item(ITEM, 8);
        set.element(0x0062_0004, b"US", b"");
        set.item(ITEM, 9);
        set.element(0x0062_0004, b"US", b"x");
    }
    set.delimit_sequence();
    set.file()
}

fn nested(depth: usize) -> DataSet {
    let mut set = DataSet::explicit().with_keys();
    for _ in 0..depth {
        set.header(SOURCE_IMAGES, b"SQ", UNDEFINED);
        set.item(ITEM, UNDEFINED);
    }
    set
}
