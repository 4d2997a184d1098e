"""What is found wrong with a file, kept bounded: a file made to be wrong a million times is still one row and a few findings."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from dicomlake.errors import FileCode, FindingCode
from dicomlake.extract.pydicom_engine.levels import DataSet, label_of_tag, tag_text

STRUCTURAL_LIMIT = 16
"""The most findings of one code about the structure (odd lengths, order) that one file can make."""

FILE_LIMIT = 256
"""The most findings that one file can make."""

KEYS_LIMIT = 1 << 20
"""The most bytes that the keys of one file come to in its findings, each of which repeats them: keys of megabytes, which are none, would
make gigabytes."""

RAW_LIMIT = 1024
"""The most bytes of a value that a finding shows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect; the columns of `findings` less the keys. ``byte_offset`` is that of the value in the file."""

    level: str
    code: str
    message: str
    element_path: str | None = None
    tag: str | None = None
    byte_offset: int | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """Where reading stopped being right: the first place at which a header could not be read as it should."""

    code: FileCode
    message: str
    byte_offset: int | None = None
    element_path: str | None = None


@dataclass(slots=True)
class FoundInFile:
    """Gathers what is found in one file: its findings, and the first defect of its structure."""

    findings: list[Finding] = field(default_factory=list)
    defect: Defect | None = None
    _counts: dict[FindingCode, int] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Keep a finding, unless the file has made too many."""
        if len(self.findings) < FILE_LIMIT:
            self.findings.append(finding)

    def add_file(self, code: FindingCode, message: str) -> None:
        """Keep a finding about the file as a whole."""
        self.add(Finding("file", code, message))

    def add_structural(self, code: FindingCode, message: str, data_set: DataSet, tag: int, byte_offset: int | None) -> None:
        """Keep a finding about the way an element stands, unless the file has made too many of the kind."""
        count = self._counts.get(code, 0)
        if count < STRUCTURAL_LIMIT:
            self._counts[code] = count + 1
            self.add(Finding("value", code, message, data_set.path() + label_of_tag(tag), tag_text(tag), byte_offset))

    def stop(self, defect: Defect) -> None:
        """Keep a defect of the structure, if it is the first."""
        if self.defect is None:
            self.defect = defect


_NEVER_SHOWN = re.compile("[\U00013430-\U0001343f]")
"""Format characters since Unicode 12 and 15."""

_KEPT_FOR_FORMAT = re.compile("[\u2065\ufdd0-\ufdef\ufff0-\ufff8\U000e0000-\U0010ffff]")
"""Of what is not assigned: what Unicode never will assign, or keeps for format characters; less the last two of each plane."""


def _is_printable(character: str) -> bool:
    """Whether a character shows; unlike ``str.isprintable`` what a later Unicode may have assigned does, so that every Python agrees."""
    if character.isprintable():
        return _NEVER_SHOWN.match(character) is None
    unassigned = unicodedata.category(character) == "Cn"
    kept = ord(character) & 0xFFFE == 0xFFFE or _KEPT_FOR_FORMAT.match(character) or _NEVER_SHOWN.match(character)
    return unassigned and not kept


def raw_text(value: bytes) -> str:
    r"""Bytes as a text that shows them: UTF-8 as it is, control characters and bytes that are no UTF-8 as ``\xHH``; at most 1 KiB."""
    text = value[:RAW_LIMIT].decode("utf-8", "backslashreplace")
    shown = "".join(
        character if _is_printable(character) else "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8")) for character in text
    )
    cut = shown.encode("utf-8")[:RAW_LIMIT]
    return cut.decode("utf-8", "ignore")
