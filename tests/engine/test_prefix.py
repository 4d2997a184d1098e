"""The prefix property: every prefix of a valid file answers a row, and what is kept of it the whole file has too."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.engine.builder import BIG_ENDIAN, DEFLATED, IMPLICIT, E, Writer, keys, meta, parents, part10, sound
from tests.engine.conftest import scan

_OF_THE_END = {"url", "file_size", "header_bytes", "header_digest", "pixel_data_keyword", "pixel_data_offset", "pixel_data_length"}
_CODES = {"truncated", "not-dicom", "empty-file", "missing-key", "corrupt-element", None}


def _files() -> dict[str, bytes]:
    implicit, big = Writer(explicit=False), Writer(little=False)
    nested = E.sequence("SegmentSequence", E.element("SegmentLabel", "a"), E.element("SegmentLabel", "b"), defined=False)
    private = E.element(0x00190010, "ACME", "LO") + E.element(0x00191001, b"", "UN", 0xFFFFFFFF)
    private += implicit.item(implicit.element("SegmentLabel", "c")) + E.mark(0xFFFEE0DD)
    whole = keys() + E.sequence("ProcedureCodeSequence", E.element("CodeValue", "X")) + private + parents() + nested
    compressor = zlib.compressobj(wbits=-15)
    return {
        "sound": sound(),
        "explicit": part10(whole),
        "implicit": part10(keys(implicit) + parents(implicit), meta(IMPLICIT)),
        "big endian": part10(keys(big) + parents(big), meta(BIG_ENDIAN)),
        "deflated": part10(compressor.compress(whole) + compressor.flush(), meta(DEFLATED)),
        "without meta": keys() + parents(),
    }


@pytest.mark.parametrize("name", _files())
def test_every_prefix_answers_a_row(tmp_path: Path, name: str) -> None:
    """Every prefix is a row with a status; a value that is kept is the one of the whole file."""
    data = _files()[name]
    paths = []
    for length in range(len(data) + 1):
        path = tmp_path / f"{length:06}"
        path.write_bytes(data[:length])
        paths.append(str(path))
    scanned = scan(paths, headers=True)
    files = scanned.files.to_pylist()
    instances = {row["url"]: row for row in scanned.instances.to_pylist()}
    assert [row["url"] for row in files] == paths
    assert {row["code"] for row in files} <= _CODES
    assert files[-1]["code"] is None
    whole = instances[paths[-1]]
    for path, row in instances.items():
        different = {column for column, value in row.items() if column not in _OF_THE_END and not _is_part(value, whole[column])}
        assert different <= {"header_json", "SOPInstanceUID"}, path


def _is_part(value: Any, whole: Any) -> bool:
    """Whether a value of a prefix is that of the whole file, or less of it."""
    if value is None or value == whole or value is False:
        return True
    if isinstance(value, list):
        return all(one is None or one in whole for one in value)
    return False
