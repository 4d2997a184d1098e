"""How far a reader goes into a file. Plain, so that a worker needs nothing of what checks a configuration."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Limits of reading one file.

    ``first_read`` is the size of the first read; ``header_limit`` what is read, or inflated, at most (bytes); ``file_seconds_limit`` the
    time that a file may take (seconds); ``requests_in_flight`` how many requests to object stores, or files of a
    slow disk, a unit has on their way.
    """

    first_read: int = 16 * KIB
    header_limit: int = 64 * MIB
    file_seconds_limit: float = 60.0
    requests_in_flight: int = 128


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """Which frames have rows.

    ``read`` says whether any has; ``limit`` is the most frames of one instance; ``tiled_full`` says whether tiles of slides get positions.
    """

    read: bool = True
    limit: int = 100_000
    tiled_full: bool = False
