"""Slices: the single-frame instances and the frames of several-frame ones, in one form."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from dicomlake.geometry.dividing import DIVIDING_ATTRIBUTES, DividingAttribute

_OF_INSTANCE: dict[str, pl.DataType] = {
    "series_key": pl.String(),
    "SOPInstanceUID": pl.String(),
    "InstanceNumber": pl.Int64(),
    "SOPClassUID": pl.String(),
    "Rows": pl.Int64(),
    "Columns": pl.Int64(),
    "FrameOfReferenceUID": pl.String(),
}
"""The columns that frames take from their instance, with their types in `slices`."""

_OF_SLICE: dict[str, tuple[str, pl.DataType]] = {
    "ImageType": ("FrameType", pl.List(pl.String())),
    "ImageOrientationPatient": ("ImageOrientationPatient", pl.List(pl.Float64())),
    "ImagePositionPatient": ("ImagePositionPatient", pl.List(pl.Float64())),
    "PixelSpacing": ("PixelSpacing", pl.List(pl.Float64())),
    "SliceThickness": ("SliceThickness", pl.Float64()),
}
"""The columns that each slice has of its own: its name in `slices` and in `instances`, its name in `frames`, and its type in `slices`."""

_ATTRIBUTES = tuple(attribute for attribute in DIVIDING_ATTRIBUTES if attribute.name not in _OF_INSTANCE)

SLICES_SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "frame_number": pl.Int64(),
        **_OF_INSTANCE,
        **{name: type_ for name, (_, type_) in _OF_SLICE.items()},
        **{attribute.name: attribute.type for attribute in _ATTRIBUTES},
    }
)
"""The columns of `slices`."""


def instance_columns() -> list[str]:
    """The columns of `instances` from which slices are made. Those that a table lacks count as null.

    Example:
        >>> instance_columns()[:3]
        ['series_key', 'SOPInstanceUID', 'InstanceNumber']
    """
    own = [attribute.in_instances for attribute in _ATTRIBUTES if attribute.in_instances]
    return [*_OF_INSTANCE, "NumberOfFrames", *_OF_SLICE, *own]


def frame_columns() -> list[str]:
    """The columns of `frames` from which slices are made. Those that a table lacks count as null.

    Example:
        >>> frame_columns()[:3]
        ['SOPInstanceUID', 'frame_number', 'FrameType']
    """
    own = [attribute.in_frames for attribute in _ATTRIBUTES if attribute.in_frames]
    return ["SOPInstanceUID", "frame_number", *(name for name, _ in _OF_SLICE.values()), *own]


def slices_of(instances: pl.DataFrame | pa.Table, frames: pl.DataFrame | pa.Table | None = None) -> pl.DataFrame:
    """The slices of some instances: those of one frame first, in their order, then the frames in theirs.

    An instance that says it has several frames, and has no rows in `frames`, gives no slice. ImageType and the attributes that tell stacks
    apart are those of the instance where a frame lacks them. All else comes from `frames`, which has top-level values where they hold.

    Args:
        instances: rows of `instances`, with ``instance_columns``; each SOPInstanceUID once.
        frames: the rows of `frames` of these instances, with ``frame_columns``.

    Returns:
        A frame with ``SLICES_SCHEMA``. ``row`` is the number of the row from 0 in ``instances``, or in ``frames`` where ``frame_number``
        is not null. Positions, spacings and thicknesses are in mm; times in ms.

    Example:
        >>> instances = pl.DataFrame({"series_key": ["a"], "SOPInstanceUID": ["1.2"], "ImagePositionPatient": [[0.0, 0.0, 5.0]]})
        >>> slices_of(instances).select("row", "frame_number", "ImagePositionPatient").row(0)
        (0, None, [0.0, 0.0, 5.0])
    """
    of_instances = _read(instances, instance_columns()).with_row_index("row")
    several = pl.col("NumberOfFrames").fill_null(1) > 1
    singles = of_instances.filter(~several)
    if frames is None or len(frames) == 0:
        return singles.select(_single_columns(singles.columns))
    of_frames = _read(frames, frame_columns()).with_row_index("row")
    singles = singles.join(of_frames.select("SOPInstanceUID").unique(), on="SOPInstanceUID", how="anti", maintain_order="left")
    joined = of_frames.join(of_instances.drop("row"), on="SOPInstanceUID", how="inner", suffix=_SUFFIX, maintain_order="left")
    return pl.concat([singles.select(_single_columns(singles.columns)), joined.select(_frame_columns(joined.columns, of_frames.columns))])


_SUFFIX = " of instance"


def _read(table: pl.DataFrame | pa.Table, names: Sequence[str]) -> pl.DataFrame:
    present = set(table.columns if isinstance(table, pl.DataFrame) else table.column_names)
    chosen = table.select([name for name in names if name in present])
    frame = chosen if isinstance(chosen, pl.DataFrame) else pl.DataFrame(pl.from_arrow(chosen))
    return frame if "NumberOfFrames" in frame.columns or "frame_number" in frame.columns else frame.with_columns(NumberOfFrames=1)


def _single_columns(present: Sequence[str]) -> list[pl.Expr]:
    expressions = {name: _typed(name, name, type_, present) for name, type_ in _OF_INSTANCE.items()}
    expressions |= {name: _typed(name, name, type_, present) for name, (_, type_) in _OF_SLICE.items()}
    expressions |= {one.name: _typed(one.name, one.in_instances, one.type, present) for one in _ATTRIBUTES}
    expressions |= {"row": pl.col("row").cast(pl.Int64), "frame_number": pl.lit(None, pl.Int64).alias("frame_number")}
    return [expressions[name] for name in SLICES_SCHEMA]


def _frame_columns(present: Sequence[str], of_frames: Sequence[str]) -> list[pl.Expr]:
    expressions = {name: _typed(name, name, type_, present) for name, type_ in _OF_INSTANCE.items()}
    for name, (in_frames, type_) in _OF_SLICE.items():
        own = _typed(name, in_frames if in_frames in of_frames else None, type_, present)
        of_instance = _typed(name, _of_instance(name, of_frames), type_, present)
        expressions[name] = pl.coalesce(own, of_instance) if name == "ImageType" else own
    for one in _ATTRIBUTES:
        expressions[one.name] = pl.coalesce(
            _of_frame(one, of_frames), _typed(one.name, _of_instance(one.in_instances, of_frames), one.type, present)
        )
    expressions |= {"row": pl.col("row").cast(pl.Int64), "frame_number": pl.col("frame_number").cast(pl.Int64)}
    return [expressions[name].alias(name) for name in SLICES_SCHEMA]


def _of_instance(name: str | None, of_frames: Sequence[str]) -> str | None:
    """The name that a column of `instances` has beside the columns of `frames`."""
    return f"{name}{_SUFFIX}" if name in of_frames else name


def _of_frame(attribute: DividingAttribute, of_frames: Sequence[str]) -> pl.Expr:
    name = attribute.in_frames if attribute.in_frames in of_frames else None
    if name == "InversionTimes":
        return pl.col(name).list.first().cast(attribute.type).alias(attribute.name)
    if name == "FrameReferenceDateTime":
        return (pl.col(name).cast(pl.Int64) / 1000).cast(attribute.type).alias(attribute.name)
    return _typed(attribute.name, name, attribute.type, of_frames)


def _typed(name: str, column: str | None, type_: pl.DataType, present: Sequence[str]) -> pl.Expr:
    """A column by its name in `slices`; null where a table lacks it."""
    return (pl.col(column) if column is not None and column in present else pl.lit(None)).cast(type_).alias(name)
