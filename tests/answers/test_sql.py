"""`Lake.sql` and `Lake.duckdb`: right answers in DuckDB's SQL, with types that fit."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest

import dicomlake
from dicomlake import Lake
from dicomlake.errors import LakeDamaged, QueryError, UsageError


@pytest.mark.parametrize("table", ["files", "instances", "series", "studies", "patients", "findings", "snapshots"])
def test_every_table_is_what_polars_reads(lake: Lake, table: str) -> None:
    """Rows, names, order of columns and types are those of the table's frame."""
    ours = lake.sql(f"select * from {table}").collect()  # noqa: S608 - names of ours
    theirs = lake.table(table).collect()
    assert ours.schema == theirs.schema
    assert sorted(map(repr, ours.rows())) == sorted(map(repr, theirs.rows()))


def test_partitions_keep_their_values(lake: Lake) -> None:
    """Modality stands in the log alone; it is null where the log says so."""
    ours = dict(lake.sql("select Modality, count(*) from instances group by all").collect().rows())
    assert ours == dict(lake.instances.group_by("Modality").len().collect().rows())
    assert None in ours or all(ours)


def test_partition_values_that_a_path_could_misread(tmp_path: Path) -> None:
    """A value with a sign of urls, of patterns or of numbers, and none at all, come back as they are."""
    from dicomlake.answers.sql.lake_files import LakeFiles
    from dicomlake.answers.sql.views import TableView
    from dicomlake.answers.sql.views import _named as named
    from dicomlake.parts import Location, PartFile

    lake = type("OneTable", (), {"location": Location.of(tmp_path)})()
    values = ["A B", "50%", "a=b", "007", "x&y", "é*?[1]", "'", None]
    files = {}
    for number, value in enumerate(values):
        pl.DataFrame({"n": [number]}).write_parquet(tmp_path / f"{number}.parquet")
        part = PartFile("", f"{number}.parquet", (tmp_path / f"{number}.parquet").stat().st_size, 1, value)
        files.update([named(lake, part, number, "Modality")])
    with duckdb.connect() as connection:
        connection.register_filesystem(LakeFiles(files))
        TableView("t", {"n": "BIGINT", "Modality": "VARCHAR"}, files, "Modality").create(connection)
        assert connection.execute("select Modality from t order by n").fetchall() == [(value,) for value in values]
        assert connection.execute("select n from t where Modality = '50%'").fetchall() == [(1,)]


def test_what_polars_read_wrong(lake: Lake) -> None:
    """Questions that another engine answered wrongly or not at all."""
    ask = lake.sql
    rows = ask("select count(*) from series where Modality is not distinct from 'CT' and SeriesNumber is not null").collect().item()
    assert rows == lake.series.filter((pl.col("Modality") == "CT") & pl.col("SeriesNumber").is_not_null()).collect().height > 0
    assert ask("SELECT COUNT(*) FROM Series WHERE modality = 'CT'").collect().item() > 0
    assert ask("select count(*) from studies where StudyDate >= '20000101'::varchar::date or true").collect().item() > 0
    assert ask("select unnest([1, 2]) as n").collect()["n"].to_list() == [1, 2]
    assert ask("select n from series, unnest(ImageType) as t(n) limit 1").collect().height == 1
    row = ask(
        "select random() between 0 and 1, hash(1) = hash(1), percentile_cont(0.5) within group (order by v), mode(v), bool_or(v > 2)"
        " from (values (1), (2), (2), (3)) as t(v)"
    )
    assert row.collect().row(0) == (True, True, 2.0, 2, True)
    assert ask("describe series").collect()["column_name"].to_list() == lake.schema("series").names
    assert set(ask("show tables").collect()["name"]) == set(lake.tables)
    assert ask("from series select count(*)").collect().item() == ask("select count(*) from series").collect().item()


def test_json_functions_read_whole_headers(lake_folder: Path, tmp_path: Path) -> None:
    """`header_json` can be asked: the JSON functions are part of DuckDB as it is installed."""
    dicomlake.index(lake_folder.parent / "archive", lake=tmp_path / "lake", workers=0, headers=True)
    query = """select count(*) as n, count(*) filter (header_json->'00080060'->'Value'->>0 = Modality) as same,
        max(len(json_keys(header_json))) as elements from instances where Modality is not null"""
    row = Lake(tmp_path / "lake").sql(query).collect().row(0, named=True)
    assert row["n"] == row["same"] > 100
    assert row["elements"] > 20


def test_a_date_beside_a_number_is_an_error_that_helps(lake: Lake) -> None:
    """It was no row before."""
    with pytest.raises(QueryError, match="write a date as date '2020-12-31'"):
        lake.sql("select * from studies where StudyDate >= 20200101")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select Modalty from series", "did you mean Modality"),
        ("select * from serie", "did you mean series"),
        ("select s.Modalty from series s", "did you mean Modality"),
        ("select coun(*) from series", "coun"),
        ("", "empty"),
        ("select 1; select 2", "2 statements"),
    ],
)
def test_errors_in_the_query_come_at_once(lake: Lake, query: str, words: str) -> None:
    """In one line, with the nearest names."""
    with pytest.raises(QueryError, match="(?s)^[^\n]*" + words + "[^\n]*$"):
        lake.sql(query)


def test_no_value_of_a_row_is_in_an_error(lake: Lake) -> None:
    """Neither where a value can't be converted, nor where a pivot makes columns of values, nor where a query raises it itself."""
    names = set(lake.patients.collect()["PatientID"].drop_nulls())
    for query in (
        "select PatientID::int from patients",
        "select strptime(PatientID, '%Y') from patients",
        "select error(PatientID) from patients",
        "select date_part(PatientID, date '2020-01-01') from patients",
        "select PatientI from (pivot patients on PatientID using count(*))",
        "select (PatientID || 'x')::date from patients",
        "select PatientID::decimal(3, 1) from patients",
        "pivot (select PatientID::int as n from patients) on n using count(*)",
        "pivot (select error(PatientID) as n from patients) on n using count(*)",
        "select regexp_matches('a', '(' || PatientID) from patients",
    ):
        with pytest.raises(QueryError) as caught:
            lake.sql(query).collect()
        assert not [name for name in names if name in str(caught.value)], query


def test_frames_are_seen_by_name(lake: Lake) -> None:
    """Frames of polars, eager and lazy, and of Arrow; and whatever else gives Arrow's stream, as pandas does."""
    frame = pl.DataFrame({"Modality": ["CT", "MR"]})

    class Stream:
        """It gives Arrow's stream."""

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return frame.__arrow_c_stream__(requested_schema)

    expected = lake.series.filter(pl.col("Modality").is_in(["CT", "MR"])).collect().height
    for wanted in (frame, frame.lazy(), pa.table({"Modality": ["CT", "MR"]}), Stream()):
        result = lake.sql("select * from series join wanted using (modality)", wanted=wanted)
        assert result.collect().height == expected > 0


def test_frames_that_can_not_be_used(lake: Lake) -> None:
    """A table keeps its name, and what is no frame is refused."""
    with pytest.raises(UsageError, match="a table has it"):
        lake.sql("select 1", Series=pl.DataFrame({"a": [1]}))
    with pytest.raises(UsageError, match="int, which SQL can't read"):
        lake.sql("select 1", wanted=1)


def test_the_frame_is_lazy(lake: Lake) -> None:
    """Polars and DuckDB share the work: columns and rows that nobody collects are not read."""
    frame = lake.sql("select * from instances")
    height = lake.instances.collect().height
    assert frame.select(pl.len()).collect().item() == height
    assert frame.head(3).collect().height == 3
    assert frame.filter(pl.col("Modality") == "CT").select("SOPInstanceUID").head(2).collect().shape == (2, 1)
    assert sorted(frame.select("Modality", "url").collect()["url"]) == sorted(lake.instances.collect()["url"])
    assert frame.collect().equals(frame.collect())
    first, second = pl.collect_all([frame.select("url"), frame.select("Modality")])
    assert first.height == second.height == height


def test_types_that_fit() -> None:
    """Sums of integers are 64 bits; what few programs know becomes text; two columns of one name get two."""
    from dicomlake.answers.sql.statement import distinct, fitting_type

    assert fitting_type(duckdb.sqltype("STRUCT(a HUGEINT, b TIMESTAMPTZ[])")) == 'STRUCT("a" BIGINT, "b" TIMESTAMP WITH TIME ZONE[])'
    assert distinct(["a", "a", "a_1", "a"]) == ["a", "a_2", "a_1", "a_3"]


def test_types_of_answers(lake: Lake) -> None:
    """As polars sees them."""
    query = """select sum(Rows) as total, count(*) as n, avg(Rows) as mean, 1.5 as exact, interval 3 days as span, [1::hugeint] as list,
        {'a': 1, 'b': ['x']} as pair, date '2020-01-02' as day, max(modified) as last, null as nothing, uuid() as id, 1 as n, true as flag,
        timestamp '2020-01-02 03:04:05' as wall, 'a'::enum ('a') as one, '{"a": 1}'::json as text, map {'a': 1} as pairs from instances"""
    frame = lake.sql(query).collect()
    assert frame.schema == {
        "total": pl.Int64,
        "n": pl.Int64,
        "mean": pl.Float64,
        "exact": pl.Decimal(2, 1),
        "span": pl.String,
        "list": pl.List(pl.Int64),
        "pair": pl.Struct({"a": pl.Int32, "b": pl.List(pl.String)}),
        "day": pl.Date,
        "last": pl.Datetime("us", "UTC"),
        "nothing": pl.String,
        "id": pl.String,
        "n_1": pl.Int32,
        "flag": pl.Boolean,
        "wall": pl.Datetime("us"),
        "one": pl.String,
        "text": pl.String,
        "pairs": frame.schema["pairs"],
    }
    assert frame["day"][0] == date(2020, 1, 2)
    assert frame["last"][0] <= datetime.now(UTC)
    assert json.loads(frame["text"][0]) == {"a": 1}


def test_a_sum_beyond_64_bits_is_an_error(lake: Lake) -> None:
    """It is never a wrong number."""
    with pytest.raises(QueryError, match="out of range"):
        lake.sql("select sum(hash(url)) from files").collect()
    assert lake.sql("select sum(hash(url))::double as s from files").collect().schema == {"s": pl.Float64}


def test_order_survives(lake: Lake) -> None:
    """The order of a query is the order of its answer."""
    urls = lake.sql("select url from files order by url desc").collect()["url"].to_list()
    assert urls == sorted(urls, reverse=True)


def test_a_lake_without_some_tables_and_columns(lake_folder: Path, tmp_path: Path) -> None:
    """A table without part files is empty with its types; a column that was added is null in older part files."""
    archive = tmp_path / "archive"
    archive.mkdir()
    one = next(path for path in sorted((lake_folder.parent / "archive").rglob("*.dcm")))
    (archive / "one.dcm").write_bytes(one.read_bytes())
    dicomlake.index(archive, lake=tmp_path / "lake", workers=0)
    lake = Lake(tmp_path / "lake")
    empty = [name for name in lake.tables if not lake.parts(name)]
    assert empty
    for name in empty:
        frame = lake.sql(f"select * from {name}").collect()  # noqa: S608 - names of ours
        assert (frame.height, frame.schema) == (0, lake.table(name).collect_schema())
    config = tmp_path / "more.yaml"
    config.write_text("columns:\n  - path: Manufacturer\n    name: maker\n")
    (archive / "two.dcm").write_bytes(b"not dicom")
    dicomlake.index(archive, lake=tmp_path / "lake", workers=0, config=config)
    later = Lake(tmp_path / "lake")
    assert later.sql("select maker = Manufacturer or maker is null as same from instances").collect()["same"].to_list() == [True]
    with pytest.raises(QueryError, match="maker"):
        later.at(1).sql("select maker from instances")
    assert later.at(1).sql("select max(snapshot) from snapshots").collect().item() == 1


def test_a_part_file_that_is_gone_is_damage(own_folder: Path) -> None:
    """Before the query runs, and while it does."""
    prepared = Lake(own_folder).sql("select * from series")
    part = next((own_folder / "series").glob("*.parquet"))
    content = part.read_bytes()
    part.unlink()
    with pytest.raises(LakeDamaged, match="dicomlake verify"):
        prepared.collect()
    with pytest.raises(LakeDamaged, match=part.name):
        Lake(own_folder).sql("select * from series")
    part.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    with pytest.raises((LakeDamaged, QueryError)):
        Lake(own_folder).sql("select * from series").collect()


def test_a_connection_of_your_own(own_folder: Path, tmp_path: Path) -> None:
    """It sees every table, writes other files, and can't write the lake's."""
    lake = Lake(own_folder)
    part = next((own_folder / "series").glob("*.parquet"))
    before = part.read_bytes()
    with lake.duckdb() as connection:
        assert set(connection.sql("show tables").fetchall()) == {(name,) for name in lake.tables}
        connection.execute(f"copy (select * from series) to '{tmp_path / 'series.csv'}'")  # noqa: S608 - a path of ours
        with pytest.raises(duckdb.Error):
            connection.execute("copy (select 1) to 'dicomlake://series/0.parquet' (format parquet)")
    assert (tmp_path / "series.csv").exists()
    assert part.read_bytes() == before


def test_at_gives_the_same_class(lake: Lake) -> None:
    """An earlier snapshot answers SQL too."""
    assert type(lake.at(1)) is Lake is type(lake)
