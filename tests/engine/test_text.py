"""Text: each character set that real names come in, and bytes that none declares (PS3.5 6.1, annexes H to K)."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.engine.builder import E, meta, part10, with_elements
from tests.engine.conftest import ScanBytes, both_engines

UNDECLARED = "undeclared-character-set"
UNDECODABLE = "undecodable-text"
NONSTANDARD = "nonstandard-character-set"

# (0008,0005), bytes, is it a name, text, code
TEXTS: list[tuple[bytes | None, bytes, bool, str, str | None]] = [
    (None, b"Doe^John", True, "Doe^John", None),
    (None, "Müller".encode(), True, "Müller", UNDECLARED),
    (None, "Müller".encode("latin-1"), True, "Müller", UNDECLARED),
    (b"ISO_IR 6", "Müller".encode("latin-1"), True, "Müller", UNDECLARED),
    (b"ISO_IR 100", "Äneas^Rüdiger".encode("latin-1"), True, "Äneas^Rüdiger", None),
    (b"ISO_IR 101", "Wałęsa".encode("iso8859_2"), True, "Wałęsa", None),
    (b"ISO_IR 109", "ĉefo".encode("iso8859_3"), True, "ĉefo", None),
    (b"ISO_IR 110", "ūdens".encode("iso8859_4"), True, "ūdens", None),
    (b"ISO_IR 126", "Διονυσιος".encode("iso8859_7"), True, "Διονυσιος", None),
    (b"ISO_IR 127", "قباني^لنزار".encode("iso8859_6"), True, "قباني^لنزار", None),
    (b"ISO_IR 138", "שרון^דבורה".encode("iso8859_8"), True, "שרון^דבורה", None),
    (b"ISO_IR 144", "Люкceмбypг".encode("iso8859_5"), True, "Люкceмбypг", None),
    (b"ISO_IR 148", "Çavuşoğlu".encode("iso8859_9"), True, "Çavuşoğlu", None),
    (b"ISO_IR 166", "นามสกุล".encode("iso8859_11"), True, "นามสกุล", None),
    (b"ISO_IR 203", "Œuvre €".encode("iso8859_15"), True, "Œuvre €", None),
    (b"ISO_IR 192", "Wang^XiaoDong=王^小东=".encode(), True, "Wang^XiaoDong=王^小东=", None),
    (b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), True, "Wang^XiaoDong=王^小东", None),
    (b"GBK", "王^小东".encode("gbk"), True, "王^小东", None),
    # misspelt terms, and names of the same sets outside DICOM
    (b"ISO-IR 100 ", b"\xc4", True, "Ä", NONSTANDARD),
    (b"ISO IR 192", "Ä".encode(), True, "Ä", NONSTANDARD),
    (b"iso_ir_192", "Ä".encode(), True, "Ä", NONSTANDARD),
    (b"latin1", b"\xc4", True, "Ä", NONSTANDARD),
    (b"UTF-8", "Ä".encode(), True, "Ä", NONSTANDARD),
    (b"KLINGON", b"A", True, "A", NONSTANDARD),
    # a UTF-8 that others stand beside, against PS3.3 C.12.1.1.2
    (b"ISO_IR 192\\ISO 2022 IR 87", "Ä".encode(), True, "Ä", None),
    (b"\\ISO_IR 192", "Ä".encode(), True, "Ä", UNDECLARED),
    # PS3.5 annex H: Japanese
    (
        b"\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        True,
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        None,
    ),
    (
        b"ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        True,
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        None,
    ),
    (b"ISO_IR 13", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", True, "ﾔﾏﾀﾞ^ﾀﾛｳ", None),
    (b"\\ISO 2022 IR 87\\ISO 2022 IR 159", b"\x1b$(D;3\x1b(B^\x1b$B;3\x1b(B", True, "岦^山", None),
    # the second byte of a character may be a backslash, a caret or an equals sign
    (b"\\ISO 2022 IR 87", b"\x1b$B%\\%^%=\x1b(B\\x", False, "ボマソ\\x", None),
    (b"GBK", "乗\\x".encode("gbk"), False, "乗\\x", None),
    (b"GB18030", "\U00020000\\乗".encode("gb18030"), False, "\U00020000\\乗", None),
    # PS3.5 annex I: Korean, invoked anew after each delimiter
    (
        b"\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        True,
        "Hong^Gildong=洪^吉洞=홍^길동",
        None,
    ),
    (b"\\ISO 2022 IR 149", b"\x1b$)C\xb1\xe6\xb5\xbf\r\n\x1b$)C\xb1\xe6\xb5\xbf", False, "길동\r\n길동", None),
    # PS3.5 annex K: simplified Chinese in code extensions
    (b"\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=", True, "Zhang^XiaoDong=张^小东=", None),
    # several single-byte sets
    (b"ISO 2022 IR 100\\ISO 2022 IR 144", b"\xc4^\x1b-L\xbb\xee^\xc4", True, "Ä^Лю^Ä", None),
    # an escape sequence that nothing declares still says what it says
    (b"ISO_IR 100", b"\x1b$B;3ED\x1b(B", True, "山田", UNDECLARED),
    (None, b"\x1b$B;3ED\x1b(B", True, "山田", UNDECLARED),
    # what can't be decoded
    (b"ISO_IR 192", b"M\xfcller", True, "M�ller", UNDECODABLE),
    (b"\\ISO 2022 IR 87", b"\x1b$B;\x1b(B", True, "�", UNDECODABLE),
    (b"ISO_IR 166", b"\xff", True, "�", UNDECODABLE),
    (b"ISO_IR 100", b"\x1b%Gx", True, "�x", UNDECODABLE),
]


UNLIKE_PYDICOM: dict[tuple[bytes | None, bytes], str] = {
    (b"ISO_IR 203", "Œuvre €".encode("iso8859_15")): "ISO_IR 203 is in PS3.3 since 2023; pydicom does not know it",
    (b"\\ISO 2022 IR 58", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="): "pydicom leaves the escape sequences of GB 2312",
    (b"ISO_IR 100", b"\x1b$B;3ED\x1b(B"): "pydicom leaves escape sequences that are not declared",
    (None, b"\x1b$B;3ED\x1b(B"): "pydicom leaves escape sequences that are not declared",
    (b"\\ISO 2022 IR 87", b"\x1b$B;\x1b(B"): "pydicom takes the first encoding for bytes that it can't decode",
}
"""Texts that pydicom reads otherwise, and why."""


@both_engines
@pytest.mark.parametrize("case", TEXTS)
def test_bytes_become_text(engine: str, scan_bytes: ScanBytes, case: tuple[bytes | None, bytes, bool, str, str | None]) -> None:
    """Bytes are the text that their character set says, with the finding that it says; pydicom reads them as far as it can."""
    term, value, is_name, text, code = case
    if engine == "pydicom" and (term, value) in UNLIKE_PYDICOM:
        pytest.skip(UNLIKE_PYDICOM[term, value])
    keyword = "PatientName" if is_name else "PatientComments"
    declared = [] if term is None else [E.element("SpecificCharacterSet", term)]
    scanned = scan_bytes(with_elements(*declared, E.element(keyword, value)))
    assert scanned.value(keyword) == (text.rstrip("=") if is_name else text)
    assert scanned.codes() == ({code} if code else set())


@both_engines
@pytest.mark.parametrize(("value", "text"), [("Ü".encode(), "Ü"), (b"\xdc", "Ü"), (b"CT", "CT")])
def test_code_strings_have_no_character_set(scan_bytes: ScanBytes, value: bytes, text: str) -> None:
    """VRs of the default repertoire don't take (0008,0005): bytes that are not ASCII there are undeclared."""
    scanned = scan_bytes(with_elements(E.element("SpecificCharacterSet", "ISO_IR 144"), E.element("BodyPartExamined", value)))
    assert scanned.value("BodyPartExamined") == text
    assert scanned.codes() == (set() if value.isascii() else {UNDECLARED})


@both_engines
def test_values_are_split_after_decoding(scan_bytes: ScanBytes) -> None:
    """A backslash that is half of a character does not split values."""
    versions = E.element("SoftwareVersions", "乗\\乗".encode("gbk"))
    scanned = scan_bytes(with_elements(E.element("SpecificCharacterSet", "GBK"), versions))
    assert scanned.value("SoftwareVersions") == ["乗", "乗"]
    assert scanned.codes() == set()


@both_engines
def test_items_have_character_sets_of_their_own(scan_bytes: ScanBytes) -> None:
    """An item's own (0008,0005) rules inside it; an item without one inherits."""
    first, second = (E.element("SegmentNumber", number) for number in (b"\1\0", b"\2\0"))
    own = E.element("SpecificCharacterSet", "ISO_IR 192") + first + E.element("SegmentLabel", "Ä".encode())
    inherited = second + E.element("SegmentLabel", b"\xc4")
    scanned = scan_bytes(with_elements(E.element("SpecificCharacterSet", "ISO_IR 100"), E.sequence("SegmentSequence", own, inherited)))
    assert scanned.value("Segment_SegmentLabel") == ["Ä", "Ä"]
    assert scanned.codes() == set()


def test_character_set_that_comes_late(scan_bytes: ScanBytes) -> None:
    """A character set counts for the whole data set, wherever it stands."""
    data_set = with_elements(E.element("PatientName", b"\xc4neas"))[132:] + E.element("SpecificCharacterSet", "ISO_IR 100")
    scanned = scan_bytes(part10(b"", data_set))
    assert scanned.value("PatientName") == "Äneas"
    assert scanned.codes() == {"out-of-order"}


@both_engines
def test_character_set_does_not_reach_group_2(scan_bytes: ScanBytes) -> None:
    """The character set is the data set's (PS3.3 C.12.1.1.2): texts of group 2 are of the default repertoire, whatever it says."""
    group_2 = meta()[12:] + E.element("ImplementationVersionName", b"\xc4")
    group_2 = E.element("FileMetaInformationGroupLength", struct.pack("<L", len(group_2))) + group_2
    data_set = with_elements(E.element("SpecificCharacterSet", "ISO_IR 144"), E.element("PatientName", b"\xc4"))[132 + len(meta()) :]
    scanned = scan_bytes(part10(data_set, group_2))
    assert (scanned.value("ImplementationVersionName"), scanned.value("PatientName")) == ("Ä", "Ф")
    assert scanned.finding("undeclared-character-set")["element_path"] == "ImplementationVersionName"


def test_character_set_without_end(scan_bytes: ScanBytes) -> None:
    """Of (0008,0005) the first KiB is looked at, so that a file can't make every text of it dear."""
    for filling, codes in ((1000, set()), (1024, {UNDECLARED})):
        term = E.element("SpecificCharacterSet", b"\\" * filling + b"ISO 2022 IR 144")
        scanned = scan_bytes(with_elements(term, E.element("PatientName", b"\x1b-L\xc4")))
        assert scanned.value("PatientName") == "Ф"
        assert scanned.codes() == codes


@both_engines
def test_texts_are_valid_utf8(scan_bytes: ScanBytes) -> None:
    """Whatever bytes a text is, its cell can be written as UTF-8."""
    every: Any = bytes(byte for byte in range(1, 256) if byte != 0x5C)
    for term in ("ISO_IR 192", "GB18030", "\\ISO 2022 IR 87", "ISO_IR 13", ""):
        scanned = scan_bytes(with_elements(E.element("SpecificCharacterSet", term), E.element("PatientName", every)))
        assert scanned.value("PatientName").encode("utf-8")


def test_same_bytes_under_two_character_sets(scan_bytes: ScanBytes) -> None:
    """Bytes that mean something else under another character set are not taken for what they meant before."""
    name = b"\x1b$B;3ED\x1b(B"
    item = E.element("SegmentLabel", name)
    utf8, japanese = E.element("SpecificCharacterSet", "ISO_IR 192"), E.element("SpecificCharacterSet", "\\ISO 2022 IR 87")
    scanned = scan_bytes(with_elements(E.sequence("SegmentSequence", japanese + item, utf8 + item, japanese + item)))
    assert scanned.value("Segment_SegmentLabel") == ["山田", "�;3ED�", "山田"]
