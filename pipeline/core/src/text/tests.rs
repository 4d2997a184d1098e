//! Tables of bytes and the text that they become. Python's codecs give the same for each row.

use std::borrow::Cow;

use crate::error::FindingCode::{self, UndeclaredCharacterSet, UndecodableText};

use super::two_byte::{self, TwoByteSet};
use super::{CharacterSet, decode_default, decode_text, is_standard_character_set, raw_text};

/// (0008,0005), the bytes, the text, and what is found wrong.
type Row = (&'static [u8], &'static [u8], &'static str, Option<FindingCode>);

fn check(rows: &[Row], is_name: bool) {
    for &(set, value, text, finding) in rows {
        let decoded = decode_text(value, &CharacterSet::of(Some(set)), is_name);
        assert_eq!((&*decoded.text, decoded.finding), (text, finding), "{} of {}", raw_text(value), raw_text(set));
    }
}

/// The examples of PS3.5: annex H (Japanese), I (Korean), J (Unicode, GB 18030, GBK) and K (Chinese with extensions).
#[test]
fn names_of_the_standard() {
    check(
        &[
            (
                b"\\ISO 2022 IR 87",
                b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
                "Yamada^Tarou=山田^太郎=やまだ^たろう",
                None,
            ),
            (
                b"ISO 2022 IR 13\\ISO 2022 IR 87",
                b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
                "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
                None,
            ),
            (
                b"\\ISO 2022 IR 149",
                b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
                "Hong^Gildong=洪^吉洞=홍^길동",
                None,
            ),
            (
                b"ISO_IR 192",
                b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=",
                "Wang^XiaoDong=王^小東=",
                None,
            ),
            (b"GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东=", None),
            (b"GBK", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东=", None),
            (
                b"\\ISO 2022 IR 58",
                b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
                "Zhang^XiaoDong=张^小东=",
                None,
            ),
        ],
        true,
    );
    // I.3 and K.3: lines of text, at the start of which the set must be put in place anew.
    check(
        &[
            (
                b"\\ISO 2022 IR 149",
                b"\x1b$)CThe first line includes \xc7\xd1\xb1\xdb.\r\n\x1b$)CThe second line includes \xc7\xd1\xb1\xdb, too.\r\nThe third line",
                "The first line includes 한글.\r\nThe second line includes 한글, too.\r\nThe third line",
                None,
            ),
            (
                b"\\ISO 2022 IR 58",
                b"\x1b$)AThe first line includes \xd6\xd0\xce\xc4.\r\n\x1b$)AThe second line includes \xd6\xd0\xce\xc4, too.\r\nThe third line",
                "The first line includes 中文.\r\nThe second line includes 中文, too.\r\nThe third line",
                None,
            ),
        ],
        false,
    );
}

#[test]
fn sets_of_one_byte() {
    check(
        &[
            (b"ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme", None),
            (b"ISO_IR 101", b"Wa\xb3\xeasa", "Wałęsa", None),
            (b"ISO_IR 109", b"\xa6\xb6\xa5", "Ĥĥ\u{FFFD}", Some(UndecodableText)),
            (b"ISO_IR 110", b"\xd0\xb9", "Đš", None),
            (b"ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος", None),
            (b"ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار", None),
            (b"ISO_IR 138", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה", None),
            (b"ISO_IR 144", b"\xbb\xee\xda\x63\x65\xdc\xd1\xe3\xe0\xd3", "Люкceмбург", None),
            (b"ISO_IR 148", b"\xc7avu\xfeo\xf0lu", "Çavuşoğlu", None),
            (b"ISO_IR 166", b"\xb9\xd2\xc1\xca\xa1\xd8\xc5", "นามสกุล", None),
            (b"ISO_IR 203", b"\xa4", "€", None),
            (b"ISO_IR 13", b"\xd4\xcf\xc0\xde \\ ~", "ﾔﾏﾀﾞ \\ ~", None),
        ],
        true,
    );
}

#[test]
fn terms_as_writers_write_them() {
    let latin_1: [&[u8]; 7] =
        [b"ISO_IR 100", b"ISO_IR 100 \0 ", b"ISO-IR-100", b"isoir100", b"ISO 2022 IR 100", b"latin1", b"ISO 8859-1"];
    for set in latin_1 {
        check(&[(set, b"\xe9", "é", None)], false);
    }
    let default: [&[u8]; 5] = [b"", b"ISO_IR 6", b"\\ISO_IR 100", b"nonsense", b"ISO_IR\xdf100"];
    for set in default {
        check(&[(set, b"\xe9", "é", Some(UndeclaredCharacterSet))], false);
        check(&[(set, b"\xd0\x94", "Д", Some(UndeclaredCharacterSet))], false);
    }
    assert_eq!(CharacterSet::of(None), CharacterSet::default());
    assert_eq!(CharacterSet::of(Some(b"ISO_IR 6 ")), CharacterSet::default());
}

#[test]
fn terms_that_others_use() {
    check(
        &[
            (b"GB2312", b"\xcd\xf5\xe9F", "王镕", None),
            (b"ISO_IR 58", b"\xcd\xf5", "王", None),
            (b"ISO_IR 149", b"\xb1\xe6", "길", None),
            (b"UTF-8", b"\xc3\xa9", "é", None),
            (b"SHIFT_JIS", b"\x8eR", "山", None),
        ],
        false,
    );
    let standard: [&[u8]; 8] = [
        b"",
        b"ISO_IR 100",
        b" ISO_IR 192 \0",
        b"\\ISO 2022 IR 87",
        b"GBK",
        b"ISO 2022 IR 13\\ISO 2022 IR 159",
        b"GB18030",
        b"ISO_IR 6",
    ];
    assert!(standard.into_iter().all(is_standard_character_set));
    let otherwise: [&[u8]; 7] =
        [b"GB2312", b"ISO_IR 58", b"ISO-IR 100", b"UTF-8", b"iso_ir 100", b"ISO_IR 100\\X", b"ISO 2022 IR 192"];
    assert!(!otherwise.into_iter().any(is_standard_character_set));
}

#[test]
fn what_stands_in_place_of_malformed_bytes() {
    check(
        &[
            (b"ISO_IR 192", b"a\xe7\x8eb\xff", "a\u{FFFD}b\u{FFFD}", Some(UndecodableText)),
            (b"ISO_IR 13", b"\x81\x00\x83\\", "\u{FFFD}\0ソ", Some(UndecodableText)),
            (b"GBK", b"\xcd\xf5\x81", "王\u{FFFD}", Some(UndecodableText)),
            (b"GB18030", b"\x81\x30\x84\x36\x80\x31z", "¥\u{FFFD}", Some(UndecodableText)),
            (b"GB18030", b"\x81\x30\xff\x30", "\u{FFFD}0\u{FFFD}", Some(UndecodableText)),
            // A four-byte sequence that the end of the value cuts off is one character that is none.
            (b"GB18030", b"\x90\x30\x81\x30\x81\x30\x81", "\u{10000}\u{FFFD}", Some(UndecodableText)),
        ],
        false,
    );
}

#[test]
fn sets_of_two_bytes_are_whole() {
    let count = |set: &TwoByteSet| {
        let pairs = (0..=u8::MAX).flat_map(|lead| (0..=u8::MAX).map(move |trail| (lead, trail)));
        pairs.filter(|&(lead, trail)| set.character(lead, trail).is_some()).count()
    };
    assert_eq!(count(&two_byte::JIS_X_0208), 6_879);
    assert_eq!(count(&two_byte::JIS_X_0212), 6_067);
    assert_eq!(count(&two_byte::KS_X_1001), 8_226); // with the euro and the registered sign of 1998
    assert_eq!(count(&two_byte::GB_2312), 7_445);
    assert_eq!(count(&two_byte::GBK), 21_791);
    assert_eq!(count(&two_byte::GB_18030), 126 * 190);
}

#[test]
fn syllables_spelled_in_letters() {
    check(
        &[
            (b"ISO 2022 IR 149", b"\xa4\xd4\xa4\xb2\xa4\xcc\xa4\xaa", "붉", None),
            (b"ISO 2022 IR 149", b"\xa4\xd4\xa4\xb2\xa4\xcc\xa4\xd4", "부", None),
            (b"ISO 2022 IR 149", b"\xa4\xd4\xa4\xb2\xa4\xcc\xa4", "\u{FFFD}", Some(UndecodableText)),
        ],
        false,
    );
}

#[test]
fn code_extensions_beyond_the_book() {
    check(
        &[
            // Not declared, but understood.
            (b"ISO_IR 100", b"\x1b$B;3ED\x1b(B", "山田", Some(UndeclaredCharacterSet)),
            (b"\\ISO 2022 IR 159", b"\x1b$(D0!\x1b(B", "丂", None),
            (b"\\ISO 2022 IR 87", b"\x1b$@;3", "山", None),
            // A delimiter puts the first value back; in a set of two bytes it can be half a character.
            (b"\\ISO 2022 IR 101", b"\x1b-B\xb3\\\xb3", "ł\\³", Some(UndeclaredCharacterSet)),
            (b"\\ISO 2022 IR 87", b"\x1b$B\\\\\\", "樛\\", None),
            (b"\\ISO 2022 IR 87", b"\x1b$B;3^;", "山淹", None),
            // An escape sequence that the standard does not list is no text.
            (b"\\ISO 2022 IR 87", b"\x1b[1m\x1b$B;3", "\u{FFFD}1m山", Some(UndecodableText)),
            (b"\\ISO 2022 IR 87", b"a\x1b(Zb", "a\u{FFFD}b", Some(UndecodableText)),
            (b"\\ISO 2022 IR 87", b"\x1b$B;3 ED\x7f", "山 田\u{7f}", None),
            (b"\\ISO 2022 IR 87", b"\x1b$B;3\x1b", "山\u{FFFD}", Some(UndecodableText)),
            // In an encoding that stands alone it has no meaning.
            (b"ISO_IR 192", b"\x1b$B\xc3\xa9", "\u{FFFD}é", Some(UndecodableText)),
            // These are RFC 1554's, and not DICOM's.
            (b"ISO 2022 IR 159", b"\x1b.F\x1bND\x1b$A0!", "\u{FFFD}\u{FFFD}D\u{FFFD}0!", Some(UndecodableText)),
        ],
        false,
    );
    check(&[(b"\\ISO 2022 IR 101", b"\x1b-B\xb3^\xb3", "ł^³", Some(UndeclaredCharacterSet))], true);
    check(&[(b"\\ISO 2022 IR 101", b"\x1b-B\xb3^\xb3", "ł^ł", None)], false);
}

#[test]
fn ascii_is_not_copied() {
    let set = CharacterSet::of(Some(b"ISO 2022 IR 87"));
    for value in [&b""[..], b"Doe^John", b"A B"] {
        let decoded = decode_text(value, &set, true);
        assert!(matches!(decoded.text, Cow::Borrowed(text) if text.as_bytes() == value));
        assert_eq!(decoded.finding, None);
        assert!(matches!(decode_default(value).text, Cow::Borrowed(_)));
    }
}

#[test]
fn default_repertoire_takes_what_stands_there() {
    for (value, text) in [(&b"\xe9"[..], "é"), (b"\xc3\xa9", "é"), (b"\xc3\xa9\xff", "Ã©ÿ")] {
        let decoded = decode_default(value);
        assert_eq!((&*decoded.text, decoded.finding), (text, Some(UndeclaredCharacterSet)));
    }
}

#[test]
fn raw_text_shows_bytes() {
    for (value, text) in [
        (&b"a b\0\n"[..], r"a b\x00\x0a"),
        (b"\xff\xc3\xa9\xc3", r"\xffé\xc3"),
        ("\u{A0}\u{200B}\u{E000}\u{2028}".as_bytes(), r"\xc2\xa0\xe2\x80\x8b\xee\x80\x80\xe2\x80\xa8"),
    ] {
        assert_eq!(raw_text(value), text);
    }
    assert_eq!(raw_text(&[b'a'; 5000]), "a".repeat(1024));
    assert_eq!(raw_text(&[0; 5000]), r"\x00".repeat(256));
    assert_eq!(raw_text(format!("\0a{}", "é".repeat(600)).as_bytes()), format!(r"\x00a{}", "é".repeat(509)));
}
