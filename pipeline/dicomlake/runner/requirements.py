"""What the workers of a cluster are held to: the packages of the process that asks, and whatever it says that they must reach."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

from dicomlake.errors import RefusedError

T = TypeVar("T")
R = TypeVar("R")

Packages = Callable[[], dict[str, str]]
"""Answers the versions of what a process runs with, by name; a function of a module, since it is called in other processes too."""

Access = Callable[[], None]
"""Looks, on a worker, whether it reaches what it needs, and raises a ``DicomlakeError`` that says what it doesn't."""


@dataclass(frozen=True)
class Requirements:
    """What every worker needs.

    Attributes:
        packages: which must agree with those of this process.
        digits: how many numbers of a version must agree, by name; all where there is none. What has 0 may differ, and is told of.
        access: prepares the look at what must be reached, and clears up after it.
    """

    packages: Packages
    digits: Mapping[str, int]
    access: Callable[[], AbstractContextManager[Access]]

    def differences(self, there: object) -> tuple[list[str], list[str]]:
        """What differs in another process, as its `packages` tell: what must not, and what may."""
        return _differences(own(self.packages), there, self.digits)

    def held(self, function: Callable[[T], R]) -> Held[T, R]:
        """The function, for workers that may come after the others were looked at."""
        return Held(function, self.packages, own(self.packages), self.digits)


@dataclass(frozen=True)
class Held(Generic[T, R]):
    """A function that runs only where the packages are those of the process that asks."""

    function: Callable[[T], R]
    packages: Packages
    expected: dict[str, str]
    digits: Mapping[str, int]

    def __call__(self, task: T) -> R:
        """Call the function on a task.

        Raises:
            RefusedError: other packages are here.
        """
        wrong, _ = _differences(self.expected, own(self.packages), self.digits)
        if wrong:
            raise RefusedError(different(f"a worker on {socket.gethostname()} that came during the run", wrong))
        return self.function(task)


@cache
def own(packages: Packages) -> dict[str, str]:
    """What this process runs with: found out once."""
    return packages()


def different(who: str, differences: Sequence[str]) -> str:
    """What to say of a process with other packages."""
    return (
        f"{who} has {', '.join(differences)}; install the same wherever the cluster runs, from one image or lock file, restart it, "
        "and run again"
    )


def _differences(here: Mapping[str, str], there: object, digits: Mapping[str, int]) -> tuple[list[str], list[str]]:
    found = there if isinstance(there, dict) else {}
    wrong: list[str] = []
    odd: list[str] = []
    for name, version in here.items():
        other = str(found.get(name, "absent"))
        if other == version:
            continue
        count = digits.get(name)
        alike = count is not None and version.split(".")[:count] == other.split(".")[:count]
        (odd if alike else wrong).append(f"{name} {other} (here {version})")
    return wrong, odd
