"""What stands below a folder, or in an archive, that could not be read: it may well be there, no one has looked."""

from __future__ import annotations

import polars as pl


class UnreadablePlaces:
    """Folders and archives that could not be listed, as a listing comes by them in the order of places."""

    def __init__(self) -> None:
        self._urls: list[str] = []
        self._passed = ""

    def add(self, urls: list[str]) -> None:
        """Note some more."""
        self._urls += urls

    def pass_to(self, place: str) -> None:
        """The listing comes to a place, and what the ledger has up to there is about to be judged.

        What stands below a folder follows it in order, and ends before its name with the character after "/". What the ledger has of that
        may come between the place to which the listing came before and this one.
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
