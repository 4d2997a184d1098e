"""``query``: SQL over the tables of a lake."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from dicomlake.cli.options import FormOption, LakeArgument, RowsOption, StoreConfigOption
from dicomlake.cli.output.screen import is_terminal
from dicomlake.errors import AccessDenied, LakeDamaged, QueryError, UsageError

if TYPE_CHECKING:
    import polars as pl

_FORMS_OF_SUFFIXES = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
_VALUES = re.compile(r"(:\s*)?\[.*")


def query(
    lake: LakeArgument,
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="A SELECT over files, instances, series, studies, patients, findings, snapshots.")
    ],
    *,
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

    The dialect is that of polars. `dicomlake schema` lists tables and columns. On a terminal, wide tables are cut to its width; CSV, JSON
    and Parquet hold everything.

    \b
    dicomlake query ./lake "select Modality, count(*) as series from series group by Modality order by 2 desc"
    dicomlake query ./lake "select url, code, message from files where status = 'failed'"
    dicomlake query ./lake "select * from instances where Modality = 'CT'" -o ct.parquet
    """
    from dicomlake.cli.lakes import lake_at
    from dicomlake.cli.output.formats import Form, write_rows

    chosen = Form(form or _FORMS_OF_SUFFIXES.get(output.suffix.lower() if output else "", "table"))
    if chosen is Form.PARQUET and output is None and is_terminal(sys.stdout):
        raise UsageError("Parquet is not for a terminal; add -o FILE, or send stdout elsewhere")
    frame = lake_at(lake, config, snapshot).sql(sql)
    with _opened(output) as out:
        write_rows(chosen, _batches(frame, lake), frame.collect_schema(), out, rows)


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


def _batches(frame: pl.LazyFrame, lake: str) -> Iterator[pl.DataFrame]:
    """Yield the rows. polars reports many errors only now, and our messages omit values of rows, which may be a patient's."""
    from polars.exceptions import PolarsError

    try:
        yield from frame.collect_batches()
    except OSError as error:
        raise LakeDamaged(f"a table of {lake} can't be read: {_first_line(error)}; run 'dicomlake verify {lake}'") from None
    except PolarsError as error:
        line = f"the query can't be run: {_first_line(error)}; 'dicomlake schema' lists columns and their types"
        raise QueryError(line) from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return _VALUES.sub("", lines[0]) if lines else type(error).__name__
