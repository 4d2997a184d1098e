"""Columns of a list in the types of a listing. Numbers may be text, times ISO 8601 or Unix seconds, and names bytes."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from dicomlake.printable import printable_line

_TIMESTAMP = pa.timestamp("us", "UTC")
_SIZE = r"^[0-9]{1,18}(?:\.0*)?$"
_UNIX_SECONDS = r"^(?P<seconds>[0-9]{1,11})(?:\.(?P<fraction>[0-9]*))?$"
_UNIX_SECONDS_LIMIT = 100_000_000_000  # the year 5138; more than that are milliseconds or finer
_ISO_8601 = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<minute>[0-9]{2}:[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?)?"
    r" ?(?P<zone>Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?$"
)
_SHOWN_LETTERS = 40


class CantBeTyped(ValueError):
    """A value does not fit its column; ``position`` is its index in the array."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(position, problem)
        self.position = position
        self.problem = problem


def texts(values: pa.Array) -> pa.StringArray:
    r"""Text as it is; bytes that are not UTF-8 become ``\xHH``, as in a url.

    Raises:
        CantBeTyped: the column holds neither text nor bytes.
    """
    if types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if types.is_binary(values.type) or types.is_large_binary(values.type) or types.is_binary_view(values.type):
        try:
            return values.cast(pa.string())
        except pa.ArrowInvalid:
            return pa.array(
                [None if value is None else value.decode("utf-8", "backslashreplace") for value in values.to_pylist()], pa.string()
            )
    if (
        types.is_string(values.type)
        or types.is_large_string(values.type)
        or types.is_string_view(values.type)
        or types.is_null(values.type)
    ):
        return values.cast(pa.string())
    raise CantBeTyped(0, f"is not text but {values.type}")


def etags(values: pa.Array) -> pa.StringArray:
    """Etags without quotes; empty ones are null.

    Raises:
        CantBeTyped: the column holds no text.
    """
    bare = pc.utf8_trim(texts(values), characters='" ')
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def file_sizes(values: pa.Array) -> pa.Int64Array:
    """Sizes in bytes; empty text and NaN are null.

    Raises:
        CantBeTyped: a value is not a whole number, or negative.
    """
    if types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    elif not types.is_integer(values.type):
        values = _filled(texts(values))
        _require(pc.match_substring_regex(values, _SIZE), values, "is not a size in bytes")
        values = pc.replace_substring_regex(values, r"\..*$", "")
    elif types.is_unsigned_integer(values.type):
        _require(pc.less(values, pa.scalar(1 << 63, pa.uint64())), values, "is not a size in bytes")
    if types.is_floating(values.type):
        _require(pc.and_(pc.equal(pc.floor(values), values), pc.less(values, float(1 << 63))), values, "is not a size in bytes")
    sizes = values.cast(pa.int64())
    _require(pc.greater_equal(sizes, 0), values, "is not a size in bytes")
    return sizes


def modified_times(values: pa.Array) -> pa.TimestampArray:
    """Times in microseconds, UTC: timestamps and dates (without zone: UTC), Unix seconds, or either as text; empty text is null.

    Raises:
        CantBeTyped: a value is of another form.
    """
    if types.is_timestamp(values.type) or types.is_date(values.type):
        zone = values.type.tz if types.is_timestamp(values.type) else None
        return values.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()).view(_TIMESTAMP)
    if types.is_integer(values.type) or types.is_floating(values.type):
        seconds = values.cast(pa.float64(), safe=False)
        seconds = pc.if_else(pc.is_nan(seconds), pa.scalar(None, pa.float64()), seconds)
        _require(pc.less(pc.abs(seconds), _UNIX_SECONDS_LIMIT), values, "is not a Unix time in seconds")
        return pc.floor(pc.multiply(seconds, 1e6)).cast(pa.int64()).view(_TIMESTAMP)
    values = _filled(texts(values))
    unix = pc.extract_regex(values, _UNIX_SECONDS)
    iso = pc.extract_regex(values, _ISO_8601)
    understood = pc.or_(pc.is_valid(unix), pc.is_valid(iso))
    _require(pc.or_(understood, pc.is_null(values)), values, "is not a time; write ISO 8601 or Unix seconds")
    return pc.coalesce(_of_unix(unix), _of_iso(iso, values))


def _of_unix(parts: pa.StructArray) -> pa.TimestampArray:
    seconds = _part(parts, "seconds").cast(pa.int64())
    return pc.add(pc.multiply(seconds, 1_000_000), _microseconds(parts).cast(pa.int64())).view(_TIMESTAMP)


def _of_iso(parts: pa.StructArray, values: pa.StringArray) -> pa.TimestampArray:
    minute = _part(parts, "minute")
    second = _part(parts, "second")
    zone = _part(parts, "zone")
    spelt = pc.binary_join_element_wise(
        pc.binary_join_element_wise(_part(parts, "date"), pc.if_else(pc.equal(minute, ""), "00:00", minute), "T"),
        pc.binary_join_element_wise(pc.if_else(pc.equal(second, ""), "00", second), _microseconds(parts), "."),
        ":",
    )
    zone = pc.if_else(pc.or_(pc.equal(zone, ""), pc.equal(zone, "UTC")), "Z", zone)
    spelt = pc.binary_join_element_wise(spelt, zone, "")
    try:
        return spelt.cast(_TIMESTAMP)
    except pa.ArrowInvalid:
        position = next(index for index in range(len(spelt)) if not _is_time(spelt[index]))
        raise CantBeTyped(position, f"{_value(values, position)} is not a time; write ISO 8601 or Unix seconds") from None


def _is_time(value: pa.StringScalar) -> bool:
    try:
        value.cast(_TIMESTAMP)
    except pa.ArrowInvalid:
        return False
    return True


def _microseconds(parts: pa.StructArray) -> pa.StringArray:
    """Six digits of the fraction of a second; further digits are cut off, as in a file's modified time."""
    return pc.utf8_slice_codeunits(pc.utf8_rpad(_part(parts, "fraction"), 6, "0"), 0, 6)


def _part(parts: pa.StructArray, name: str) -> pa.StringArray:
    return pc.struct_field(parts, name)


def _filled(values: pa.StringArray) -> pa.StringArray:
    bare = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)


def _require(fits: pa.BooleanArray, values: pa.Array, problem: str) -> None:
    """Refuse the first value that does not fit; a null always fits."""
    position = pc.index(pc.fill_null(fits, fill_value=True), value=False).as_py()
    if position >= 0:
        raise CantBeTyped(position, f"{_value(values, position)} {problem}")


def _value(values: pa.Array, position: int) -> str:
    return repr(printable_line(str(values[position].as_py()))[:_SHOWN_LETTERS])
