"""A batch of a listing beside what the ledger knows, a stretch of places at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from dicomlake.ledger import NOTHING_KNOWN, PLACE, Ledger
from dicomlake.urls import END_OF_MEMBERS, START_OF_MEMBERS

STRETCH_ROWS = 65_536
"""Rows of the ledger that are held against a batch at once, and those of one archive more."""


class Stretch(NamedTuple):
    """Part of a batch of a listing, with all rows of the ledger that stand there, up to the place ``end``."""

    listed: pl.DataFrame
    known: pl.DataFrame
    end: str


def stretches(listed: pl.DataFrame, ledger: Ledger) -> Iterator[Stretch]:
    """Cut a batch of a listing, and the ledger up to its end, into stretches; no archive is cut from its members."""
    if listed.height == 0:
        return
    places = listed.select(PLACE).to_series()
    end = places[-1] + END_OF_MEMBERS if listed["may_be_archive"][-1] else places[-1]
    start, rows = 0, 0
    held: list[pl.DataFrame] = []
    for known in ledger.take_up_to(end):
        held.append(known)
        rows += known.height
        # More of the archive that the last row belongs to, or is, may be to come.
        whole = known["place"][-1].partition(START_OF_MEMBERS)[0]
        if rows < STRETCH_ROWS or held[0]["place"][0] >= whole:
            continue
        frame = pl.concat(held)
        cut, row = (ascending.search_sorted(whole, side="left") for ascending in (frame["place"], places))
        yield Stretch(listed.slice(start, row - start), frame.slice(0, cut), whole)
        start, held, rows = row, [frame.slice(cut)], frame.height - cut
    yield Stretch(listed.slice(start), pl.concat(held) if held else NOTHING_KNOWN, end)
