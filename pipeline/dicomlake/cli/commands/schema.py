"""``schema``: the columns of the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dicomlake.cli.options import ConfigOption, FormOption, LakeOption
from dicomlake.errors import UsageError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_SHORT_TYPES = {"double": "float64", "float": "float32", "date32[day]": "date32", "large_string": "string", "string_view": "string"}


def schema(
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help="One table.", show_default="all")] = None,
    *,
    lake: LakeOption = None,
    config: ConfigOption = None,
    form: FormOption = None,
) -> None:
    """List the columns of the tables.

    With tag, VR, type, units and description. The columns are those of a new lake (the standard ones and those of --config), or those
    of --lake.
    """
    from dicomlake.cli.output.formats import Form, FrameRows, write_rows

    if lake is not None and config is not None:
        raise UsageError("--lake and --config exclude each other, since a lake keeps its own columns; give one of them")
    rows = _columns(_schemas(lake, config), table)
    write_rows(Form(form or "table"), FrameRows(rows), None, 0)


def _schemas(lake: str | None, config: str | None) -> dict[str, pa.Schema]:
    from dicomlake.config import load_settings
    from dicomlake.schema import table_names

    if lake is not None:
        from dicomlake.lake import Lake

        opened = Lake(lake)
        return {name: opened.schema(name) for name in table_names()}
    of_settings = load_settings(config).schema_of_lake()
    return {name: of_settings.table(name) for name in table_names()}


def _columns(schemas: dict[str, pa.Schema], table: str | None) -> pl.DataFrame:
    """A row for each column of one table; or of all tables, with the name of the table."""
    import polars as pl

    if table is not None and table not in schemas:
        raise UsageError(f"there is no table '{table}'; the tables are {', '.join(schemas)}")
    names = ("table", "column", "tag", "vr", "type", "units", "description")
    rows = [_column(name, field) for name, fields in schemas.items() if table in (None, name) for field in fields]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return frame.drop("table") if table is not None else frame


def _column(table: str, field: pa.Field) -> tuple[str | None, ...]:
    said = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    return (table, field.name, said.get("tag"), said.get("vr"), type_name(field.type), said.get("units"), said.get("description"))


def type_name(kind: pa.DataType) -> str:
    """The name of an Arrow type in the configuration."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    text = str(kind).replace("tz=", "")
    return _SHORT_TYPES.get(text, text)
