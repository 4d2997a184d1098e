"""Part files written anew: text that repeats stays encoded, what leaves leaves wholly, and the run knows which rows went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomlake.lake import Gone, RemovedKeys, Rewritten, Table
from dicomlake.parts import Location, PartFile, open_part, side_by_side, without
from dicomlake.rollup import touched_entities

_KEYS = ("patient_key", "study_key", "series_key")
_SCHEMA = pa.schema(
    [
        ("PatientID", pa.string()),
        ("PatientName", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("file_size", pa.int64()),
        ("StudyDate", pa.date32()),
        *((name, pa.string()) for name in _KEYS),
        ("url", pa.string()),
        ("snapshot", pa.int64()),
        ("Modality", pa.string()),
    ]
)


@settings(deadline=None)
@given(st.lists(st.none() | st.sampled_from("abcdef"), min_size=1, max_size=30), st.data(), st.sampled_from([0, 256]))
def test_rows_and_their_text_go(texts: list[str | None], data: st.DataObject, most_slices: int) -> None:
    """The other rows stay as they were, and the dictionary holds no text that none of them has."""
    gone = data.draw(st.sets(st.integers(0, len(texts) - 1)))
    rows = pa.table({"text": pa.array(texts, pa.string()).dictionary_encode(), "n": pa.array(range(len(texts)), pa.int64())})
    with patch("dicomlake.parts.encoded._MOST_SLICES", most_slices):
        left = without(rows, np.array(sorted(gone), dtype=np.int64))
    stay = [number for number in range(len(texts)) if number not in gone]
    assert left["n"].to_pylist() == stay
    assert left["text"].to_pylist() == [texts[number] for number in stay]
    held = {text for chunk in left["text"].chunks for text in chunk.dictionary.to_pylist()}
    assert held == {texts[number] for number in stay} - {None} or not stay


@pytest.fixture
def location(tmp_path: Path) -> Iterator[Location]:
    """A lake with row groups of four rows."""
    with patch("dicomlake.parts.write.ROW_GROUP_ROWS", 4):
        yield Location.of(tmp_path)


def _table(location: Location, parts: int = 3) -> Table:
    """Part files of ten rows each: a row for each of five series of two patients, and another."""
    table = Table(location, "instances", _SCHEMA, "Modality")
    for number in range(parts):
        places = range(10 * number, 10 * number + 10)
        frame = pl.DataFrame(
            {
                "PatientID": [f"P{place // 5}" for place in places],
                "PatientName": [f"Name{place // 5}" for place in places],
                "tags": [["A", None] for _ in places],
                "file_size": list(places),
                "patient_key": [f"p{place // 5}" for place in places],
                "study_key": [f"t{place // 5}" for place in places],
                "series_key": [f"s{place // 2}" for place in places],
                "url": [f"/{place:02}" for place in places],
                "snapshot": [1 for _ in places],
                "Modality": ["CT" for _ in places],
            }
        )
        for part in table.write(frame):
            table.parts[part.path] = part
    return table


def _gone(*urls: str) -> Gone:
    return Gone(pl.DataFrame({"url": urls}))


def test_a_part_file_written_anew_is_like_any_other(location: Location) -> None:
    """Readers find plain text, the same types, and none of the text that left, also where it is only in the dictionary."""
    table = _table(location)
    (part,) = table.without(_gone("/00", "/01", "/02", "/03", "/04")).added
    path = location.join("instances", *part.path.split("/"))
    assert pq.read_schema(path).equals(pa.schema([field for field in _SCHEMA if field.name != "Modality"]))
    assert pq.read_table(path, partitioning=None)["PatientName"].to_pylist() == ["Name1"] * 5
    encoded = pq.ParquetFile(path, read_dictionary=["PatientName", "PatientID"]).read()
    for name in ("PatientName", "PatientID"):
        assert [text for chunk in encoded[name].chunks for text in chunk.dictionary.to_pylist() if text.endswith("0")] == []


def test_nulls_are_not_read(location: Location) -> None:
    """What the footer tells of is answered without reading, in its type; lists are read, since one without items is no null."""
    table = _table(location, 1)
    (part,) = table.parts.values()
    columns = ["StudyDate", "tags", "Modality", "url", "PatientID"]
    with open_part(location, part, partition_by="Modality") as opened:
        group = opened.groups[1]
        whole = opened.frame(group, columns)
        assert whole.schema["StudyDate"] == pl.Date
        with patch.object(pq.ParquetFile, "read_row_group", autospec=True, side_effect=pq.ParquetFile.read_row_group) as read:
            assert opened.some_columns(group, columns, np.array([1, 3])).equals(whole[[1, 3]])
        assert read.call_args.args[2] == ["tags", "url", "PatientID"]
        found = opened.rows_with_any(group, {"PatientID": pl.Series(["P1"]), "series_key": pl.Series(["s2", "s9"])})
        assert found.tolist() == [0, 1, 2, 3]
        assert opened.rows_with_any(group, {"series_key": pl.Series([], dtype=pl.String)}).tolist() == []


def test_removed_keys_are_those_of_touched_entities(location: Location) -> None:
    """Also where a part file is written anew twice, goes as a whole, or was never committed; what others wrote is left to be read."""
    table = _table(location)
    before = dict(table.parts)
    removed = RemovedKeys(_KEYS)
    for urls in (("/00", "/11"), ("/19", *(f"/{place}" for place in range(20, 30)))):
        rewritten = table.without(_gone(*urls), noted=_KEYS)
        removed.follow(rewritten)
        _take(table, rewritten)
    fresh = _table(location, 1)
    removed.follow(fresh.without(_gone("/03"), noted=_KEYS))
    after = {**table.parts, **fresh.parts}
    difference = removed.difference(before, after)
    assert difference.before == {}
    assert difference.after == fresh.parts
    known = pl.concat([difference.keys, touched_entities(location, difference.before, difference.after, partition_by="Modality")])
    naive = touched_entities(location, before, table.parts, partition_by="Modality")
    assert difference.keys.sort(_KEYS).equals(naive.sort(_KEYS))
    assert known.unique().height == naive.vstack(touched_entities(location, {}, fresh.parts, partition_by="Modality")).unique().height

    of_others = table.without(_gone("/15"))
    _take(table, of_others)
    left = removed.difference(before, table.parts)
    assert {*left.after} == {part.path for part in of_others.added}
    assert not left.keys.is_empty()


def _take(table: Table, rewritten: Rewritten) -> None:
    for part in rewritten.removed:
        del table.parts[part.path]
    table.parts |= {part.path: part for part in rewritten.added}


def test_part_files_side_by_side(location: Location) -> None:
    """The answers come in the order of the part files, and the first error is the one that is raised."""
    table = _table(location, 5)
    rewritten = table.without(_gone("/01", "/13", "/44"), noted=("series_key",))
    assert list(rewritten.removed) == [list(table.parts.values())[number] for number in (0, 1, 4)]
    assert [frame["series_key"].to_list() for frame in rewritten.noted if frame is not None] == [["s0"], ["s6"], ["s22"]]

    def fail(part: PartFile) -> PartFile:
        raise ValueError(part.path)

    with pytest.raises(ValueError, match=next(iter(table.parts))):
        side_by_side(fail, list(table.parts.values()))
