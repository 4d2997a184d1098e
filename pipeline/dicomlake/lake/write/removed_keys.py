"""Which rows a run took out of the part files that it found: whoever rolls up need not read those to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from dicomlake.lake.write.row_removal import Rewritten
from dicomlake.parts import PartFile


class Difference(NamedTuple):
    """Two versions of a table held against each other.

    Attributes:
        keys: of the rows that went from part files which are known; a row each.
        before: the part files of the earlier version, by path, of which that is not known.
        after: those of the later one.
    """

    keys: pl.DataFrame
    before: dict[str, PartFile]
    after: dict[str, PartFile]


class RemovedKeys:
    """The keys of rows that went, by the part file that held them, and the part files that took the place of others.

    A part file that was written anew holds the rows of the former one but those that went. So the two need not be compared. Memory is
    bounded by the rows that went.

    Args:
        columns: columns of text, which each `Rewritten` notes, perhaps beside others.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._origins: dict[str, str] = {}
        self._keys: dict[str, list[pl.DataFrame]] = {}

    def follow(self, rewritten: Rewritten) -> None:
        """Take note of part files that were written anew, whether or not their commit comes about."""
        for part, rest, noted in zip(rewritten.removed, rewritten.rest, rewritten.noted, strict=True):
            origin = self._origins.pop(part.path, part.path)
            if noted is not None:
                self._keys.setdefault(origin, []).append(noted.select(self.columns).unique(maintain_order=True))
            if rest is not None:
                self._origins[rest.path] = origin

    def difference(self, before: Mapping[str, PartFile], after: Mapping[str, PartFile]) -> Difference:
        """What two versions of the table have not in common.

        Args:
            before: the part files of the earlier version, by path.
            after: those of the later one.
        """
        same = before.keys() & after.keys()
        heirs = {path: origin for path in after if (origin := self._origins.get(path)) in before}
        known = {origin for origin in self._keys if origin in before and origin not in after}
        keys = [frame for origin in before if origin in known for frame in self._keys[origin]]
        return Difference(
            pl.concat([pl.DataFrame(schema=dict.fromkeys(self.columns, pl.String)), *keys]).unique(maintain_order=True),
            {path: part for path, part in before.items() if path not in same and path not in known},
            {path: part for path, part in after.items() if path not in same and path not in heirs},
        )
