"""The agreed value of an attribute over the rows of a group, and whether the rows differ.

Most attributes are the same throughout a series, so the common case is made cheap. Where the rows of each group stand side by side, each
row is compared with the one before: a column that never changes inside a group needs nothing but the first rows. Of the other columns
one pass finds the groups in which rows differ (by the least and the greatest hash of a value), and only those are counted. The twin in the
tests counts everything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

WEIGHT = "_rows"


def agreed_values(rows: pl.DataFrame, keys: Sequence[str], columns: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The most frequent value of every column in every group, the smallest where there is a tie; nulls don't count.

    Args:
        rows: the rows, with ``keys``, ``columns`` and ``WEIGHT``, how many instances a row stands for.
        keys: the columns that make a group; a null is a key like any other.
        columns: the columns to agree upon.

    Returns:
        Two frames with a row for each group, in the same order: ``keys`` and the values; ``keys`` and, for each column that differs in some
        group, whether values that are not null differ.
    """
    keys = list(keys)
    # Of a CT series every column of an MR is null: half of all columns need no counting.
    nulls = rows.null_count().row(0, named=True)
    empty = [name for name in columns if name not in keys and nulls[name] == rows.height]
    own = [name for name in columns if name not in keys and nulls[name] < rows.height]
    starts = _starts(rows, keys)
    if starts is None:
        values, spread = _counted(rows.select(*keys, *own, WEIGHT), keys, own)
    else:
        steady = _steady(rows, starts, own)
        values = rows.select(*keys, *steady)[starts.arg_true()]
        values = values.with_columns(_without_negative_zero(values, steady))
        spread = values.select(keys)
        changing = [name for name in own if name not in set(steady)]
        if changing:
            counted, spread = _counted(rows.select(*keys, *changing, WEIGHT), keys, changing)
            values = values.hstack(counted.select(changing))
    differing = [name for name in spread.columns if name not in keys and spread[name].any()]
    nothing = rows.select(empty).slice(0, values.height)  # of nulls some are like all others
    return values.hstack(nothing), spread.select(*keys, *differing)


def _starts(rows: pl.DataFrame, keys: list[str]) -> pl.Series | None:
    """Whether a group begins with a row; None where the rows of some group don't stand side by side."""
    starts = rows.select(pl.any_horizontal([pl.col(name).ne_missing(pl.col(name).shift()) for name in keys])).to_series()
    starts = starts | (pl.int_range(rows.height, eager=True) == 0)
    return starts if starts.sum() == rows.select(keys).n_unique() else None


def _steady(rows: pl.DataFrame, starts: pl.Series, names: list[str]) -> list[str]:
    """The columns that have one value throughout each group, or null throughout: of these the first row tells all."""
    types = rows.schema
    # Lists are dear to compare, and compared by their hashes here as in `_counted`. An expression of many columns is made only once.
    lists = [name for name in names if isinstance(types[name], pl.List)]
    plain = [name for name in names if name not in set(lists)]
    hashed = rows.select(_hashes(lists))
    compared = rows.select(plain).hstack(hashed) if plain else hashed  # a frame without columns has no rows either
    changes = compared.select((pl.all().ne_missing(pl.all().shift()) & ~starts).any())
    return [name for name, changed in changes.row(0, named=True).items() if not changed] if names else []


def _hashes(names: list[str]) -> list[pl.Expr]:
    """The hash of each value; that of a null is null."""
    return [pl.when(pl.col(names).is_not_null()).then(pl.col(names).hash()).name.keep()] if names else []


def _counted(rows: pl.DataFrame, keys: list[str], names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The agreed values of columns that may differ anywhere in a group, and in which groups they do."""
    rows = rows.with_columns(_without_negative_zero(rows, names))
    hashed = rows.select(*keys, *_hashes(names))
    groups = hashed.group_by(keys, maintain_order=True)
    spread = groups.agg((pl.col(name).min() != pl.col(name).max()).fill_null(value=False) for name in names)
    values = rows.group_by(keys, maintain_order=True).agg(pl.col(name).drop_nulls().first() for name in names)
    for name in names:
        if spread[name].any():
            values = _replace(values, spread, rows, keys, name)
    return values, spread


def _without_negative_zero(rows: pl.DataFrame, names: Sequence[str]) -> list[pl.Expr]:
    """0.0 and -0.0 are one value: which of them is shown must not depend on the order of rows."""
    types = rows.schema
    scalars = [name for name in names if types[name].is_float()]
    lists = [name for name in names if types[name] in (pl.List(pl.Float64), pl.List(pl.Float32))]
    # Polars takes the sum of a value and 0.0 for the value itself, sign and all.
    expressions = [pl.when(pl.col(scalars) == 0).then(0.0).otherwise(pl.col(scalars)).name.keep()] if scalars else []
    element = pl.element()
    return [*expressions, *(pl.col(name).list.eval(pl.when(element == 0).then(0.0).otherwise(element)) for name in lists)]


def _replace(values: pl.DataFrame, spread: pl.DataFrame, rows: pl.DataFrame, keys: list[str], name: str) -> pl.DataFrame:
    """Count the values of one column in the groups where they differ."""
    groups = spread.filter(pl.col(name)).select(keys)
    counted = (
        rows.select(*keys, name, WEIGHT)
        .filter(pl.col(name).is_not_null())
        .join(groups, on=keys, how="semi", nulls_equal=True)
        .group_by(*keys, name, maintain_order=True)
        .agg(pl.col(WEIGHT).sum())
        .filter(pl.col(WEIGHT) == pl.col(WEIGHT).max().over(keys))
    )
    if isinstance(counted.schema[name], pl.List):
        chosen = _smallest_list(counted, keys, name)
    else:
        chosen = counted.group_by(keys, maintain_order=True).agg(pl.col(name).min())
    return (
        values.join(chosen.rename({name: "_chosen"}), on=keys, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.coalesce("_chosen", name).alias(name))
        .drop("_chosen")
    )


def _smallest_list(counted: pl.DataFrame, keys: list[str], name: str) -> pl.DataFrame:
    """Polars orders no lists; ties between lists are few."""
    smallest: dict[tuple[object, ...], list[object]] = {}
    for *key, value, _ in counted.select(*keys, name, WEIGHT).iter_rows():
        group = tuple(key)
        if group not in smallest or _order(value) < _order(smallest[group]):
            smallest[group] = value
    columns = {keyname: [group[index] for group in smallest] for index, keyname in enumerate(keys)}
    schema = {keyname: counted.schema[keyname] for keyname in (*keys, name)}
    return pl.DataFrame({**columns, name: list(smallest.values())}, schema=schema)


def _order(value: list[object]) -> list[tuple[bool, bool, object]]:
    """Items in order, null before all others and NaN behind them."""
    return [(item is not None, _is_nan(item), 0 if item is None or _is_nan(item) else item) for item in value]


def _is_nan(item: object) -> bool:
    return isinstance(item, float) and math.isnan(item)


def differing_names(spread: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """For each group the sorted names of the columns that differ; null where none does."""
    present = sorted(name for name in set(names).intersection(spread.columns) if spread[name].any())
    if not present:
        return pl.Series([None] * spread.height, dtype=pl.List(pl.String))
    lists = spread.select(
        names=pl.concat_list([pl.when(pl.col(name)).then(pl.lit(name)) for name in present]).list.drop_nulls(),
    )["names"]
    return lists.to_frame("names").select(pl.when(pl.col("names").list.len() > 0).then(pl.col("names")))["names"]
