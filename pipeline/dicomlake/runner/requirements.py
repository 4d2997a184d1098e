"""The requirements that every worker of a cluster must meet: the packages of the process that asks, and access to files."""

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
"""Answers the versions of the packages of a process, by name. Other processes call it too, so it must be a function of a module."""

AccessCheck = Callable[[], None]
"""Runs on a worker, and raises a ``DicomlakeError`` that names the folder or store that the worker can't reach."""


@dataclass(frozen=True)
class Requirements:
    """The requirements of a run.

    Attributes:
        packages: the versions that must agree with those of this process.
        digits: how many numbers of a version must agree, by name; all of them where a name is missing.
        access: prepares the access check, and removes its traces afterwards.
    """

    packages: Packages
    digits: Mapping[str, int]
    access: Callable[[], AbstractContextManager[AccessCheck]]

    def differences(self, there: object) -> list[str]:
        """The differences between the ``packages`` of another process and ours."""
        return _differences(own(self.packages), there, self.digits)

    def checked(self, function: Callable[[T], R]) -> CheckedFunction[T, R]:
        """The function for workers that may join after the others were checked."""
        return CheckedFunction(function, self.packages, own(self.packages), self.digits)


@dataclass(frozen=True)
class CheckedFunction(Generic[T, R]):
    """A function that runs only where the packages agree with those of the process that made it."""

    function: Callable[[T], R]
    packages: Packages
    expected: dict[str, str]
    digits: Mapping[str, int]

    def __call__(self, task: T) -> R:
        """Call the function on a task.

        Raises:
            RefusedError: the packages of this process differ.
        """
        if differences := _differences(self.expected, own(self.packages), self.digits):
            raise RefusedError(different(f"a worker on {socket.gethostname()} that joined during the run", differences))
        return self.function(task)


@cache
def own(packages: Packages) -> dict[str, str]:
    """The packages of this process, looked up once."""
    return packages()


def different(process: str, differences: Sequence[str]) -> str:
    """The message about a process with other packages."""
    return f"{process} has {', '.join(differences)}; install the same versions on scheduler and workers, restart them, and run again"


def _differences(here: Mapping[str, str], there: object, digits: Mapping[str, int]) -> list[str]:
    found = there if isinstance(there, dict) else {}
    differences = []
    for name, version in here.items():
        other, count = str(found.get(name, "absent")), digits.get(name)
        if version.split(".")[:count] != other.split(".")[:count]:
            differences.append(f"{name} {other} (here {version})")
    return differences
