"""One file's whole header as a tree to look at: what `dicomlake inspect` shows.

Texts of nodes come from the file and are made safe for a terminal here: control characters, bidirectional marks and other characters
that don't print are escaped. Everything is bounded, whatever the file holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

NODES_LIMIT = 20_000
"""The most nodes that a tree holds."""

VALUE_LIMIT = 256
"""The most characters of a value that a node shows."""


CREATOR_LIMIT = 64
"""The most characters of a private creator that a node shows: it is LO (PS3.5 6.2)."""


@dataclass(frozen=True, slots=True)
class HeaderNode:
    """An element, a sequence, or an item of the sequence before it.

    ``depth`` counts from 0 at top level; ``byte_offset`` is that of the value in the file, None in a deflated data set; ``length`` is in
    bytes, None when undefined; ``value`` is None where it was not read, and shortened (with an ellipsis) where it is long; ``codes`` are
    the finding codes that this element raised.
    """

    tag: str
    vr: str
    keyword: str
    creator: str | None
    value: str | None
    length: int | None
    byte_offset: int | None
    depth: int
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderTree:
    """The header of one file.

    ``code``, ``message``, ``byte_offset`` and ``element_path`` are as in the table `files`: set where the file is no DICOM file, or could
    not be read to the end of its header. ``file_codes`` are the findings that belong to no element. ``complete`` is False where there are
    more nodes than a tree holds. ``pixel_data`` is the keyword of the element that ended the header.
    """

    url: str
    nodes: tuple[HeaderNode, ...]
    complete: bool
    transfer_syntax: str | None
    pixel_data: str | None
    code: str | None
    message: str | None
    byte_offset: int | None
    element_path: str | None
    file_codes: tuple[str, ...]


def printable(text: str) -> str:
    r"""A text that a terminal shows as it is: what does not print is written ``\xHH``, ``\uHHHH`` or ``\UHHHHHHHH``."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown_value(text: str) -> str:
    """A value as a node shows it: safe for a terminal, and cut where it is long."""
    safe = printable(text[: VALUE_LIMIT + 1])
    return safe if len(safe) <= VALUE_LIMIT else safe[:VALUE_LIMIT] + "…"


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding as a tree needs it: what it is about, its code, and the element that raised it."""

    level: str
    code: str
    tag: str | None
    byte_offset: int | None


def marked(nodes: Sequence[HeaderNode], findings: Iterable[Mark]) -> tuple[HeaderNode, ...]:
    """The nodes with the codes of the findings at their place."""
    codes: dict[tuple[int | None, str | None], list[str]] = {}
    for finding in findings:
        if finding.level == "value" and finding.byte_offset is not None:
            codes.setdefault((finding.byte_offset, finding.tag), []).append(finding.code)
    return tuple(
        replace(node, codes=tuple(dict.fromkeys(found))) if (found := codes.get((node.byte_offset, node.tag))) else node for node in nodes
    )


def codes_of_file(findings: Iterable[Mark]) -> tuple[str, ...]:
    """The codes of the findings that belong to no element of a tree."""
    return tuple(dict.fromkeys(finding.code for finding in findings if finding.level == "file" or finding.byte_offset is None))
