"""The prefix property: every prefix of a valid file answers a row, and what is kept of it the whole file has too."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.compute as pc
import pytest

from dicomlake.schema.columns import standard_columns
from tests.engine.builder import BIG_ENDIAN, DEFLATED, IMPLICIT, E, Writer, keys, meta, parents, part10, sound
from tests.engine.conftest import scan
from tests.engine.random_files import FileMaker

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


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", _files())
def test_every_prefix_answers_a_row(tmp_path: Path, name: str) -> None:
    """Every prefix is a row with a status; a value that is kept is the one of the whole file."""
    data = _files()[name]
    _check_prefixes(tmp_path, data, range(len(data) + 1))


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("seed", range(6))
def test_prefixes_of_files_made_at_random(tmp_path: Path, seed: int) -> None:
    """So too of sound files made at random: every prefix of small ones, each tenth of others."""
    data = _sound_at_random(seed)
    lengths = range(0, len(data), 1 if len(data) < 1500 else 10)
    _check_prefixes(tmp_path, data, [*lengths, len(data)])


@pytest.mark.usefixtures("engine")
def test_prefixes_of_real_files(tmp_path: Path, real_files_folder: Path) -> None:
    """So too of real files in which nothing is wrong, at places chosen at random."""
    random = Random("prefixes")
    paths = sorted(path for path in real_files_folder.rglob("*") if path.is_file() and path.stat().st_size < 100_000)
    scanned = scan([str(path) for path in paths])
    sound = {row["url"] for row in scanned.files.to_pylist() if row["code"] is None}
    sound -= set(scanned.findings.filter(pc.equal(scanned.findings["level"], "file"))["url"].to_pylist())
    for number, path in enumerate(random.sample(sorted(sound), 25)):
        data = Path(path).read_bytes()
        folder = tmp_path / str(number)
        folder.mkdir()
        _check_prefixes(folder, data, [*sorted(random.randrange(132, min(len(data), 6000)) for _ in range(20)), len(data)])


def _sound_at_random(seed: int) -> bytes:
    """A file made at random whose structure is right."""
    random = Random(f"sound {seed}")
    while True:
        data = FileMaker(random, standard_columns(), trouble=0).file()
        if b"1.2.840.10008.1.2.1.99" not in data[:400] and len(data) < 20_000:
            return data


def _check_prefixes(folder: Path, data: bytes, lengths: Iterable[int]) -> None:
    """Check prefixes, of which the last is the whole file."""
    paths = []
    for length in lengths:
        path = folder / f"{length:06}"
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
        assert different <= {"header_json", "SOPInstanceUID", "patient_key", "study_key", "series_key"}, path


def _is_part(value: Any, whole: Any) -> bool:
    """Whether a value of a prefix is that of the whole file, or less of it."""
    if value is None or value == whole or value is False:
        return True
    if isinstance(value, list):
        return all(one is None or one in whole for one in value)
    return False
