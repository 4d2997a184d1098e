"""Column types by name, as ``columns.csv`` and ``tables.csv`` write them, and what they are in Arrow.

Delta has no time of day, so ``time`` is text ``HH:MM:SS.ffffff``, which sorts and casts. List items are called ``element``, as
Delta and Parquet call them, so that no reader sees a table and its files disagree.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dicomlake.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa


@cache
def _scalars() -> dict[str, pa.DataType]:
    import pyarrow as pa  # noqa: PLC0415 - SQL asks for the names of tables without it

    return {
        "string": pa.string(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "date32": pa.date32(),
        "time": pa.string(),
        "timestamp[us]": pa.timestamp("us"),
        "timestamp[us, UTC]": pa.timestamp("us", "UTC"),
    }


_TYPE_OF_VR: dict[str, str] = {
    "IS": "int64",
    "DS": "float64",
    "FL": "float64",
    "FD": "float64",
    "US": "int32",
    "SS": "int32",
    "SL": "int32",
    "UL": "int64",
    "SV": "int64",
    "UV": "int64",
    "US or SS": "int32",
    "DA": "date32",
    "TM": "time",
    "DT": "timestamp[us]",
}


def is_list(type_name: str) -> bool:
    """Whether a type is a list."""
    return type_name.startswith("list<")


def item_type(type_name: str) -> str:
    """The type of a list's items; of a scalar the type itself."""
    return type_name[5:-1] if is_list(type_name) else type_name


def arrow_type(type_name: str) -> pa.DataType:
    """The Arrow type of a type's name.

    Raises:
        ConfigurationError: there is no such type.
    """
    import pyarrow as pa  # noqa: PLC0415 - likewise

    scalar = _scalars().get(item_type(type_name))
    if scalar is None:
        known = ", ".join(_scalars())
        raise ConfigurationError(f"type '{type_name}' is unknown; use one of {known}, or list<…> of one of them")
    return pa.list_(pa.field("element", scalar)) if is_list(type_name) else scalar


def type_of_vr(vr: str, vm: str, *, gathers: bool) -> str:
    """The type that a column of this VR and VM has unless told otherwise: real types for numbers and dates, else text."""
    scalar = _TYPE_OF_VR.get(vr, "string")
    return f"list<{scalar}>" if gathers or vm != "1" else scalar
