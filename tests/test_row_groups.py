"""Part files read and written anew row group by row group: the same answers as from whole files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dicomlake.errors import AccessDenied, LakeDamaged
from dicomlake.lake import Gone, Table
from dicomlake.ledger import NOTHING_KNOWN, Ledger
from dicomlake.parts import SMALL_ROWS, Location, PartFile, open_part, read_part, write_parts
from dicomlake.rollup import touched_entities
from dicomlake.schema import LakeSchema
from dicomlake.urls import place_of

_SCHEMA = pa.schema(
    [("PatientID", pa.string()), ("Modality", pa.string()), ("n", pa.int64()), ("tags", pa.list_(pa.string())), ("empty", pa.string())]
)
_KEYS = st.none() | st.sampled_from("abcdefgh")
_ROWS = st.lists(st.tuples(_KEYS, st.integers(0, 3), st.lists(st.none() | st.text(max_size=2), max_size=2) | st.none()), max_size=12)


@contextmanager
def _location(row_group_rows: int) -> Iterator[Location]:
    with tempfile.TemporaryDirectory() as folder, patch("dicomlake.parts.write.ROW_GROUP_ROWS", row_group_rows):
        yield Location.of(folder)


def _frame(rows: list[tuple[str | None, int, list[str | None] | None]]) -> pl.DataFrame:
    columns = {"PatientID": [row[0] for row in rows], "n": [row[1] for row in rows], "tags": [row[2] for row in rows]}
    return pl.DataFrame(columns, schema={"PatientID": pl.String, "n": pl.Int64, "tags": pl.List(pl.String)})


def _table(location: Location, parts: list[pl.DataFrame], *, partition_by: str | None) -> Table:
    table = Table(location, "instances", _SCHEMA, partition_by)
    for number, rows in enumerate(parts):
        for part in table.write(rows.with_columns(Modality=pl.lit("CT" if number % 2 else None))):
            table.parts[part.path] = part
    return table


@settings(deadline=None, max_examples=20)
@given(st.lists(_ROWS, max_size=3), st.lists(_KEYS, max_size=4), st.integers(0, 4), st.integers(1, 5), st.sampled_from([None, "Modality"]))
def test_rows_go_as_from_whole_files(
    parts: list[list[tuple[str | None, int, list[str | None] | None]]],
    keys: list[str | None],
    least: int,
    size: int,
    partition_by: str | None,
) -> None:
    """What is left, in its order, and its statistics are those of the rows that stay; ``rows_with`` answers those that went."""
    frame = pl.DataFrame({"PatientID": keys}, schema={"PatientID": pl.String})
    with _location(size) as location:
        table = _table(location, [_frame(rows) for rows in parts], partition_by=partition_by)
        before = [(part, read_part(location, part, partition_by=partition_by)) for part in table.parts.values()]
        rewritten = table.without(Gone(frame, pl.col("n") >= least))
        rest = {part.path: left for part, left in zip(rewritten.removed, rewritten.rest, strict=True)}
        for part, rows in before:
            gone = pl.col("PatientID").is_in(frame["PatientID"].implode(), nulls_equal=True) & (pl.col("n") >= least)
            expected = rows.filter(~gone)
            assert (part.path in rest) == (expected.height < rows.height)
            left = rest.get(part.path, part)
            assert (left is None) == (expected.height == 0)
            if left is not None:
                assert_frame_equal(read_part(location, left, partition_by=partition_by), expected)
                assert left.partition == part.partition
                (again,) = table.write(expected)
                assert left.statistics() == again.statistics()
                assert left.size == Path(location.join("instances", *left.path.split("/"))).stat().st_size
        found = table.rows_with(frame)
        whole = pl.concat([_frame([]).select("PatientID", "n", "tags"), *(rows.select("PatientID", "n", "tags") for _, rows in before)])
        naive = whole.filter(pl.col("PatientID").is_in(frame["PatientID"].implode(), nulls_equal=True))
        assert_frame_equal(found.select("PatientID", "n", "tags"), naive)


def test_row_groups_have_statistics() -> None:
    """A part file that was written anew can be searched by row group, as before; columns that it lacks come as nulls."""
    with _location(2) as location:
        table = _table(location, [_frame([(key, 0, None) for key in ("a", "b", "c", "d", None, None)])], partition_by=None)
        table.schema = table.schema.append(pa.field("later", pa.int64()))
        rewritten = table.without(Gone(pl.DataFrame({"PatientID": ["c"]})))
        (part,) = rewritten.added
        with open_part(location, part) as opened:
            bounds = [(group.rows, group.lowest["PatientID"], group.highest["PatientID"]) for group in opened.groups]
            assert bounds == [(2, "a", "b"), (1, "d", "d"), (2, None, None)]
        assert read_part(location, part)["later"].null_count() == 5


def test_part_files_have_the_types_of_their_table(tmp_path: Path) -> None:
    """Few rows or many, whatever is null; only the metadata of columns is left to the log of the table."""
    location = Location.of(tmp_path)
    schema = pa.schema([field.with_metadata({"description": "a column"}) for field in LakeSchema.build().table("series")])
    for rows in (1, SMALL_ROWS - 1, SMALL_ROWS):
        given = {"Rows": pa.array(range(rows), pa.int32()), "ImageType": pa.array([["A", None]] * rows)}
        columns = [given.get(field.name, pa.nulls(rows, field.type)).cast(field.type) for field in schema]
        (part,) = write_parts(location, "series", pa.Table.from_arrays(columns, schema=schema))
        file = pq.ParquetFile(tmp_path / "series" / part.path)
        assert file.schema_arrow.equals(schema, check_metadata=False)
        assert file.read().equals(pa.Table.from_arrays(columns, schema=schema))
        chunk = file.metadata.row_group(0).column(file.schema_arrow.names.index("Rows"))
        assert chunk.compression == ("SNAPPY" if rows < SMALL_ROWS else "ZSTD")
        with open_part(location, part) as opened:
            assert set(opened.uncompressed_columns()) == set(schema.names) - given.keys()


def test_a_part_file_that_is_cut_is_named(tmp_path: Path) -> None:
    """It is the lake that is damaged; what can't be written is another matter."""
    location = Location.of(tmp_path)
    table = _table(location, [_frame([("a", 0, None), ("b", 0, None)])], partition_by=None)
    (part,) = table.parts.values()
    gone = Gone(pl.DataFrame({"PatientID": ["a"]}))
    full = patch("dicomlake.parts.write.pq.ParquetWriter.write_table", side_effect=OSError(28, "No space left on device"))
    with full, pytest.raises(AccessDenied, match="No space left on device"):
        table.without(gone)
    path = tmp_path / "instances" / part.path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LakeDamaged, match=part.path):
        table.without(gone)


def _url_of(number: int) -> str:
    """Files, archives, and their members: those of one archive stand side by side, and at its heels, though their urls sort elsewhere."""
    archive = f"/{number // 10}.zip"
    return archive if number % 10 == 0 else f"zip://{9 - number % 10}::{archive}" if number % 2 else f"/{number // 10}/{number % 10}"


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.sets(st.integers(0, 99), min_size=1, max_size=12), max_size=4),
    st.lists(st.integers(0, 99), max_size=5),
    st.integers(1, 4),
)
def test_the_ledger_is_read_in_order(parts: list[set[int]], bounds: list[int], size: int) -> None:
    """However part files and their row groups overlap, ranges come as from a sort of everything, and in small pieces."""
    with _location(size) as location:
        written: list[PartFile] = []
        for numbers in parts:
            rows = NOTHING_KNOWN.drop("place").clear(len(numbers)).with_columns(url=pl.Series(sorted(map(_url_of, numbers), key=place_of)))
            written += write_parts(location, "files", rows.to_arrow())
        everything = sorted(place_of(_url_of(number)) for numbers in parts for number in numbers)
        ledger = Ledger(location, written)
        taken = 0
        for bound in [*sorted(place_of(_url_of(number)) for number in bounds), None]:
            pieces = list(ledger.take_up_to(bound))
            expected = [place for place in everything[taken:] if bound is None or place <= bound]
            assert [place for piece in pieces for place in piece["place"]] == expected
            assert all(piece["place"].to_list() == [place_of(url) for url in piece["url"]] for piece in pieces)
            assert all(piece.schema == NOTHING_KNOWN.schema and 0 < piece.height <= 2 * size * len(parts) for piece in pieces)
            taken += len(expected)


_INSTANCES = st.dictionaries(st.integers(0, 30), st.tuples(st.sampled_from("PQ"), st.sampled_from("ST") | st.none(), st.integers(1, 2)))


@settings(deadline=None, max_examples=20)
@given(_INSTANCES, _INSTANCES, st.lists(st.booleans(), min_size=31, max_size=31), st.integers(1, 4))
def test_touched_series_are_those_whose_rows_differ(
    before: dict[int, tuple[str, str | None, int]], changed: dict[int, tuple[str, str | None, int]], kept: list[bool], size: int
) -> None:
    """Rows that only stand in other part files touch nothing."""
    after = {number: row for number, row in before.items() if kept[number]} | {n: row for n, row in changed.items() if not kept[n]}
    with _location(size) as location:
        versions = [_instances(location, rows, cut) for rows, cut in ((before, 3), (after, 5))]
        touched = touched_entities(location, versions[0], versions[1], partition_by="Modality")
    differing = set(before.items()) ^ set(after.items())
    assert set(touched.select("patient_key", "series_key").iter_rows()) == {row[:2] for _, row in differing}
    assert touched.height == touched.unique().height


def _instances(location: Location, rows: dict[int, tuple[str, str | None, int]], cut: int) -> dict[str, PartFile]:
    columns = ("PatientID", "patient_key", "study_key", "series_key", "url")
    schema = pa.schema([*((name, pa.string()) for name in columns), ("snapshot", pa.int64()), ("Modality", pa.string())])
    listed = [
        {"PatientID": patient, "patient_key": patient, "series_key": series, "url": str(number), "snapshot": snapshot, "Modality": "CT"}
        for number, (patient, series, snapshot) in sorted(rows.items(), key=lambda entry: entry[1][0])
    ]
    parts: list[PartFile] = []
    for start in range(0, len(listed), cut):
        table = pa.Table.from_pylist(listed[start : start + cut], schema=schema)
        parts += write_parts(location, "instances", table, partition_by="Modality")
    return {part.path: part for part in parts}
