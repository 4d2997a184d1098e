//! What the decoder makes of bytes, as a table: the values that it keeps by column, the code, and the codes of its findings.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says loudly what went wrong, in its helpers too"
)]

mod files;

use dicomlake_core::error::{FileCode, FindingCode};
use dicomlake_core::header::HeaderDecoder;
use files::{
    B, BIG_ENDIAN, DEFLATED, E, EXPLICIT, I, IMPLICIT, ITEM, ITEM_END, LIMIT, SEQUENCE_END, UNDEFINED, cell,
    decode_whole, deflated, part10, plan,
};

/// Columns of `files::plan`.
const UID: usize = 0;
const MODALITY: usize = 1;
const NAME: usize = 2;
const PATIENT: usize = 3;
const NUMBER: usize = 4;
const LABELS: usize = 6;
const NESTED_LABELS: usize = 7;
const PRIVATE: usize = 8;
const SYNTAX: usize = 9;

/// What a row is called, its bytes, what some columns hold, the code, and the codes of the findings in order.
type Row = (&'static str, Vec<u8>, Vec<(usize, Option<&'static str>)>, Option<FileCode>, Vec<FindingCode>);

fn check(rows: Vec<Row>) {
    let plan = plan();
    let mut decoder = HeaderDecoder::new(&plan, LIMIT);
    for (name, data, columns, code, findings) in rows {
        decoder.begin(None);
        decode_whole(&mut decoder, &plan, &data);
        for (column, expected) in columns {
            assert_eq!(cell(&decoder, column).as_deref(), expected, "{name}, column {column}");
        }
        let found = &decoder.header.found;
        assert_eq!(found.defect.as_ref().map(|defect| defect.code), code, "{name}: {:?}", found.defect);
        let codes: Vec<_> = found.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(
            codes,
            findings.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
            "{name}: {:?}",
            found.findings
        );
    }
}

fn explicit(parts: &[Vec<u8>]) -> Vec<u8> {
    part10(EXPLICIT, &[E.keys(), parts.concat()].concat())
}

fn label(text: &str) -> Vec<u8> {
    E.element(0x0062_0005, "LO", text)
}

#[test]
fn files_are_known_by_content() {
    use FindingCode::{MissingFileMeta, MissingPreamble, WrongTransferSyntax};
    let keys = |syntax| vec![(UID, Some("1.2.3\0")), (MODALITY, Some("CT")), (SYNTAX, syntax)];
    let without_meta = [&[0; 128][..], b"DICM", &E.keys()].concat();
    let without_preamble = part10(EXPLICIT, &E.keys())[132..].to_vec();
    let prefix_alone = part10(EXPLICIT, &E.keys())[128..].to_vec();
    let command_set =
        [I.element(0, "UL", 12_u32.to_le_bytes()), I.element(0x0000_0100, "US", [1, 0, 0, 0]), I.keys()].concat();
    check(vec![
        ("explicit", part10(EXPLICIT, &E.keys()), keys(Some("1.2.840.10008.1.2.1\0")), None, vec![]),
        ("implicit", part10(IMPLICIT, &I.keys()), keys(Some("1.2.840.10008.1.2\0")), None, vec![]),
        ("big endian", part10(BIG_ENDIAN, &B.keys()), keys(Some("1.2.840.10008.1.2.2\0")), None, vec![]),
        ("deflated", part10(DEFLATED, &deflated(&E.keys())), keys(Some(DEFLATED)), None, vec![]),
        ("without meta", without_meta, keys(None), None, vec![MissingFileMeta]),
        ("without preamble", without_preamble, keys(Some("1.2.840.10008.1.2.1\0")), None, vec![MissingPreamble]),
        ("prefix alone", prefix_alone, keys(Some("1.2.840.10008.1.2.1\0")), None, vec![MissingPreamble]),
        ("a data set alone", I.keys(), keys(None), None, vec![MissingPreamble, MissingFileMeta]),
        (
            "wrong syntax",
            part10(IMPLICIT, &E.keys()),
            keys(Some("1.2.840.10008.1.2\0")),
            None,
            vec![WrongTransferSyntax],
        ),
        (
            "wrong byte order",
            part10(EXPLICIT, &B.keys()),
            keys(Some("1.2.840.10008.1.2.1\0")),
            None,
            vec![WrongTransferSyntax],
        ),
        ("a command set before it", part10(IMPLICIT, &command_set), keys(Some("1.2.840.10008.1.2\0")), None, vec![]),
        ("nothing", vec![], vec![], Some(FileCode::EmptyFile), vec![]),
        ("text", b"0123456789".repeat(30), vec![], Some(FileCode::NotDicom), vec![]),
        ("zeros", vec![0; 1000], vec![], Some(FileCode::NotDicom), vec![]),
        (
            "an unknown syntax",
            part10("1.2.3.4", b"\x93\x17\xfe".repeat(20).as_slice()),
            vec![],
            Some(FileCode::UnsupportedTransferSyntax),
            vec![],
        ),
        (
            "a bad deflate block",
            part10(DEFLATED, b"\x07\xff\xff".repeat(8).as_slice()),
            vec![],
            Some(FileCode::CorruptDeflate),
            vec![],
        ),
        // RFC 1951 3.2.3: a distance must not reach before the first byte of the output.
        (
            "a distance before the beginning",
            part10(DEFLATED, &[&[0xE3, 0x60, 0x00, 0x62, 0x00][..], &[0; 32]].concat()),
            vec![],
            Some(FileCode::CorruptDeflate),
            vec![],
        ),
    ]);
}

#[test]
fn elements_however_they_stand() {
    use FindingCode::{OddLength, OutOfOrder, WrongVr};
    let number = E.element(0x0020_0013, "IS", "7");
    let found = |column, value| vec![(UID, Some("1.2.3\0")), (column, value)];
    let creator = E.element(0x0029_0010, "LO", "SIEMENS CSA HEADER");
    let private = E.element(0x0029_1010, "OB", "csa!");
    let other = E.element(0x0029_0010, "LO", "ANOTHER");
    let cut = explicit(std::slice::from_ref(&number));
    let switched = [E.element(0x0010_0020, "LO", "ID"), I.element(0x0018_1000, "LO", "S1"), number.clone()];
    check(vec![
        (
            "an odd length",
            explicit(&[E.claiming(0x0010_0020, "LO", 3, b"odd"), number.clone()]),
            found(PATIENT, Some("odd")),
            None,
            vec![OddLength],
        ),
        (
            "out of order",
            explicit(&[number.clone(), E.element(0x0010_0020, "LO", "ID")]),
            found(PATIENT, Some("ID")),
            None,
            vec![OutOfOrder],
        ),
        (
            "twice",
            explicit(&[number.clone(), E.element(0x0020_0013, "IS", "8")]),
            found(NUMBER, Some("8 ")),
            None,
            vec![OutOfOrder],
        ),
        (
            "a VR that there is none",
            explicit(&[E.claiming(0x0018_1000, "ZZ", 2, b"ab"), number.clone()]),
            found(NUMBER, Some("7 ")),
            None,
            vec![],
        ),
        ("implicit in between", explicit(&switched), found(NUMBER, Some("7 ")), None, vec![WrongVr]),
        ("private", explicit(&[creator.clone(), private.clone()]), found(PRIVATE, Some("csa!")), None, vec![]),
        ("of another creator", explicit(&[other, private.clone()]), found(PRIVATE, None), None, vec![]),
        ("of no creator", explicit(&[private]), found(PRIVATE, None), None, vec![]),
        ("cut in a value", cut[..cut.len() - 1].to_vec(), found(NUMBER, None), Some(FileCode::Truncated), vec![]),
        ("cut in a header", cut[..cut.len() - 7].to_vec(), found(NUMBER, None), Some(FileCode::Truncated), vec![]),
        (
            "bytes that are none",
            explicit(&[number.clone(), b"\x21\x10\x33\x77\x01\x02\xff\xff\xff\xff\xff".to_vec()]),
            found(NUMBER, Some("7 ")),
            Some(FileCode::CorruptElement),
            vec![WrongVr],
        ),
    ]);
}

#[test]
fn sequences_however_they_stand() {
    use FindingCode::OutOfOrder;
    const SEGMENTS: u32 = 0x0062_0002;
    let (a, b) = (label("a"), label("b"));
    let both = Some("a |b ");
    let after = E.element(0x0066_0030, "SQ", []);
    let implicit = I.item(&I.element(0x0062_0005, "LO", "a"));
    let un = |content: &[u8]| E.element(SEGMENTS, "UN", content);
    let open_un = [E.claiming(SEGMENTS, "UN", UNDEFINED, &[]), implicit.clone(), E.mark(SEQUENCE_END, 0)].concat();
    let nested = E.sequence(0x0008_1140, &[E.item(&a), E.item(&[]), E.item(&b)]);
    let stray =
        [E.mark(ITEM, UNDEFINED), E.element(0x0010_0020, "LO", "no"), E.mark(ITEM_END, 0), E.mark(SEQUENCE_END, 0)]
            .concat();
    let too_long = [E.claiming(SEGMENTS, "SQ", 18, &[]), E.mark(ITEM, 100), a.clone(), after.clone()].concat();
    let one = |sequence: Vec<u8>, value, code, findings| {
        ("", explicit(&[sequence]), vec![(NAME, Some("Doe^J ")), (LABELS, value)], code, findings)
    };
    check(vec![
        one(E.sequence(SEGMENTS, &[E.item(&a), E.item(&b)]), both, None, vec![]),
        one(E.sequence(SEGMENTS, &[E.open_item(&a), E.open_item(&b)]), both, None, vec![]),
        one(E.open_sequence(SEGMENTS, &[E.item(&a), E.open_item(&b)]), both, None, vec![]),
        one(E.sequence(SEGMENTS, &[E.item(&a), E.item(&[]), E.item(&b)]), Some("a |-|b "), None, vec![]),
        one(E.sequence(SEGMENTS, &[]), None, None, vec![]),
        one(un(&implicit), Some("a "), None, vec![]),
        one(un(&E.item(&a)), Some("a "), None, vec![]),
        one(open_un, Some("a "), None, vec![]),
        one(
            [E.claiming(SEGMENTS, "SQ", UNDEFINED, &[]), E.item(&a), after].concat(),
            Some("a "),
            Some(FileCode::CorruptElement),
            vec![],
        ),
        one(
            [E.open_sequence(SEGMENTS, &[E.item(&a), E.mark(ITEM_END, 0)])].concat(),
            Some("a "),
            None,
            vec![OutOfOrder],
        ),
        one(
            E.open_sequence(SEGMENTS, &[[E.mark(ITEM, UNDEFINED), a.clone()].concat()]),
            Some("a "),
            None,
            vec![OutOfOrder],
        ),
        one(too_long, Some("a "), Some(FileCode::CorruptElement), vec![]),
        one([stray, E.sequence(SEGMENTS, &[E.item(&a)])].concat(), Some("a "), None, vec![OutOfOrder]),
        (
            "the second item's items",
            explicit(&[E.sequence(SEGMENTS, &[E.item(&a), E.item(&nested)])]),
            vec![(LABELS, Some("a |-")), (NESTED_LABELS, Some("a |-|b ")), (PATIENT, None)],
            None,
            vec![],
        ),
    ]);
}

/// What is nested too deep is walked past, and what follows is read.
#[test]
fn nesting() {
    for levels in [255_usize, 256, 257, 300, 100_000] {
        let open = [E.claiming(0x0008_1115, "SQ", UNDEFINED, &[]), E.mark(ITEM, UNDEFINED)].concat().repeat(levels);
        let end = [E.mark(ITEM_END, 0), E.mark(SEQUENCE_END, 0)].concat().repeat(levels);
        let code = (levels > 256).then_some(FileCode::NestingTooDeep);
        let findings = vec![FindingCode::OutOfOrder];
        let data = explicit(&[open, end, E.element(0x0020_0013, "IS", "7")]);
        check(vec![("nested", data, vec![(NUMBER, Some("7 "))], code, findings)]);
    }
}

/// The codes are those of Python, which a test there holds them to; here, that texts and codes are one to one.
#[test]
fn codes_and_texts() {
    for code in FileCode::ALL {
        assert_eq!(FileCode::of(code.as_str()), Some(code));
    }
    assert_eq!(FileCode::of("no-code"), None);
    let mut texts: Vec<_> =
        FileCode::ALL.map(FileCode::as_str).into_iter().chain(FindingCode::ALL.map(FindingCode::as_str)).collect();
    let count = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), count);
}
