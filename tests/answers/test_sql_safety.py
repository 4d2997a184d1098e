"""Each way by which DuckDB could leave the lake is tried: a query reads the lake's own files, and writes nothing.

After every attempt each file of the lake and beside it is the same byte by byte, and the canary's text stands in no answer and no message.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from dicomlake import Lake
from dicomlake.answers.sql.answer import ask
from dicomlake.errors import DicomlakeError, QueryError

CANARY = "canary-7b1f"
CANARY_VARIABLE = "secret_frame"

READS = [
    "select * from read_text('{canary}')",
    "select * from read_blob('{canary}')",
    "select * from read_csv('{canary}', header = false)",
    "select * from read_csv_auto('{canary}', header = false)",
    "select * from sniff_csv('{canary}')",
    "select * from read_json('{canary}')",
    "select * from read_json_auto('{canary}')",
    "select * from read_ndjson('{canary}')",
    "select * from read_json_objects('{canary}')",
    "select * from read_ndjson_objects('{canary}')",
    "select * from read_parquet('{canary_parquet}')",
    "select * from parquet_scan('{canary_parquet}')",
    "select * from parquet_metadata('{canary_parquet}')",
    "select * from parquet_schema('{canary_parquet}')",
    "select * from parquet_file_metadata('{canary_parquet}')",
    "select * from parquet_kv_metadata('{canary_parquet}')",
    "select * from parquet_bloom_probe('{canary_parquet}', 'a', 1)",
    "select * from read_duckdb('{folder}/other.duckdb')",
    "select * from glob('{folder}/*')",
    "select * from '{canary}'",
    "from '{canary_parquet}'",
    'select * from "{canary_parquet}"',
    "select * from '{folder}/*.parquet'",
    "select * from read_parquet('{folder}/*.parquet')",
    "select * from read_text('file://{canary}')",
    "select * from read_text('dicomlake://{canary}')",
    "select * from read_text('dicomlake://../canary.txt')",
    "select * from read_text('dicomlake://series/../../canary.txt')",
    "select * from read_text('dicomlake://*')",
    "select * from read_text('DUCKDB_INTERNAL_OBJECTSTORE://{canary}')",
    "select * from read_text('memory://{canary}')",
    "select * from read_text('/proc/self/environ')",
    "select * from read_text('/dev/stdin')",
    "select * from query('select * from read_text(''{canary}'')')",
    "select * from query('from ' || '''{canary_parquet}''')",
    "select * from query_table('{canary_parquet}')",
    "select * from query_table(['{canary_parquet}'])",
    "select (select content from read_text('{canary}'))",
    "select * from series, lateral (select * from read_text('{canary}'))",
    "with a as (select * from read_text('{canary}')) select * from a",
    "with recursive a as (select content from read_text('{canary}') union all select content from a) select * from a",
    "with a as materialized (from '{canary_parquet}') from a",
    "describe select * from read_text('{canary}')",
    "describe '{canary_parquet}'",
    "summarize '{canary_parquet}'",
    "pivot (from read_text('{canary}')) on content using count(*)",
    "unpivot (from '{canary_parquet}') on secret",
    "select getenv('DICOMLAKE_CANARY')",
    "select * from secret_frame",
    "select * from SECRET_FRAME",
    "select * from pandas_scan(1)",
    "select * from python_map_function()",
    "select * from arrow_scan(0, 0, 0)",
    "select * from seq_scan('series')",
    "select content from read_text(['{canary}'])",
    "select * from sqlite_scan('{canary}', 'a')",
    "select * from postgres_scan('host=127.0.0.1', 'a', 'b')",
    "select * from mysql_scan('a', 'b', 'c')",
    "select * from iceberg_scan('{folder}')",
    "select * from delta_scan('{folder}')",
    "select * from st_read('{canary}')",
    "select * from read_xlsx('{canary}')",
    "select * from read_avro('{canary}')",
    "select prompt('{canary}')",
    "select http_get('http://127.0.0.1:{port}/')",
]
"""Questions that want another file, a variable of the program or of its environment."""

NETWORK = [
    "select * from read_text('http://127.0.0.1:{port}/a')",
    "select * from read_csv('https://127.0.0.1:{port}/a.csv')",
    "select * from read_parquet('s3://bucket/a.parquet')",
    "select * from 'http://127.0.0.1:{port}/a.parquet'",
    "select * from read_parquet('hf://datasets/a/b.parquet')",
    "select * from read_text('gcs://bucket/a')",
    "select * from read_text('az://bucket/a')",
    "attach 'http://127.0.0.1:{port}/a.duckdb' as other",
]

WRITES = [
    "copy series to '{folder}/out.csv'",
    "copy (select 1) to '{part}' (format parquet)",
    "copy (select 1) to 'dicomlake://{name}' (format parquet)",
    "copy (select 1) to 'dicomlake://new.parquet'",
    "copy series from '{canary}'",
    "copy series from 'dicomlake://{name}'",
    "copy from database memory to other",
    "with a as (copy (select 1) to '{part}' (format parquet)) select 1",
    "with a as (copy (select 1) to 'dicomlake://{name}' (format parquet)) select * from a",
    "with a as (copy (select 1) to '{folder}/out.csv') select * from a",
    "with a as (insert into series (Modality) values ('CT') returning *) select * from a",
    "select * from (copy (select 1) to '{folder}/out.csv')",
    "export database '{folder}/export'",
    "import database '{folder}'",
    "attach '{folder}/new.duckdb' as other",
    "attach '{folder}/new.duckdb'",
    "attach ':memory:' as other",
    "detach memory",
    "install httpfs",
    "install '{folder}/evil.duckdb_extension'",
    "load '{folder}/evil.duckdb_extension'",
    "load httpfs",
    "force install httpfs from 'http://127.0.0.1:{port}'",
    "update extensions",
    "create table mine (a int)",
    "create or replace view series as select 1",
    "create view mine as select 1",
    "create temp table mine as select 1",
    "create macro mine() as 1",
    "create type mine as enum ('a')",
    "create sequence mine",
    "create schema mine",
    "create persistent secret (type s3, key_id 'a', secret 'b')",
    "create secret (type http, bearer_token 'a')",
    "insert into series values (1)",
    "insert into series (Modality) values ('CT')",
    "update series set Modality = 'CT'",
    "delete from series",
    "truncate series",
    "merge into series using instances on true when matched then delete",
    "drop view series",
    "alter view series rename to mine",
    "comment on view series is 'x'",
    "set threads = 1",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "set disabled_filesystems = ''",
    "set allowed_paths = ['{canary}']",
    "set allowed_directories = ['{folder}']",
    "set temp_directory = '{folder}/spill'",
    "set memory_limit = '1TB'",
    "set log_query_path = '{folder}/log'",
    "set profile_output = '{folder}/profile'",
    "set python_enable_replacements = true",
    "set variable secret = 1",
    "reset enable_external_access",
    "reset lock_configuration",
    "pragma enable_profiling",
    "pragma disable_optimizer",
    "pragma database_list",
    "use memory",
    "begin",
    "commit",
    "rollback",
    "checkpoint",
    "force checkpoint",
    "vacuum",
    "analyze",
    "call pragma_version()",
    "call enable_logging()",
    "call force_checkpoint()",
    "call write_log('x')",
    "prepare mine as select 1",
    "execute mine",
    "deallocate mine",
    "explain select 1",
    "explain analyze copy series to '{folder}/out.csv'",
    "select 1; copy series to '{folder}/out.csv'",
    "select 1; drop view series",
    "select 1; set lock_configuration = false; select 2",
    "select 1) as a; copy series to '{folder}/out.csv'; select * from (select 1",
    "select 1) union all (select 2",
    "select 1 -- ) as a; copy series to '{folder}/out.csv'\n; drop view series",
    "select 1 /* ) */ ; drop view series /* ( */",
    "*/ select 1 /*",
    "select 1 /*",
    "select 1) --",
    "select '1) --",
    "select $$1) --",
    "",
    ";",
    "-- nothing",
]
"""What is no question, or more than one."""


@pytest.fixture(scope="module")
def server() -> Iterator[socket.socket]:
    """A server that counts nothing and answers nobody: no connection may come."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0)
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def place(lake_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake and canaries; every test holds it against what it was before."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(lake_folder, folder / "lake")
    (folder / "canary.txt").write_text(CANARY)
    pl.DataFrame({"secret": [CANARY]}).write_parquet(folder / "canary.parquet")
    return folder


@pytest.fixture
def place_lake(place: Path) -> Lake:
    """The lake of that folder."""
    return Lake(place / "lake")


@pytest.fixture
def words(place: Path, server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The paths that attempts name; another canary is in the environment."""
    monkeypatch.setenv("DICOMLAKE_CANARY", CANARY)
    monkeypatch.chdir(place)
    part = next((place / "lake" / "series").glob("*.parquet"))
    return {
        "canary": str(place / "canary.txt"),
        "canary_parquet": str(place / "canary.parquet"),
        "folder": str(place),
        "part": str(part),
        "name": "series/0.parquet",
        "port": str(server.getsockname()[1]),
    }


def _digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def _attempt(lake: Lake, query: str) -> str:
    """All that a query lets its caller see."""
    secret_frame = pl.DataFrame({"secret": [CANARY]})  # noqa: F841 - it is the query that looks for it
    try:
        return str(lake.sql(query).collect().rows())
    except DicomlakeError as error:
        told = str(error)
    assert len(told.splitlines()) == 1
    return f"refused: {told}"


@pytest.mark.parametrize("query", READS)
def test_no_other_file_is_read(query: str, place: Path, place_lake: Lake, words: dict[str, str]) -> None:
    """The question is refused in one line, and the canary is not in it."""
    before = _digests(place)
    seen = _attempt(place_lake, query.format(**words))
    assert seen.startswith("refused: ")
    assert CANARY not in seen.replace(words["canary"], "")
    assert _digests(place) == before


@pytest.mark.parametrize("query", NETWORK)
def test_nothing_is_asked_of_the_network(query: str, place_lake: Lake, words: dict[str, str], server: socket.socket) -> None:
    """The question is refused, and nobody connects."""
    assert _attempt(place_lake, query.format(**words)).startswith("refused: ")
    with pytest.raises(BlockingIOError):
        server.accept()


@pytest.mark.parametrize("query", WRITES)
def test_nothing_is_written(query: str, place: Path, place_lake: Lake, words: dict[str, str]) -> None:
    """What is no question is refused in one line; every file stays, and none comes."""
    before = _digests(place)
    assert _attempt(place_lake, query.format(**words)).startswith("refused: ")
    assert _digests(place) == before
    assert place_lake.sql("select count(*) from series").collect().item() > 0


def test_what_may_be_asked_of_duckdb_tells_nothing(place: Path, place_lake: Lake, words: dict[str, str]) -> None:
    """Tables of DuckDB's own hold no path of this machine and no secret."""
    for query in (
        "select * from duckdb_secrets()",
        "select * from duckdb_settings()",
        "select * from duckdb_views()",
        "select * from duckdb_databases()",
        "select * from duckdb_temporary_files()",
        "select * from duckdb_variables()",
        "select * from duckdb_logs()",
        "select * from duckdb_external_file_cache()",
        "select * from information_schema.tables",
        "select current_setting('temp_directory'), current_setting('allowed_paths')",
        "select * from pragma_database_list()",
    ):
        seen = _attempt(place_lake, query)
        assert str(place) not in seen, query
        assert CANARY not in seen, query


def test_no_function_of_one_text_tells_the_canary(place: Path, place_lake: Lake, words: dict[str, str]) -> None:
    """Functions that a later DuckDB brings are tried too: each is given the canary as its only argument, in a locked DuckDB."""
    before = _digests(place)
    answer = ask(place_lake, "select 1")
    connection = answer._session.another_connection()
    names = connection.sql(
        "select distinct function_name, function_type from duckdb_functions() where function_name not like '%sleep%'"
    ).fetchall()
    assert len(names) > 500
    for name, kind in names:
        for argument in (words["canary"], words["canary_parquet"], "DICOMLAKE_CANARY", CANARY_VARIABLE):
            call = f"\"{name}\"('{argument}')"
            try:
                seen = str(connection.sql(f"select * from {call}" if kind.startswith("table") else f"select {call}").fetchall())  # noqa: S608
            except Exception as error:  # noqa: BLE001 - DuckDB refuses in many ways
                seen = str(error)
            assert CANARY not in seen.replace(words["canary"], ""), name
    answer.close()
    assert _digests(place) == before


def test_the_lakes_own_file_can_be_named(own_folder: Path) -> None:
    """A part file has a name of ours, which tells nothing of this machine; its rows are the lake's own."""
    seen = Lake(own_folder).sql(
        "select count(*) as n, any_value(filename) as name from read_parquet('dicomlake://series/0.parquet') join series on true"
    )
    row = seen.collect().row(0, named=True)
    assert row["n"] > 0
    assert str(own_folder) not in str(row)


def test_a_query_keeps_no_temporary_file(own_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that needs more memory than it may have is refused in one line, and nothing is spilt to disk."""
    monkeypatch.setattr("dicomlake.answers.sql.session.MEMORY_LIMIT", "40MB")
    monkeypatch.chdir(tmp_path)
    before = _digests(tmp_path)
    query = "select a.range::varchar || repeat('x', 100) as text, count(*) from range(3000000) a group by all order by text limit 1"
    with pytest.raises(QueryError, match=r"needs more than .* of memory"):
        Lake(own_folder).sql(query).collect()
    assert _digests(tmp_path) == before
    assert not any(path.is_dir() and path.name != "lake" for path in tmp_path.iterdir())


def test_answers_stay_locked_after_they_were_prepared(lake: Lake) -> None:
    """Neither the connection of an answer nor another one to the same DuckDB can be unlocked."""
    answer = ask(lake, "select count(*) from series")
    connection = answer._session.another_connection()
    for statement in ("set enable_external_access = true", "set lock_configuration = false", "copy (select 1) to 'x.csv'", "load httpfs"):
        with pytest.raises(Exception, match=r"(?i)locked|disabled|cannot|not"):
            connection.execute(statement)
    answer.close()


def test_threads_read_one_file_side_by_side(lake_folder: Path) -> None:
    """Each thread has its own position in an open file, so no read gets the bytes of another."""
    from dicomlake.answers.sql.lake_files import LakeFile, OpenFile
    from dicomlake.parts import Location

    path = max(lake_folder.rglob("*.parquet"), key=lambda path: path.stat().st_size)
    content = path.read_bytes()
    wrong: list[object] = []
    file = OpenFile(LakeFile(Location.of(lake_folder), str(path), len(content)), wrong.append)
    barrier = threading.Barrier(8)

    def read(first: int) -> None:
        barrier.wait()
        for offset in range(first, len(content), 997):
            file.seek(offset)
            if file.read(100) != content[offset : offset + 100]:
                wrong.append(offset)

    threads = [threading.Thread(target=read, args=(number * 13,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file.close()
    assert wrong == []


def test_answers_are_closed_without_open_files(lake: Lake) -> None:
    """A closed answer keeps no file of the lake open."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        answer = ask(lake, "select count(*), min(Modality) from instances")
        assert sum(len(batch) for batch in answer.rows()) == 1
        answer.close()
    assert len(os.listdir("/proc/self/fd")) <= before + 2
