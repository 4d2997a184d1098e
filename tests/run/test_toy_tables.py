"""A new table is a declaration and a producer: two of them go through every stage of a lake, and nothing else is changed for them.

`cards` has a row for each file that was read, `items` one for each item of a sequence, of the kept copies alone.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from dicomlake.cli.commands.info import describe
from dicomlake.extract.engine import Scanned, ScanRequest
from dicomlake.lake import Lake, LakeWriter, optimize, vacuum, verify
from dicomlake.schema import LakeSchema, OwnColumn, TableDeclaration, declared_tables
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights, nights_with
from tests.run.game import Game
from tests.run.json_engine import JsonEngine
from tests.run.test_killed import assert_killed_runs_are_healed

CARDS = TableDeclaration(
    "cards",
    (OwnColumn("url", "string"), OwnColumn("labels", "list<string>"), OwnColumn("snapshot", "int64")),
    key=("url",),
    order=("url",),
)
ITEMS = TableDeclaration(
    "items",
    (
        OwnColumn("SOPInstanceUID", "string", "key"),
        OwnColumn("item_number", "int64", "key; from 1"),
        OwnColumn("PatientID", "string"),
        OwnColumn("url", "string"),
        OwnColumn("label", "string"),
        OwnColumn("snapshot", "int64"),
    ),
    key=("SOPInstanceUID", "item_number"),
    order=("PatientID", "SOPInstanceUID", "item_number"),
    drops_copies=True,
)
NIGHTS = 12


class ToyEngine(JsonEngine):
    """Answers the rows of toy tables too, where the request's schema declares them."""

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """See ``Engine``."""
        scanned = super().scan(files, request)
        cards: list[dict[str, Any]] = []
        items: list[dict[str, Any]] = []
        for url in scanned.instances["url"].to_pylist():
            header = json.loads(Path(url).read_text("utf-8"))
            labels = [item["label"] for item in header.get("Items", [])]
            cards.append({"url": url, "labels": labels})
            keys = {"SOPInstanceUID": header["SOPInstanceUID"], "PatientID": header["PatientID"], "url": url}
            items += [{**keys, "item_number": number, "label": label} for number, label in enumerate(labels, 1)]
        rows = {"cards": cards, "items": items}
        tables = [table.name for table in request.schema.unit_tables if table.name in rows]
        toys = {name: pa.Table.from_pylist(rows[name], schema=request.scanned_schema(name)) for name in tables}
        return Scanned({**scanned.tables, **toys})


def _declare(monkeypatch: pytest.MonkeyPatch, *toys: TableDeclaration) -> None:
    standard = [table for table in declared_tables() if table not in (CARDS, ITEMS)]
    monkeypatch.setattr("dicomlake.schema.tables.STANDARD_TABLES", (*standard, *toys))


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """An empty archive, and no lake yet: it will have two tables more."""
    _declare(monkeypatch, CARDS, ITEMS)
    return nights_with(ToyEngine(), tmp_path, monkeypatch)


def _write(nights: Nights, name: str, number: int, *labels: str) -> None:
    header = {"SOPInstanceUID": f"1.{number}", "SeriesInstanceUID": "2", "StudyInstanceUID": "3", "PatientID": "P", "Modality": "CT"}
    nights.archive.write(name, **header, Items=[{"label": label} for label in labels])


def _items(lake: Lake) -> list[tuple[str, int, str]]:
    return lake.items.select("SOPInstanceUID", "item_number", "label").sort("SOPInstanceUID", "item_number").collect().rows()


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_after_every_night_toy_tables_equal_those_of_a_rebuild(nights: Nights, tmp_path: Path, seed: int) -> None:
    """Files that come, change, vanish and are copied; kills, optimize, vacuum, verify and diff: see the game."""
    game = Game(nights, tmp_path, seed)
    for night in range(1, NIGHTS + 1):
        game.play(night)
    assert game.compared >= NIGHTS // 3
    assert {"cards", "items"} <= nights.lake.table_versions.keys()
    assert nights.lake.cards.collect().height > nights.lake.instances.collect().height
    assert nights.lake.items.collect().height > 0


@pytest.mark.long
def test_runs_killed_before_any_commit_are_healed(nights: Nights, tmp_path: Path) -> None:
    """Toy tables are committed before `files`, and go back with the others."""
    assert_killed_runs_are_healed(nights, tmp_path, second_day=False)


def test_rows_of_copies(nights: Nights) -> None:
    """`items` has rows of the kept copy alone, within a unit, across units and across runs; the next copy brings its own."""
    _write(nights, "b", 1, "of b", "more of b")
    _write(nights, "c", 1, "of c")
    nights.run()
    assert _items(nights.lake) == [("1.1", 1, "of b"), ("1.1", 2, "more of b")]
    _write(nights, "a", 1, "of a")
    nights.run()
    assert _items(nights.lake) == [("1.1", 1, "of a")]
    assert nights.lake.cards.sort("url").collect()["labels"].to_list() == [["of a"], ["of b", "more of b"], ["of c"]]
    (nights.archive.folder / "a").unlink()
    nights.run()
    assert _items(nights.lake) == [("1.1", 1, "of b"), ("1.1", 2, "more of b")]
    assert nights.lake.cards.collect().height == 2


def test_answers(nights: Nights) -> None:
    """SQL, `info`, `diff` and `verify` know toy tables; part files are sorted by the declared order."""
    for number in range(4):
        _write(nights, f"{9 - number}", number, "x", "y")
    nights.run()
    _write(nights, "9", 0, "x", "z", "w")
    nights.run()
    lake = nights.lake
    query = "select Modality, count(*) as n from items join instances using (SOPInstanceUID) group by Modality"
    assert lake.sql(query).collect().rows() == [("CT", 9)]
    assert describe(lake)["tables"]["items"]["rows"] == 9
    assert {"cards", "items"} <= set(dir(lake))
    counts = {row.pop("table"): row for row in lake.diff().counts.to_dicts()}
    assert counts["items"] == {"before": 8, "after": 9, "came": 1, "went": 0, "changed": 1}
    assert counts["cards"] == {"before": 4, "after": 4, "came": 0, "went": 0, "changed": 1}
    for part in lake.parts("items"):
        (rows,) = lake.read_parts("items", [part])
        assert rows.equals(rows.sort(ITEMS.order))
    assert {merged.table for merged in optimize(nights.location).tables} >= {"cards", "items"}
    (part,) = nights.lake.parts("items")
    Path(nights.location.url, "items", part.path).unlink()
    assert verify(nights.location).defects == [f"table 'items': part file {part.path} is gone"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: pl.concat([rows, rows.head(1)]), "1 rows more than there are values of SOPInstanceUID, item_number"),
        (lambda rows: rows.with_columns(item_number=pl.lit(None, pl.Int64)), "2 rows without item_number"),
        (lambda rows: rows.with_columns(url=pl.col("url") + "-copy"), "rows of items have no counterpart among indexed rows of files"),
    ],
)
def test_broken_rules_are_found(nights: Nights, change: Callable[[pl.DataFrame], pl.DataFrame], said: str) -> None:
    """`verify` checks keys, and that no row of a copy is visible."""
    _write(nights, "a", 1, "x", "y")
    _write(nights, "a-copy", 1, "x", "y")
    nights.run()
    row = nights.lake.row
    with closing(LakeWriter.open(nights.location, nights.settings.schema_of_lake())) as writer:
        table = writer.tables["items"]
        table.commit(table.write(change(nights.lake.items.collect())), list(table.parts.values()), writer.next_number())
        writer.write_snapshot({**row, "snapshot": row["snapshot"] + 1}, {})
    assert any(said in defect for defect in verify(nights.location).defects)


def test_a_lake_made_before_and_after(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that a lake lacks is made, and empty in earlier snapshots; one that is not known any more is left alone."""
    _declare(monkeypatch, CARDS)
    _write(nights, "a", 1, "x")
    nights.run()
    _declare(monkeypatch, CARDS, ITEMS)
    assert _items(nights.lake) == []
    nights.run(full=True)
    assert _items(nights.lake) == [("1.1", 1, "x")]
    assert _items(nights.lake.at(1)) == []
    assert nights.lake.at(1).items.collect_schema() == nights.lake.items.collect_schema()
    assert [row["came"] for row in nights.lake.diff(1).counts.to_dicts() if row["table"] == "items"] == [1]
    _declare(monkeypatch, CARDS)
    nights.run()
    optimize(nights.location)
    vacuum(nights.location, timedelta())
    assert _items(nights.lake) == [("1.1", 1, "x")]
    _declare(monkeypatch, CARDS, ITEMS)
    nights.run()
    rebuilt = nights.location.of(f"{nights.location.url}-rebuilt")
    nights.run(lake=rebuilt)
    assert_same_lake(nights.lake, Lake(rebuilt.url))


def test_a_schema_that_travels_keeps_its_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker writes the tables of the run, whatever it would declare itself."""
    _declare(monkeypatch, CARDS, ITEMS)
    sent = pickle.dumps(LakeSchema.build())
    monkeypatch.undo()
    arrived = pickle.loads(sent)  # noqa: S301 - it is our own
    of_takers = ["frames", "instance_references", "segments", "content_items"]
    assert [table.name for table in arrived.unit_tables] == ["instances", "findings", *of_takers, "cards", "items", "files"]
    assert arrived.table("items").names == [column.name for column in ITEMS.own]
    assert pl.DataFrame(arrived.table("cards").empty_table()).schema["labels"] == pl.List(pl.String)
