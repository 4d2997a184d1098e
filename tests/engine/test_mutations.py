"""Damage of any kind: every file is still a row, the same one however it is fetched and whatever else is asked for."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.extract.engine import Scanned
from dicomlake.limits import ReadingLimits
from tests.engine.builder import BIG_ENDIAN, IMPLICIT, E, Writer, keys, meta, parents, part10, sound
from tests.engine.conftest import both_engines, scan

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.long]

_IMPLICIT, _BIG = Writer(explicit=False), Writer(little=False)
_FILES = [
    sound(),
    part10(
        keys(_IMPLICIT) + parents(_IMPLICIT) + _IMPLICIT.sequence("SegmentSequence", _IMPLICIT.element("SegmentLabel", "x")), meta(IMPLICIT)
    ),
    part10(keys(_BIG) + parents(_BIG), meta(BIG_ENDIAN)),
    part10(
        keys()
        + E.sequence("SegmentSequence", E.element("SegmentLabel", "x"), E.element("SegmentNumber", b"\1\0"), defined=False)
        + parents()
    ),
]
_TELLING = [
    bytes.fromhex(text)
    for text in ("ffffffff", "feff00e0", "feff0de0", "feffdde0", "5351", "554e", "0000", "1b2442", "5c", "08000500", "e07f1000")
]
_PIECE = st.binary(max_size=12) | st.sampled_from(_TELLING)
_DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 12), _PIECE), min_size=1, max_size=6)


def _damaged(data: bytes, damage: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, piece in damage:
        at = 132 + int(where * (len(data) - 132)) if len(data) > 132 else 0
        data = data[:at] + piece + data[at + length :]
    return data


def _same(one: Scanned, other: Scanned) -> bool:
    counted = ["bytes_read", "requests"]
    return (
        one.files.drop_columns(counted).equals(other.files.drop_columns(counted))
        and one.instances.drop_columns(["header_json"]).equals(other.instances.drop_columns(["header_json"]))
        and one.findings.equals(other.findings)
    )


@both_engines
@given(st.sampled_from(_FILES), _DAMAGE)
@settings(max_examples=150, deadline=None)
def test_damaged_file_is_a_row(data: bytes, damage: list[tuple[float, int, bytes]]) -> None:
    """A damaged file is a row; its JSON, where it has one, is valid."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(_damaged(data, damage))
        scanned = scan([str(path)])
        in_steps = scan([str(path)], headers=True, reading=ReadingLimits(first_read=256))
    assert scanned.files.num_rows == 1
    assert _same(scanned, in_steps)
    for text in in_steps.instances["header_json"].to_pylist():
        json.loads(text)


@both_engines
@pytest.mark.parametrize("first_read", [256, 1000, 1 << 20])
def test_real_files_however_they_are_fetched(real_files_folder: Path, first_read: int) -> None:
    """Of the real files each row is the same, however many bytes are read at a time."""
    paths = sorted(str(path) for path in real_files_folder.rglob("*") if path.is_file())[::3]
    assert _same(scan(paths), scan(paths, headers=True, reading=ReadingLimits(first_read=first_read)))
