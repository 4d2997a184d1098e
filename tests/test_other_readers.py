"""Other programs read the tables of a lake: the ways that see the rows of the lake, and one that does not.

A table is a Delta table. Its folder also holds part files of earlier snapshots: read as plain Parquet it has rows that are gone.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import deltalake
import duckdb
import polars as pl
import pyarrow.dataset
import pyarrow.parquet
import pytest

import dicomlake
from dicomlake.samples import write_sample


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> dicomlake.Lake:
    """A lake of three runs: files came, one changed, and a folder went."""
    folder = tmp_path_factory.mktemp("readers")
    archive = folder / "archive"
    write_sample(archive)
    hidden = folder / "hidden"
    patients = sorted(path for path in archive.iterdir() if path.is_dir())
    patients[0].rename(hidden)
    index = {"lake": folder / "lake", "workers": 0, "missing_limit": 1.0}
    dicomlake.index(archive, **index)
    hidden.rename(patients[0])
    dicomlake.index(archive, **index)
    shutil.rmtree(patients[1])
    dicomlake.index(archive, **index)
    return dicomlake.Lake(folder / "lake")


@pytest.mark.parametrize("table", ["instances", "series", "patients", "files"])
def test_ways_that_see_the_rows_of_the_lake(lake: dicomlake.Lake, table: str) -> None:
    """By deltalake (whose `to_pandas` gives the same rows), polars, and DuckDB over the files that the table names."""
    rows = lake.table(table).collect().height
    folder = f"{lake.location.url}/{table}"
    delta = deltalake.DeltaTable(folder, version=lake.table_versions[table])
    assert deltalake.DeltaTable(folder).version() == delta.version()
    files = delta.file_uris()
    named = duckdb.read_parquet(files, union_by_name=True, hive_partitioning=True)
    assert rows > 0
    assert delta.to_pyarrow_table().num_rows == rows
    assert pl.read_delta(folder).height == rows
    assert len(named.fetchall()) == rows
    assert set(named.columns) == set(lake.schema(table).names)
    assert pl.read_parquet(files, missing_columns="insert").height == rows


def test_the_folder_as_plain_parquet_has_rows_that_are_gone(lake: dicomlake.Lake) -> None:
    """This is why readers are told to go by the log; pandas' `read_parquet` of a folder does as pyarrow does here."""
    rows = lake.series.collect().height
    found = pyarrow.dataset.dataset([str(path) for path in Path(lake.location.url, "series").glob("*.parquet")]).count_rows()
    assert found > rows
