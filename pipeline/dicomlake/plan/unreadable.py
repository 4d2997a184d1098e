"""Folders and archives that could not be listed: a file below one of them may be there, and has not vanished."""

from __future__ import annotations

import polars as pl


class UnreadableFolders:
    """Folders and archives that could not be listed, as a listing comes by them in the order of places."""

    def __init__(self) -> None:
        self._urls: list[str] = []
        self._passed = ""

    def add(self, urls: list[str]) -> None:
        """Note some more."""
        self._urls += urls

    def pass_to(self, place: str) -> None:
        """The listing comes to a place, and what the ledger has up to there is about to be judged.

        Files below a folder follow it in order, and end before its name with the character after "/". So a folder that the listing passed
        earlier may still have files in the ledger before this place.
        """
        self._urls = [url for url in self._urls if url + "0" > self._passed]
        self._passed = place

    def hide(self, places: pl.Series) -> pl.Series:
        """Which places stand below one of them."""
        if not self._urls or places.len() == 0:
            return pl.Series([False], dtype=pl.Boolean).new_from_index(0, places.len())
        # Nothing is listed below such a folder, so the one that a place can stand below is the last that sorts before it.
        above = pl.Series("above", [url + end for url in self._urls for end in ("/", "\0")]).sort()
        indices = above.search_sorted(places, side="right").cast(pl.Int64) - 1
        pairs = pl.DataFrame({"place": places, "above": above.gather(indices.clip(0)), "index": indices})
        is_below = (pl.col("index") >= 0) & pl.col("place").str.starts_with(pl.col("above"))
        return pairs.select(is_below).to_series()
