"""Ways in which a command ends before its time, at a chosen commit or part file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Any

import pytest

from dicomlake.errors import AccessDenied
from dicomlake.lake import Table
from dicomlake.parts import Location

VACUUM = import_module("dicomlake.lake.upkeep.vacuum")  # the room has a function of that name


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@contextmanager
def broken_off(where: str, allowed: int, *, disk_full: bool = False) -> Iterator[None]:
    """Let so many (``where``) commits or part files through; then the process ends, or the disk is full."""
    done = 0
    commit, open_new = Table.commit, Location.open_new

    def is_due(kind: str) -> bool:
        nonlocal done
        if kind != where:
            return False
        done += 1
        if done > allowed and not disk_full:
            raise Killed
        return done > allowed

    def committing(self: Table, *arguments: Any, **named: Any) -> None:
        if is_due("commit"):
            raise AccessDenied(f"table '{self.name}' can't be written: No space left on device")  # as of an error of delta-rs
        commit(self, *arguments, **named)

    def opening(self: Location, *names: str) -> IO[bytes]:
        due = is_due("part file")
        file = open_new(self, *names)
        if due:
            file.write(b"PAR1")
            file.close()
            raise OSError(28, "No space left on device")
        return file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "commit", committing)
        patch.setattr(Location, "open_new", opening)
        yield


@contextmanager
def dies_removing(allowed: int) -> Iterator[None]:
    """Let a vacuum remove so many part files."""
    remove: Callable[..., None] = VACUUM._remove
    left = iter(range(allowed))

    def dying(*arguments: Any) -> None:
        if next(left, None) is None:
            raise Killed
        remove(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VACUUM, "_remove", dying)
        yield
