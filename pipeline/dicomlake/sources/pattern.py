"""Globs, matched name by name on the way down, so that folders that can't lead to a match are never opened.

``*``, ``?`` and ``[...]`` match within a name, also in names that begin with a dot; ``**`` matches any number of folders. A folder that
matches includes everything in it, as if the shell had expanded the glob.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import cached_property

_MAGIC = re.compile(r"[*?]|\[.+\]")
_ANY_FOLDERS = "**"
_NAMES_ABOVE = "(?:[^/]*/)*"


def has_magic(text: str) -> bool:
    """Whether a path or one of its names is a pattern."""
    return _MAGIC.search(text) is not None


class Pattern:
    """A glob below some folder; ``below`` answers the rest of it for a folder inside that folder."""

    def __init__(self, names: Iterable[str], indices: Iterable[int] = (0,)) -> None:
        self._names = tuple(names)
        self._indices = self._with_skipped(indices)

    @property
    def has_any_folders(self) -> bool:
        """Whether it has a ``**``, so that almost every folder must be opened."""
        return _ANY_FOLDERS in self._names

    @cached_property
    def expression(self) -> str:
        """The whole pattern as a regular expression (of RE2) for paths below the folder."""
        parts = [_NAMES_ABOVE if name == _ANY_FOLDERS else _translated(name) + "/" for name in self._names]
        last = parts.pop()
        return "(?s)^" + "".join(parts) + (".*" if last == _NAMES_ABOVE else last.removesuffix("/") + "(?:/.*)?") + "$"

    @property
    def everything(self) -> bool:
        """Whether everything below matches."""
        return len(self._names) in self._indices

    @property
    def nothing(self) -> bool:
        """Whether nothing below can match."""
        return not self._indices

    def matches(self, name: str) -> bool:
        """Whether an entry of this folder matches."""
        return self._last_name.match(name) is not None

    def below(self, name: str) -> Pattern:
        """The rest of the pattern inside the folder ``name``."""
        if self.everything:
            return self
        indices: list[int] = []
        for index in self._indices:
            if self._names[index] == _ANY_FOLDERS:
                indices.append(index)
            elif re.match(fnmatch.translate(self._names[index]), name):
                indices.append(index + 1)
        return Pattern(self._names, indices)

    @cached_property
    def _last_name(self) -> re.Pattern[str]:
        end = len(self._names)
        if self.everything:
            return re.compile("")
        last = [self._names[index] for index in self._indices if end in self._with_skipped((index + 1,))]
        return re.compile("|".join(fnmatch.translate(name) for name in last) or r"(?!)")

    def _with_skipped(self, indices: Iterable[int]) -> frozenset[int]:
        found = set()
        for index in indices:
            found.add(index)
            following = index
            while following < len(self._names) and self._names[following] == _ANY_FOLDERS:
                following += 1
                found.add(following)
        return frozenset(found)


def _translated(name: str) -> str:
    """One name of a pattern as a regular expression that stays within a name."""
    written = ""
    while name:
        if match := re.match(r"\[(!?)(\]?[^\]]*)\]", name):
            members = match[2].replace("\\", r"\\").replace("]", r"\]").replace("[", r"\[").replace("^", r"\^")
            written += f"[^/{members}]" if match[1] else f"[{members}]"
            name = name[match.end() :]
        else:
            written += {"*": "[^/]*", "?": "[^/]"}.get(name[0]) or re.escape(name[0])
            name = name[1:]
    return written
