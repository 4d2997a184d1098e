//! Files made of files: bytes changed, moved, cut and put together, with an eye for what DICOM is made of.

use crate::random::Random;
use crate::writing::{DEFLATED, DataSet, UNDEFINED, deflate, meta};

/// Numbers that lengths and tags are made of.
const NUMBERS: [u32; 20] = [
    0,
    1,
    2,
    4,
    8,
    12,
    0x7F,
    0xFF,
    0x100,
    0x3FFF,
    0x4000,
    0x4001,
    0xFFFE,
    0xFFFF,
    0x1_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFF0,
    0xFFFF_FFFE,
    0xFFFF_FFFF,
];

/// Tags that mean something to the walk or a column.
const TAGS: [u32; 40] = [
    0x0002_0000,
    0x0002_0002,
    0x0002_0003,
    0x0002_0010,
    0x0004_1220,
    0x0008_0000,
    0x0008_0005,
    0x0008_0008,
    0x0008_0016,
    0x0008_0018,
    0x0008_0020,
    0x0008_0030,
    0x0008_002A,
    0x0008_0060,
    0x0008_1032,
    0x0008_1070,
    0x0008_1140,
    0x0008_1155,
    0x0008_2112,
    0x0009_0001,
    0x0009_0010,
    0x0009_1001,
    0x0009_1003,
    0x0010_0010,
    0x0010_0020,
    0x0018_1012,
    0x0020_0013,
    0x0028_0103,
    0x0028_0106,
    0x0028_1101,
    0x0029_0010,
    0x0029_1010,
    0x0040_0275,
    0x0062_0002,
    0x0062_0005,
    0x5200_9230,
    0x7FE0_0001,
    0x7FE0_0010,
    0xFFFC_FFFC,
    0xFFFE_E00D,
];

const VRS: &[u8; 68] = b"AEASATCSDADSDTFDFLISLOLTOBODOFOLOVOWPNSHSLSQSSSTSVTMUCUIULUNURUSUTUV";

/// Values, and parts of them.
const VALUES: [&[u8]; 28] = [
    b"ISO_IR 100",
    b"ISO_IR 192",
    b"\\ISO 2022 IR 87",
    b"GB18030",
    b"ISO 2022 IR 149\\ISO 2022 IR 58",
    b"\x1B$B",
    b"\x1B(B",
    b"\x1B$)C",
    b"\x1B-A",
    b"\xE4\xF6",
    b"\xE3\x81\x82",
    b"\\",
    b"\\\\\\\\",
    b"=",
    b"^",
    b"20240229",
    b"2024.01.01",
    b"235960",
    b"12:30",
    b"1e308",
    b"-1.5",
    b"9223372036854775808",
    b"1.2.840.10008.1.2",
    b"1.2.840.10008.1.2.1.99",
    b"DICOMLAKE",
    b"DICM",
    b"SIEMENS CSA HEADER",
    b"\0",
];

const STRUCTURE: [[u8; 8]; 6] = [
    [0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0],
    [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
    [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0],
    [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
    [0xFF, 0xFE, 0xE0, 0x00, 0, 0, 0, 8],
    [0xFF, 0xFE, 0xE0, 0xDD, 0, 0, 0, 0],
];

/// Makes an input of at most `most` bytes of seeds, of which there is at least one.
#[must_use]
pub fn input(random: &mut Random, seeds: &[Vec<u8>], most: usize) -> Vec<u8> {
    let mut input = if random.once_in(8) { written(random, most) } else { random.one_of(seeds).clone() };
    if random.once_in(16) {
        input = input[..random.below(input.len() + 1)].to_vec();
    }
    input.truncate(most);
    let several = 1 << random.below(5);
    for _ in 0..1 + random.below(several) {
        change(random, seeds, &mut input);
        input.truncate(most);
    }
    if random.once_in(24) {
        input = deflated(random, &input);
    }
    input
}

fn change(random: &mut Random, seeds: &[Vec<u8>], input: &mut Vec<u8>) {
    let length = input.len();
    let at = random.below(length + 1);
    let mut put = |bytes: &[u8], over: bool| {
        let end = if over { (at + bytes.len()).min(length) } else { at };
        input.splice(at..end, bytes.iter().copied());
    };
    let over = random.once_in(2);
    match random.below(13) {
        0 => put(&[random.number() as u8], over),
        1 => put(&NUMBERS[random.below(NUMBERS.len())].to_le_bytes(), over),
        2 => put(&(*random.one_of(&NUMBERS) as u16).to_le_bytes(), over),
        3 => put(&random.one_of(&TAGS).rotate_left(16).to_le_bytes(), over),
        4 => put(vr(random), over),
        5 => put(VALUES[random.below(VALUES.len())], over),
        6 => put(random.one_of(&STRUCTURE).as_slice(), over),
        7 => {
            let mut set = DataSet { explicit: random.once_in(2), ..DataSet::default() };
            element(random, &mut set);
            put(&set.bytes, over);
        }
        8 => {
            let seed = random.one_of(seeds);
            let from = random.below(seed.len() + 1);
            let to = from + random.below(seed.len() - from + 1).min(512);
            put(&seed[from..to], over);
        }
        9 if at < length => input[at] ^= 1 << random.below(8),
        10 => drop(input.drain(at..(at + random.below(64)).min(length))),
        11 => {
            let again = input[at..(at + random.below(64)).min(length)].to_vec();
            let times = 1 + random.below(8);
            input.splice(at..at, again.repeat(times));
        }
        12 => input.truncate(at),
        _ => {}
    }
}

fn vr(random: &mut Random) -> &'static [u8; 2] {
    let at = 2 * random.below(VRS.len() / 2);
    VRS[at..].first_chunk().expect("two letters")
}

fn element(random: &mut Random, set: &mut DataSet) {
    let mut tag = *random.one_of(&TAGS);
    if random.once_in(4) {
        tag = tag.wrapping_add(random.below(0x20) as u32);
    }
    let vr = if random.once_in(16) { &[random.number() as u8, random.number() as u8] } else { vr(random) };
    let value = random.one_of(&VALUES).repeat(random.below(4));
    if random.once_in(12) {
        set.header(tag, vr, *random.one_of(&NUMBERS));
        set.bytes.extend(value);
    } else {
        set.element(tag, vr, &value);
    }
}

/// A file written from nothing: elements, sequences and items, mostly closed.
fn written(random: &mut Random, most: usize) -> Vec<u8> {
    let mut set = DataSet { explicit: random.once_in(2), ..DataSet::default() };
    if !random.once_in(8) {
        set = set.with_keys();
    }
    let mut open: Vec<bool> = vec![];
    let length = random.below(most);
    while set.bytes.len() < length {
        match random.below(12) {
            0 => {
                set.header(*random.one_of(&TAGS), if random.once_in(3) { b"UN" } else { b"SQ" }, UNDEFINED);
                set.item(0xFFFE_E000, UNDEFINED);
                open.push(true);
            }
            1 if !open.is_empty() => {
                set.delimit_item();
                set.item(0xFFFE_E000, if random.once_in(2) { 0 } else { UNDEFINED });
            }
            2 | 3 => {
                if open.pop().is_some() {
                    set.delimit_item();
                    set.delimit_sequence();
                }
            }
            _ => element(random, &mut set),
        }
    }
    if random.once_in(4) { set.deflated_file() } else { set.file() }
}

/// A file again, with what stands behind its beginning deflated.
fn deflated(random: &mut Random, input: &[u8]) -> Vec<u8> {
    let from = [0, 132, 166, 300][random.below(4)].min(input.len());
    let mut file = meta(DEFLATED);
    let mut data = deflate(&input[from..]);
    if random.once_in(3) {
        let at = random.below(data.len());
        data[at] ^= 1 << random.below(8);
    }
    if random.once_in(6) {
        data.truncate(random.below(data.len() + 1));
    }
    file.extend(data);
    file
}
