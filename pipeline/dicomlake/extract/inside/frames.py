"""Rows of `frames`: a row for each frame of an instance that has several, or functional groups.

An engine answers the attributes of each functional groups item alone. Here a frame gets its own values, else the shared ones, else, where
the object has no functional groups at all, those of the header (PS3.3 C.7.6.16); and what follows from the header: times, offsets of pixel
data, positions of RT dose and of tiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from dicomlake.errors import FindingCode
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.inside import frame_positions
from dicomlake.extract.inside.frame_header import FRAME_HEADER_NAMES, VECTORS, in_header
from dicomlake.schema import FrameAttribute

OF_INSTANCE = ("patient_key", "study_key", "series_key", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "url")
"""Columns that each table of what stands inside headers has of the instance."""

_PLACE = ["file", "frame_number"]
_NEEDED = (
    "file_size",
    "NumberOfFrames",
    "FrameTime",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "TotalPixelMatrixRows",
    "TotalPixelMatrixColumns",
    "is_compressed",
    "pixel_data_offset",
    "pixel_data_length",
)
_FRAMES_AT_ONCE = 500_000
"""About how many frames are made at a time, so that memory is bounded however many a unit has."""


def columns_of_instances(attributes: Sequence[FrameAttribute]) -> list[str]:
    """The columns of `instances` that `frames_of` needs, those of ``FRAME_HEADER_NAMES`` aside."""
    top = [attribute.top for attribute in attributes if attribute.top is not None]
    return list(dict.fromkeys([*OF_INSTANCE, *_NEEDED, *top]))


@dataclass(frozen=True)
class MultiFrame:
    """The multi-frame instances of a unit.

    Attributes:
        instances: their rows of `instances`: ``columns_of_instances``, those of ``FRAME_HEADER_COLUMNS``, whether there are
            ``functional_groups`` (bool), and ``file``, the number of the file in its unit.
        groups: for each functional groups item ``file``, ``frame_number`` (0 for the shared groups, else from 1 in the order of the items)
            and the attributes that stand in that item.
    """

    instances: pa.Table
    groups: pa.Table


def multi_frame_rows(
    instances: pa.Table | pa.RecordBatch, header: Mapping[str, pa.Array], attributes: Sequence[FrameAttribute]
) -> pa.Table:
    """The rows of `MultiFrame.instances` among some rows of `instances`; ``header`` has the columns of ``FRAME_HEADER_NAMES`` for these."""
    columns = {name: instances[name] for name in columns_of_instances(attributes)} | {name: header[name] for name in FRAME_HEADER_NAMES}
    return pa.table(columns).filter(instances["is_multiframe"])


def frames_of(multi_frame: MultiFrame, request: ScanRequest) -> tuple[pa.Table, pa.Table]:
    """Rows of `frames`.

    Args:
        multi_frame: the instances, and what stands in their functional groups.
        request: the attributes of frames, and which frames have rows.

    Returns:
        The rows, and rows of `findings`, `frame-count`, for instances that do not have the frames that they claim.
    """
    limits, schema = request.frames, request.scanned_schema("frames")
    header = pl.DataFrame(multi_frame.instances)
    items = _last_copies(pl.DataFrame(multi_frame.groups))
    counted = _counted(header, items)
    has_rows = pl.col("frames").is_between(1, pl.min_horizontal(pl.lit(limits.limit), pl.col("file_size").fill_null(limits.limit)))
    kept = counted.filter(has_rows)
    portions = kept.with_columns(portion=(pl.col("frames").cum_sum() - pl.col("frames")) // _FRAMES_AT_ONCE)
    made = [_frames_of(portion, items, request) for portion in portions.partition_by("portion", maintain_order=True)]
    rows = pa.concat_tables([schema.empty_table(), *made])
    return rows, _as_rows(_findings(counted, has_rows), request.scanned_schema("findings"))


def _frames_of(kept: pl.DataFrame, items: pl.DataFrame, request: ScanRequest) -> pa.Table:
    """The rows of some instances."""
    attributes = request.schema.frame_attributes
    items = items.join(kept.select("file"), on="file", how="semi", maintain_order="left")
    frames = kept.select("file", pl.int_ranges(1, pl.col("frames") + 1).alias("frame_number")).explode("frame_number")
    frames = _with_attributes(frames, items, kept, attributes)
    frames = frames.join(_times(kept), on=_PLACE, how="left", maintain_order="left")
    for column, keyword in VECTORS.items():
        entries = _entries(kept, keyword, column)
        if entries.height:
            frames = frames.join(entries, on=_PLACE, how="left", maintain_order="left")
    frames = frames.join(_pixel_data(kept), on="file", how="left", maintain_order="left").with_columns(
        frame_offset=pl.col("pixel_data_offset") + (pl.col("frame_number") - 1) * pl.col("frame_length")
    )
    frames = frame_positions.of_dose(frames, kept)
    if request.frames.tiled_full:
        frames = frame_positions.of_tiles(frames, kept)
    frames = frames.join(kept.select("file", *OF_INSTANCE), on="file", how="left", maintain_order="left")
    return _as_rows(frames, request.scanned_schema("frames"))


def _last_copies(items: pl.DataFrame) -> pl.DataFrame:
    """The items of sequences; of one that is given twice (``copy`` counts them, where an engine does) those of the last."""
    if "copy" not in items.columns or items.filter(pl.col("copy") > 1).is_empty():
        return items
    return items.filter(pl.col("copy") == pl.col("copy").max().over("file", pl.col("frame_number") == 0))


def _as_rows(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    missing = [pl.lit(None).alias(field.name) for field in schema if field.name not in frame.columns]
    return frame.with_columns(missing).select(schema.names).to_arrow().cast(schema)


def _counted(header: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """With ``items``, how many per-frame items there are, and ``frames``, how many frames that makes."""
    own = items.filter(pl.col("frame_number") > 0).group_by("file").agg(pl.len().cast(pl.Int64).alias("items"))
    counted = header.join(own, on="file", how="left", maintain_order="left").with_columns(pl.col("items").fill_null(0))
    return counted.with_columns(frames=pl.when(pl.col("items") > 0).then("items").otherwise(pl.col("NumberOfFrames").fill_null(1)))


def _findings(counted: pl.DataFrame, has_rows: pl.Expr) -> pl.DataFrame:
    differs = (pl.col("items") > 0) & (pl.col("NumberOfFrames") != pl.col("items"))
    message = (
        pl.when(~has_rows)
        .then(pl.lit("it has fewer than one frame, or more than `frames.limit` or the bytes of the file allow: no rows in frames"))
        .otherwise(pl.lit("NumberOfFrames is not the number of items of PerFrameFunctionalGroupsSequence (PS3.3 C.7.6.16)"))
    )
    code = pl.lit(FindingCode.FRAME_COUNT.value)
    found = counted.filter(differs.fill_null(value=False) | ~has_rows)
    return found.select(*OF_INSTANCE, level=pl.lit("file"), code=code, message=message)


def _with_attributes(frames: pl.DataFrame, items: pl.DataFrame, kept: pl.DataFrame, attributes: Sequence[FrameAttribute]) -> pl.DataFrame:
    names = [attribute.name for attribute in attributes]
    present = [name for name in names if items[name].null_count() < items.height]
    shared = items.filter(pl.col("frame_number") == 0).select("file", *(pl.col(name).alias(f"shared:{name}") for name in present))
    frames = frames.join(items.select(*_PLACE, *present), on=_PLACE, how="left", maintain_order="left")
    frames = frames.join(shared, on="file", how="left", maintain_order="left")
    top = {attribute.name: attribute.top for attribute in attributes if attribute.top is not None}
    without_groups = kept.filter(~pl.col("functional_groups")).select(
        "file", *(pl.col(column).alias(f"top:{name}") for name, column in top.items())
    )
    frames = frames.join(without_groups, on="file", how="left", maintain_order="left")
    sources = {name: [*([name, f"shared:{name}"] if name in present else []), *([f"top:{name}"] if name in top else [])] for name in names}
    return frames.select(*_PLACE, *(pl.coalesce(found).alias(name) for name, found in sources.items() if found))


def _entries(kept: pl.DataFrame, keyword: str, column: str) -> pl.DataFrame:
    """The entries of a vector of the header, of which each frame has one."""
    vector = pl.col(in_header(keyword))
    whole = kept.filter(vector.list.len() == pl.col("frames"))
    return whole.select("file", pl.int_ranges(1, pl.col("frames") + 1).alias("frame_number"), vector.alias(column)).explode(
        "frame_number", column
    )


def _times(kept: pl.DataFrame) -> pl.DataFrame:
    """Milliseconds since the first frame: FrameTimeVector summed, else FrameTime times the frames before (PS3.3 C.7.6.5)."""
    vector = pl.col(in_header("FrameTimeVector"))
    is_whole = (vector.list.len() == pl.col("frames")) & ~vector.list.contains(None, nulls_equal=True)
    numbers = pl.int_ranges(0, pl.col("frames"))
    timed = kept.filter(is_whole.fill_null(value=False) | pl.col("FrameTime").is_not_null()).select(
        "file",
        (numbers + 1).alias("frame_number"),
        pl.when(is_whole.fill_null(value=False)).then(vector).alias("vector"),
        "FrameTime",
        "frames",
    )
    summed = timed.with_columns(
        pl.when(pl.col("vector").is_not_null())
        .then(pl.col("vector").list.eval(pl.element().shift(-1).cum_sum().shift(fill_value=0.0)))
        .otherwise(pl.int_ranges(0, pl.col("frames")).cast(pl.List(pl.Float64)))
        .alias("frame_time_ms")
    )
    exploded = summed.select("file", "frame_number", "frame_time_ms", "FrameTime", pl.col("vector").is_not_null().alias("is_summed"))
    return exploded.explode("frame_number", "frame_time_ms").select(
        *_PLACE,
        pl.when("is_summed").then("frame_time_ms").otherwise(pl.col("frame_time_ms") * pl.col("FrameTime")).alias("frame_time_ms"),
    )


def _pixel_data(kept: pl.DataFrame) -> pl.DataFrame:
    """Where pixel data lies, and the bytes of one frame, where it is not compressed and its length is that of its frames."""
    names = ["Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "PhotometricInterpretation", "frames", "pixel_data_length"]
    plain = kept.filter(~pl.col("is_compressed"), pl.col("pixel_data_offset").is_not_null()).drop_nulls(
        ["Rows", "Columns", "BitsAllocated", "pixel_data_length"]
    )
    lengths = [_frame_length(*row) for row in plain.select(names).iter_rows()]
    return plain.select("file", "pixel_data_offset", pl.Series("frame_length", lengths, pl.Int64)).drop_nulls("frame_length")


def _frame_length(  # noqa: PLR0917 - these are the attributes that make it
    rows: int, columns: int, bits_allocated: int, samples: int | None, photometric: str | None, frames: int, length: int
) -> int | None:
    samples_sent = 2 if photometric == "YBR_FULL_422" else 1 if samples is None else samples
    frame, rest = divmod(rows * columns * bits_allocated * samples_sent, 8)
    whole = frame * frames
    return frame if rest == 0 and frame > 0 and length in (whole, whole + whole % 2) else None
