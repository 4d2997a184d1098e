"""Identifiers, dates and numbers that follow from a seed and a name, so that a sample is the same on every machine.

Each value is a digest of the seed and of the names of its owner, not the next number of a generator. So another study changes no value, and
the order in which files are made does not matter.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID, uuid5

# Any fixed UUID would do. Changing it changes every identifier of every sample.
_NAMESPACE = UUID("6f0e1c52-6c5b-5a53-9a1e-3d2b8f4c7a10")

_FIRST_DAY = dt.date(2016, 1, 4)
_DAYS = 8 * 365

IMPLEMENTATION_CLASS_UID = f"2.25.{uuid5(_NAMESPACE, 'implementation').int}"
IMPLEMENTATION_VERSION_NAME = "DICOMLAKE_SAMPLE"


@dataclass(frozen=True, slots=True)
class Identity:
    """The source of all values that look random in a sample.

    Attributes:
        seed: any integer; two samples of one seed agree in every byte, two of different seeds share no identifier.
    """

    seed: int

    def _digest(self, names: tuple[str | int, ...]) -> int:
        return uuid5(_NAMESPACE, "/".join(map(str, (self.seed, *names)))).int

    def uid(self, *names: str | int) -> str:
        """Answer a UID derived from a name-based UUID (PS3.5 B.2); at most 44 characters."""
        return f"2.25.{self._digest(names)}"

    def number(self, low: int, high: int, *names: str | int) -> int:
        """Answer an integer from ``low`` to ``high``, both included."""
        return low + self._digest(("number", *names)) % (high - low + 1)

    def code(self, *names: str | int) -> str:
        """Answer six hexadecimal digits, for identifiers that people read."""
        return f"{self._digest(('code', *names)) % 16**6:06x}"

    def date(self, *names: str | int) -> dt.date:
        """Answer a day of the eight years from 2016 on."""
        return _FIRST_DAY + dt.timedelta(days=self.number(0, _DAYS, "date", *names))

    def time(self, *names: str | int) -> dt.time:
        """Answer a time of a working day, 07:00 to 16:59, to the microsecond."""
        second = self.number(7 * 3600, 17 * 3600 - 1, "time", *names)
        return dt.time(second // 3600, second // 60 % 60, second % 60, self.number(0, 999_999, "micro", *names))
