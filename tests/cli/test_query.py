"""`query`: rows out of a lake in every form."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from dicomlake.cli.output.formats import Form, FrameRows, write_rows
from dicomlake.samples import MANIFEST_NAME
from tests.cli.conftest import Run

MODALITIES = "select Modality, count(*) as n from instances group by Modality order by Modality"


def _expected(archive: Path) -> list[tuple[str, int]]:
    modalities = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))["counts"]["modalities"]
    return sorted(modalities.items())


def test_table_is_the_default(run: Run, lake: Path, archive: Path) -> None:
    """Off a terminal a table has every row, whole."""
    ran = run("query", lake, MODALITIES)
    assert (ran.code, ran.err) == (0, "")
    heading, rule, *rows = ran.out.splitlines()
    assert heading.split() == ["Modality", "n"]
    assert set(rule) == {"─", " "}
    assert [(name, int(n)) for name, n in map(str.split, rows)] == _expected(archive)


def test_csv(run: Run, lake: Path, archive: Path) -> None:
    """CSV has a heading and a line for each row."""
    rows = list(csv.reader(io.StringIO(run("query", lake, MODALITIES, "--format", "csv").out)))
    assert rows[0] == ["Modality", "n"]
    assert [(name, int(n)) for name, n in rows[1:]] == _expected(archive)


def test_json_is_one_array(run: Run, lake: Path, archive: Path) -> None:
    """JSON is one array of objects, empty without rows."""
    rows = run("query", lake, MODALITIES, "--format", "json").json
    assert [(row["Modality"], row["n"]) for row in rows] == _expected(archive)
    assert run("query", lake, "select url from files where url = ''", "--format", "json").json == []


def test_parquet_to_a_file(run: Run, lake: Path, tmp_path: Path) -> None:
    """The suffix of the file says how; lists and dates keep their types, and nothing else is left in the folder."""
    out = tmp_path / "out.parquet"
    ran = run("query", lake, "select * from instances", "-o", out)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    frame = pl.read_parquet(out)
    assert frame.schema["StudyDate"] == pl.Date
    assert frame.schema["ImageType"] == pl.List(pl.String)
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_parquet_to_a_pipe(start: Callable[..., subprocess.Popen[bytes]], lake: Path) -> None:
    """A pipe takes Parquet too."""
    out, err = start("query", lake, MODALITIES, "--format", "parquet").communicate()
    assert err == b""
    assert pl.read_parquet(io.BytesIO(out)).columns == ["Modality", "n"]


@pytest.mark.long
def test_every_column_of_every_table_can_be_written(run: Run, lake: Path) -> None:
    """No type of column is beyond a form."""
    for table in ("files", "instances", "series", "studies", "patients", "findings", "snapshots"):
        for form in ("table", "csv", "json"):
            assert run("query", lake, "select * from " + table, "--format", form).code == 0  # noqa: S608 - it is meant as SQL


def test_form_of_values() -> None:
    """Dates and times are ISO 8601, lists JSON, nulls nothing, and text stays as it is, quoted where CSV wants it."""
    frame = pl.DataFrame(
        {
            "text": ['=1+1,"x"', None, ""],
            "list": [["a", None], None, []],
            "date": [date(2020, 1, 2)] * 3,
            "wall": [datetime(2020, 1, 2, 3, 4, 5)] * 3,
            "utc": [datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)] * 3,
            "flag": [True, False, None],
        }
    )
    out = io.BytesIO()
    write_rows(Form.CSV, FrameRows(frame), out, None)
    rows = list(csv.reader(io.StringIO(out.getvalue().decode())))
    assert rows[1] == [
        '=1+1,"x"',
        '["a", null]',
        "2020-01-02",
        "2020-01-02T03:04:05.000000",
        "2020-01-02T03:04:05.000000+00:00",
        "true",
    ]
    assert rows[2][:2] == ["", ""]
    out = io.BytesIO()
    write_rows(Form.JSON, FrameRows(pl.concat([frame.head(1), frame.tail(1)])), out, None)
    first, last = json.loads(out.getvalue())
    assert first["utc"] == "2020-01-02T03:04:05+00:00"
    assert (last["text"], last["list"], last["flag"]) == ("", [], None)


def test_rows_limit_says_how_many_there_are(run: Run, lake: Path) -> None:
    """A table that was cut short says so on stderr."""
    ran = run("query", lake, "select url from files order by url", "--rows", 3)
    assert len(ran.out.splitlines()) == 5
    assert ran.err.startswith("3 of ")


def test_earlier_snapshot(run: Run, archive: Path, own_lake: Path) -> None:
    """A query can look at the lake as an earlier run left it."""
    assert run("index", archive, "--lake", own_lake, "--workers", 0).code == 0
    assert run("query", own_lake, "select snapshot from snapshots", "--format", "json").json == [{"snapshot": 1}, {"snapshot": 2}]
    assert run("query", own_lake, "select snapshot from snapshots", "--format", "json", "--snapshot", 1).json == [{"snapshot": 1}]
    run("query", own_lake, "select 1", "--snapshot", 9).assert_one_line_error(2, "snapshot 9")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("selec x", ["syntax error"]),
        ("", ["query"]),
        ("select * from instance", ["did you mean instances?", "dicomlake schema"]),
        ("select Modalty from series", ["Modalty", "did you mean Modality", "dicomlake schema"]),
        ("select cast(url as int) from files", ["INT32", "try_cast"]),
    ],
)
def test_sql_error_is_one_line_and_2(run: Run, lake: Path, sql: str, words: list[str]) -> None:
    """SQL that can't be parsed or run says why, and shows no value of a row."""
    ran = run("query", lake, sql)
    assert "/archive" not in ran.err
    assert ran.code == 2
    ran.assert_one_line_error(2, *words)


def test_sql_from_a_file_and_from_stdin(run: Run, lake: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text is a file's, or that of stdin."""
    (tmp_path / "question.sql").write_text(f"-- how many\n{MODALITIES};\n", "utf-8")
    rows = run("query", lake, "-f", tmp_path / "question.sql", "--format", "json").json
    assert [(row["Modality"], row["n"]) for row in rows] == _expected(archive)
    monkeypatch.setattr("sys.stdin", io.StringIO(MODALITIES))
    assert run("query", lake, "-f", "-", "--format", "json").json == rows
    run("query", lake).assert_one_line_error(2, "-f FILE")
    run("query", lake, "select 1", "-f", "-").assert_one_line_error(2, "not both")
    run("query", lake, "-f", tmp_path / "none.sql").assert_one_line_error(2, "none.sql", "No such file")


def test_files_beside_the_tables(run: Run, lake: Path, tmp_path: Path) -> None:
    """CSV as text, with its zeros; Parquet and JSON with their types; by names that patterns mean something by."""
    frame = pl.DataFrame({"Modality": ["CT", "MR"], "code": ["007", "010"]})
    frame.write_csv(tmp_path / "x[1]*?.csv")
    frame.write_csv(tmp_path / "semicolon.csv", separator=";")
    frame.write_parquet(tmp_path / "x[1]*?.parquet")
    frame.write_json(tmp_path / "x[1]*?.json")
    frame.write_ndjson(tmp_path / "x.jsonl")
    (tmp_path / "x1zz.csv").write_text("another\n1\n")
    sql = "select code, count(*) as n from series join wanted using (modality) group by all order by 1"
    answers = []
    for name in ("x[1]*?.csv", "semicolon.csv", "x[1]*?.parquet", "x[1]*?.json", "x.jsonl"):
        answers.append(run("query", lake, sql, "--with", f"wanted={tmp_path / name}", "--format", "json").json)
        assert [row["code"] for row in answers[-1]] == ["007", "010"], name
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("wanted", "NAME=FILE"),
        ("=x.csv", "NAME=FILE"),
        ("series=list.csv", "a table has it"),
        ("SERIES=list.csv", "a table has it"),
        ("a b=list.csv", "letters, digits"),
        ("wanted=none.csv", "No such file"),
        ("wanted=list.xlsx", ".csv, .parquet"),
        ("wanted=broken.parquet", "can't be read as PARQUET"),
        ("wanted=broken.json", "can't be read as JSON"),
    ],
)
def test_files_that_can_not_be_used(run: Run, lake: Path, tmp_path: Path, given: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one clear line, which quotes nothing of the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text("a\n1\n")
    (tmp_path / "broken.parquet").write_text("SECRET PAR1")
    (tmp_path / "broken.json").write_text('{"a": SECRET')
    ran = run("query", lake, "select 1", "--with", given)
    ran.assert_one_line_error(2, words)
    assert "SECRET" not in ran.err


def test_names_of_tables_and_columns(run: Run, lake: Path) -> None:
    """As in DuckDB's own shell."""
    tables = [row["name"] for row in run("query", lake, "show tables", "--format", "json").json]
    assert {"files", "instances", "series", "snapshots"} <= set(tables)
    columns = run("query", lake, "describe series", "--format", "json").json
    assert {"column_name": "ImageType", "column_type": "VARCHAR[]"}.items() <= next(
        row for row in columns if row["column_name"] == "ImageType"
    ).items()


def test_every_kind_of_value_in_every_form(run: Run, lake: Path, tmp_path: Path) -> None:
    """Lists, structs, JSON, decimals and spans of time come out as they are."""
    sql = """select 1.50 as exact, [1, null] as list, {'a': 1, 'b': ['x']} as pair, '{"a": [1]}'::json as json, interval 3 days as span,
        sum(1::hugeint) as total, 'a'::blob as bytes, time '10:00:00' as time, map {'k': 1} as map, 1 as x, 2 as x"""
    row = run("query", lake, sql, "--format", "json").json[0]
    assert row["exact"] == 1.5
    assert (row["list"], row["pair"], row["json"]) == ([1, None], {"a": 1, "b": ["x"]}, '{"a": [1]}')
    assert (row["span"], row["total"], row["bytes"], row["time"]) == ("3 days", 1, "a", "10:00:00")
    assert (row["map"], row["x"], row["x_1"]) == ({"k": 1}, 1, 2)
    text = run("query", lake, sql, "--format", "csv").out
    assert next(csv.DictReader(io.StringIO(text)))["pair"] == '{"a": 1, "b": ["x"]}'
    assert "1.50" in run("query", lake, sql).out
    run("query", lake, sql, "-o", tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet")["total"].dtype == pl.Int64


def test_an_interrupt_ends_a_query(start: Callable[..., subprocess.Popen[bytes]], lake: Path, tmp_path: Path) -> None:
    """Ctrl-C ends it with 130 while DuckDB works, and leaves no file."""
    sql = "select sum(hash(a.range + b.range) % 7) from range(10000000) a, range(10000000) b, series"
    with (tmp_path / "question.sql").open("w") as file:
        file.write(sql)
    process = start("query", lake, "-f", tmp_path / "question.sql", "-o", tmp_path / "x.csv")
    while not list(tmp_path.glob(".x.csv.*.part")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"dicomlake: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["question.sql"]


def test_a_query_imports_little(lake: Path) -> None:
    """What a query from the shell does not need, it does not import: it answers in a fraction of a second."""
    code = (
        "import sys; from dicomlake.cli import main; "
        f"main(['query', {str(lake)!r}, {MODALITIES!r}]); "
        "print(sorted({'polars', 'pyarrow', 'numpy', 'dask', 'pandas', 'obstore', 'pydicom', 'yaml', 'botocore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_sql_error_leaves_no_file(run: Run, lake: Path, tmp_path: Path) -> None:
    """A result that is not whole has no name."""
    run("query", lake, "select cast(url as int) from files", "-o", tmp_path / "x.csv").assert_one_line_error(2)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_lake_is_one_line_and_2(run: Run, archive: Path, tmp_path: Path) -> None:
    """A folder that is none, and one that is not there."""
    for command in (["query", archive, "select 1"], ["info", archive], ["verify", archive], ["schema", "--lake", archive]):
        run(*command).assert_one_line_error(2, "not a lake", "dicomlake index")
    run("info", tmp_path / "nowhere").assert_one_line_error(2, "not a lake")


def test_lake_that_lacks_a_part_file_is_one_line_and_1(run: Run, own_lake: Path, tmp_path: Path) -> None:
    """The lake is to blame, not the query and not the file to be written."""
    next((own_lake / "series").rglob("*.parquet")).unlink()
    for more in ([], ["-o", tmp_path / "x.csv"]):
        run("query", own_lake, "select * from series", *more).assert_one_line_error(1, "can't be read", "dicomlake verify")


def test_file_that_cannot_be_written(run: Run, lake: Path, tmp_path: Path) -> None:
    """The file is named, and what to do."""
    run("query", lake, "select 1", "-o", tmp_path / "no" / "x.csv").assert_one_line_error(1, "x.csv", "-o")


def test_hostile_names_reach_no_terminal(run: Run, lake: Path, tmp_path: Path) -> None:
    """Values of a header are shown as data: no escape, no markup, no reversed text."""
    hostile = "\x1b[2J[red]x[/red]\u202eevil\x9b0m"
    out = run("query", lake, f"select '{hostile}' as name").out
    assert "\\x1b[2J[red]x[/red]\\u202eevil\\x9b0m" in out
    assert run("query", lake, f"select '{hostile}' as name", "--format", "json").json == [{"name": hostile}]
    run("query", lake, f"select '{hostile}' as name", "-o", tmp_path / "x.csv")
    assert hostile in (tmp_path / "x.csv").read_text("utf-8")
    assert "\x1b" not in run("query", lake, f"select {hostile}").err
