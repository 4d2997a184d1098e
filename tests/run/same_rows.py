"""Compare two lakes of the same archive, cell by cell: `python -m tests.run.same_rows LAKE OTHER [--aside COLUMN ...]`.

For a change that must change no row: index an archive with the version before it and with the version after it, then compare the lakes.
Columns of runs and of reading costs are left out, as the games of nights leave them out. A column that only one lake has is named.
"""

from __future__ import annotations

import argparse
import sys

import polars as pl

from dicomlake.lake import Lake
from tests.run.comparison import comparable


def main() -> int:
    """Print the number of differing cells of each table; exit status 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lake")
    parser.add_argument("other")
    parser.add_argument("--aside", nargs="*", default=[], metavar="COLUMN", help="columns that are not compared")
    arguments = parser.parse_args()
    one, other = Lake(arguments.lake), Lake(arguments.other)
    return 1 if sum(_differing(name, one, other, arguments.aside) for name in one.tables if name != "snapshots") else 0


def _differing(table: str, one: Lake, other: Lake, aside: list[str]) -> int:
    left, right = (comparable(lake, table).drop(aside, strict=False) for lake in (one, other))
    only = sorted(set(left.columns) ^ set(right.columns))
    common = [name for name in left.columns if name in right.columns]
    left, right = (_sorted(frame.select(common)) for frame in (left, right))
    if left.height != right.height:
        print(f"{table}: {left.height} rows and {right.height}")
        return abs(left.height - right.height)
    cells = {name: int(left[name].ne_missing(right[name]).sum()) for name in common}
    differing = {name: count for name, count in cells.items() if count}
    print(f"{table}: {left.height} rows, {len(common)} columns, {sum(differing.values())} differing cells {differing or ''}")
    if only:
        print(f"  in one lake only: {', '.join(only)}")
    return sum(differing.values())


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows in an order that both lakes share."""
    order = [name for name, dtype in frame.schema.items() if not isinstance(dtype, pl.List)]
    return frame.sort(order)


if __name__ == "__main__":
    sys.exit(main())
