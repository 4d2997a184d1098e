"""Stacks of series: their numbers for instances and frames, the rows of `stacks`, and what `series` says of them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dicomlake.errors import FindingCode
from dicomlake.geometry import geometry_of_series, slices_of, stacks_of

_OF_FINDING = ("patient_key", "study_key", "series_key", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
_KEYS = (*_OF_FINDING, "Modality")


@dataclass(frozen=True)
class SeriesStacks:
    """The stacks of some series.

    Attributes:
        of_instances: the number of the stack of each instance, in the order of the rows given.
        of_frames: likewise of each frame.
        rows: the rows of `stacks`, by ``series_key`` and ``stack``; the keys of parents and ``snapshot`` aside.
        geometry: by ``series_key`` the columns of `series` that follow from its stacks.
        irregular: ``series_key``, ``stack`` and ``message`` of each stack that can't be the volume that it should be.
    """

    of_instances: pl.Series
    of_frames: pl.Series
    rows: pl.DataFrame
    geometry: pl.DataFrame
    irregular: pl.DataFrame

    def with_keys(self, series: pl.DataFrame) -> pl.DataFrame:
        """The rows of `stacks`, with the keys that their series have in rows of `series`."""
        return self.rows.join(series.select(_KEYS), on="series_key", how="left", maintain_order="left")

    def findings(self, series: pl.DataFrame) -> pl.DataFrame:
        """The findings `irregular-geometry`."""
        keys = series.select(_OF_FINDING)
        found = self.irregular.join(keys, on="series_key", how="left", maintain_order="left")
        code = pl.lit(FindingCode.IRREGULAR_GEOMETRY.value)
        return found.select(*_OF_FINDING, level=pl.lit("series"), code=code, message=pl.col("message"))


def stacks_of_series(instances: pl.DataFrame, frames: pl.DataFrame | None) -> SeriesStacks:
    """Divide the slices of some series into stacks, and measure these.

    Args:
        instances: all instances of the series, each once, with ``geometry.instance_columns``.
        frames: their frames, with ``geometry.frame_columns``; None where they have none.
    """
    slices = slices_of(instances, frames)
    stacks = stacks_of(slices)
    numbered = slices.select("row", is_frame=pl.col("frame_number").is_not_null()).with_columns(stack=stacks.numbers)
    return SeriesStacks(
        of_instances=_numbers(numbered.filter(~pl.col("is_frame")), instances.height),
        of_frames=_numbers(numbered.filter("is_frame"), 0 if frames is None else frames.height),
        rows=stacks.rows,
        geometry=geometry_of_series(stacks.rows),
        irregular=stacks.irregular,
    )


def _numbers(numbered: pl.DataFrame, rows: int) -> pl.Series:
    numbers = pl.Series("stack", [None], pl.Int64).new_from_index(0, rows)
    return numbers if numbered.height == 0 else numbers.scatter(numbered["row"], numbered["stack"])
