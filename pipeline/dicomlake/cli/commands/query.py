"""``query``: SQL over the tables of a lake."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from dicomlake.cli.options import FormOption, LakeArgument, RowsOption, StoreConfigOption
from dicomlake.cli.output.screen import is_terminal
from dicomlake.errors import AccessDenied, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from dicomlake.answers.sql.answer import Answer
    from dicomlake.cli.output.table import Heading

_FORMS_OF_SUFFIXES = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL")
_TEXTS = ("VARCHAR", "JSON", "STRUCT", "MAP")


def query(
    lake: LakeArgument,
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="SQL",
            help="A SELECT over files, instances, series, studies, patients, frames, stacks, instance_references, segments, "
            "content_items, findings, snapshots; or @NAME, a ready question.",
        ),
    ] = None,
    *,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="Read the SQL from FILE, or from stdin where FILE is -.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=FILE", help="See FILE (csv, parquet, json) as table NAME; may be repeated."),
    ] = None,
    form: FormOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to FILE. --format sets the format; without it, the suffix does."),
    ] = None,
    rows: RowsOption = None,
    snapshot: Annotated[
        int | None, typer.Option("--snapshot", metavar="N", help="Query the lake at snapshot N.", show_default="the last")
    ] = None,
    config: StoreConfigOption = None,
) -> None:
    r"""Run SQL over the tables of a lake.

    The SQL is DuckDB's. A query reads the tables and the files of --with, and writes nothing. `show tables` and `describe series` list
    tables and columns. On a terminal, wide tables are cut to its width; CSV, JSON and Parquet hold everything.

    \b
    dicomlake query ./lake "select Modality, count(*) as series from series group by all order by series desc"
    dicomlake query ./lake "select url, code, message from files where status = 'failed'"
    dicomlake query ./lake "select * from instances where Modality = 'CT'" -o ct.parquet
    dicomlake query ./lake @ct_index -o ct.csv
    dicomlake query ./lake --with wanted=list.csv "select * from studies join wanted using (AccessionNumber)"
    """
    from dicomlake.answers.sql.answer import ask
    from dicomlake.answers.sql.pinned import PinnedLake
    from dicomlake.cli.lakes import location_of
    from dicomlake.cli.output.formats import Form, write_rows

    text = _text_of(sql, file)
    files = _files_of(given or [])
    chosen = Form(form or _FORMS_OF_SUFFIXES.get(output.suffix.lower() if output else "", "table"))
    if chosen is Form.PARQUET and output is None and is_terminal(sys.stdout):
        raise UsageError("Parquet is not for a terminal; add -o FILE, or send stdout elsewhere")
    location = location_of(lake, config)
    pinned = PinnedLake(location.url, location.storage_options, snapshot=snapshot)
    answer = ask(pinned, text, files=files)
    with _opened(output) as out:
        write_rows(chosen, AnswerRows(answer), out, rows)


def _text_of(sql: str | None, file: str | None) -> str:
    if (sql is None) == (file is None):
        raise UsageError("a query needs SQL or -f FILE, and not both; write -f - for stdin")
    if file is None:
        return sql or ""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}; check -f") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} can't be read: it is not UTF-8; save it as UTF-8") from None


def _files_of(given: Sequence[str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise UsageError(f"--with {text}: NAME=FILE is expected, as in --with wanted=list.csv")
        if name.casefold() in {other.casefold() for other in files}:
            raise UsageError(f"--with {text}: '{name}' is given twice; choose another name")
        files[name] = path
    return files


@dataclass(frozen=True)
class AnswerRows:
    """The rows of an answer, for the formats."""

    answer: Answer

    @property
    def names(self) -> Sequence[str]:
        """The names of its columns."""
        return self.answer.names

    def headings(self) -> list[Heading]:
        """A heading for each column."""
        from dicomlake.cli.output.formats import heading_of

        return [
            heading_of(
                name,
                is_number=kind.startswith(_NUMBERS) and not kind.endswith("]"),
                is_text=kind.startswith(_TEXTS) or kind.endswith("]"),
            )
            for name, kind in zip(self.answer.names, self.answer.types, strict=True)
        ]

    def rows(self) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows in batches."""
        return self.answer.rows()

    def arrow_schema(self) -> pa.Schema:
        """Their schema."""
        return self.answer.arrow_schema()

    def arrow(self) -> Iterator[pa.RecordBatch]:
        """The rows as Arrow."""
        return self.answer.arrow()


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO | None]:
    """The file to write. It gets its name only when it is complete; a device or pipe is written directly."""
    if output is None:
        yield None
        return
    in_place = output.exists() and not stat.S_ISREG(output.stat().st_mode)
    path = output if in_place else output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with path.open("wb") as file:
            yield file
        if not in_place:
            path.replace(output)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AccessDenied(f"{output} can't be written: {error.strerror or error}; name another file with -o") from None
    finally:
        if not in_place:
            path.unlink(missing_ok=True)
