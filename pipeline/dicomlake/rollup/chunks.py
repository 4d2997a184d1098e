"""Which entities are to be rolled up again, and in which tasks.

What a run touched is the difference between two versions of `instances`: rows in part files that came, rows of part files that went.
So a run that was killed needs no memory of its own: the next one finds what it left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from dicomlake.errors import RefusedError
from dicomlake.parts import Location, PartFile, compact, open_part, side_by_side
from dicomlake.schema import LakeSchema

_KEY_COLUMNS = ("patient_key", "study_key", "series_key")
_ROW_COLUMNS = ("url", "snapshot")
_PLACE = pl.Struct({"part": pl.UInt32, "group": pl.UInt32})
_NO_KEYS = pl.DataFrame(schema=dict.fromkeys(_KEY_COLUMNS, pl.String))
_NOTHING_DIFFERS = _NO_KEYS.with_columns(rows=pl.lit(0, pl.Int64), hash=pl.lit(0, pl.Int64))


@dataclass(frozen=True)
class Chunk:
    """Entities of one level, by their key, and how many rows they have.

    ``parts`` are the part files of `instances` that hold these rows, ``groups`` by their paths the numbers of the row groups. ``frames``
    are those of `frames` with rows of these series, ``frame_groups`` their row groups.
    """

    level: str
    keys: pl.DataFrame
    parts: tuple[PartFile, ...]
    groups: dict[str, tuple[int, ...]]
    rows: int
    frames: tuple[PartFile, ...] = ()
    frame_groups: dict[str, tuple[int, ...]] = field(default_factory=dict)


def touched_entities(
    location: Location, before: Mapping[str, PartFile], after: Mapping[str, PartFile], *, partition_by: str
) -> pl.DataFrame:
    """The keys of every series whose instances changed between two versions of `instances`, and those of its study and patient.

    A row is known by its url and the run that wrote it. Of each series the rows in part files that went are held against those in part
    files that came by their number and the sum of their hashes. A part file that was rewritten stands beside the one whose place it
    took, in the order of patients, so what did not change cancels out soon: memory is bounded by the series that changed and those of the
    part files that overlap, not by the rows or the lake.

    Args:
        location: the lake.
        before: the part files of the earlier version, by path.
        after: those of the later one.
        partition_by: the partition column.
    """
    if before.keys() == after.keys():
        return _NO_KEYS
    came = [(part, 1) for path, part in after.items() if path not in before]
    went = [(part, -1) for path, part in before.items() if path not in after]
    if not went:
        # Only rows came, so none needs to be told from another.
        keys = [compact(frame.unique()) for part, _ in came for frame in _frames(location, part, _KEY_COLUMNS, partition_by)]
        return pl.concat([_NO_KEYS, *keys]).unique(maintain_order=True)
    differing = _NOTHING_DIFFERS
    for part, sign in sorted([*came, *went], key=lambda entry: _order(entry[0])):
        counted = [
            frame.group_by(_KEY_COLUMNS, maintain_order=True).agg(
                rows=pl.len().cast(pl.Int64) * sign,
                hash=pl.struct(_ROW_COLUMNS).hash().reinterpret(signed=True).sum() * sign,
            )
            for frame in _frames(location, part, (*_KEY_COLUMNS, *_ROW_COLUMNS), partition_by)
        ]
        summed = (
            pl.concat([differing, *counted]).group_by(_KEY_COLUMNS, maintain_order=True).agg(pl.col("rows").sum(), pl.col("hash").sum())
        )
        differing = compact(summed.filter((pl.col("rows") != 0) | (pl.col("hash") != 0)))
    return differing.select(_KEY_COLUMNS)


def _frames(location: Location, part: PartFile, columns: Sequence[str], partition_by: str) -> Iterator[pl.DataFrame]:
    with open_part(location, part, partition_by=partition_by) as opened:
        for group in opened.groups:
            yield opened.frame(group, columns)


def _order(part: PartFile) -> tuple[str, str]:
    return part.partition or "", str(part.lowest.get("PatientID") or "")


def chunks(
    location: Location,
    parts: Sequence[PartFile],
    frames: Sequence[PartFile],
    touched: Mapping[str, pl.DataFrame],
    schema: LakeSchema,
    *,
    rows_limit: int,
) -> Iterator[Chunk]:
    """Cut the touched entities of each level into chunks of about ``rows_limit`` instances, in the order in which they stand.

    Args:
        location: the lake.
        parts: the part files of `instances` in which they may have rows.
        frames: the part files of `frames` in which the series may have rows.
        touched: their keys, by level.
        schema: the lake's schema.
        rows_limit: how many instances a chunk has, roughly.

    Raises:
        RefusedError: some instances have no keys.
    """
    if not any(keys.height for keys in touched.values()):
        return
    wanted = {level.key[0]: touched[level.name].to_series().drop_nulls().sort() for level in schema.levels}
    # Neighbours in one part file are neighbours in those of other partitions, and come into one chunk.
    ordered = sorted(parts, key=lambda part: str(part.lowest.get("PatientID") or ""))

    def counted(number: int) -> list[pl.DataFrame]:
        return _counted(location, ordered[number], number, wanted, schema.partition_by)

    counts = [frame for of_part in side_by_side(counted, range(len(ordered))) for frame in of_part]
    if not counts:
        return
    everything = pl.concat(counts)
    ordered_frames = sorted(frames, key=lambda part: str(part.lowest.get("PatientID") or ""))
    of_frames = _frame_places(location, ordered_frames, wanted["series_key"])
    for level in schema.levels:
        (key,) = level.key
        # Only series are read row by row; the levels above are condensed part file by part file.
        limit = rows_limit if level.name == "series" else rows_limit * 10
        entities = (
            everything.filter(pl.col(key).is_in(wanted[key].implode()))
            .group_by(key, maintain_order=True)
            .agg(pl.col("rows").sum(), pl.col("place").unique())
        )
        if level.name == "series":  # their frames are read too
            frames_of_series = of_frames.group_by(key).agg(pl.col("frames").sum())
            entities = entities.join(frames_of_series, on=key, how="left", maintain_order="left")
            entities = entities.with_columns(pl.col("rows") + pl.col("frames").fill_null(0))
        entities = entities.with_columns(chunk=(pl.col("rows").cum_sum() - pl.col("rows")) // limit)
        for chunk in entities.partition_by("chunk", maintain_order=True):
            keys, rows = chunk.select(key), int(chunk["rows"].sum())
            with_rows, groups = _in_parts(ordered, chunk["place"].explode())
            if level.name != "series":
                yield Chunk(level.name, keys, with_rows, groups, rows)
                continue
            frame_parts, frame_groups = _in_parts(ordered_frames, of_frames.join(keys, on=key, how="semi")["place"])
            yield Chunk(level.name, keys, with_rows, groups, rows, frame_parts, frame_groups)


def _in_parts(parts: Sequence[PartFile], places: pl.Series) -> tuple[tuple[PartFile, ...], dict[str, tuple[int, ...]]]:
    """The part files of some places, and the row groups in each by its path."""
    groups: dict[int, list[int]] = {}
    for place in places.unique().sort():
        groups.setdefault(place["part"], []).append(place["group"])
    return tuple(parts[number] for number in groups), {parts[number].path: tuple(of_part) for number, of_part in groups.items()}


def _frame_places(location: Location, parts: Sequence[PartFile], series: pl.Series) -> pl.DataFrame:
    """Where frames of some series stand: ``series_key``, how many, and ``place``, the numbers of the part file and of the row group."""
    found = [pl.DataFrame(schema={"series_key": pl.String, "frames": pl.UInt32, "place": _PLACE})]
    if series.is_empty():
        return found[0]

    def places(number: int) -> list[pl.DataFrame]:
        of_part = []
        with open_part(location, parts[number]) as opened:
            for group in opened.groups:
                near = opened.rows_with_any(group, {"series_key": series})
                if len(near):
                    counted = opened.some_columns(group, ["series_key"], near).group_by("series_key").agg(pl.len().alias("frames"))
                    of_part.append(compact(counted).with_columns(place=_place(number, group.number)))
        return of_part

    return pl.concat([*found, *(frame for of_part in side_by_side(places, range(len(parts))) for frame in of_part)])


def _place(part: int, group: int) -> pl.Expr:
    return pl.struct(part=pl.lit(part, dtype=pl.UInt32), group=pl.lit(group, dtype=pl.UInt32))


def _counted(location: Location, part: PartFile, number: int, wanted: Mapping[str, pl.Series], partition_by: str) -> list[pl.DataFrame]:
    """The rows of the wanted entities in a part file, counted by their keys and by ``place``: its number and that of the row group."""
    counts: list[pl.DataFrame] = []
    with open_part(location, part, partition_by=partition_by) as opened:
        for group in opened.groups:
            if group.null_count.get("series_key", group.rows):
                raise RefusedError(
                    f"{location.url} has rows that an earlier version of dicomlake wrote, without keys; index its sources with --full "
                    "and without a time limit"
                )
            near = opened.rows_with_any(group, wanted)
            if len(near):
                rows = opened.some_columns(group, _KEY_COLUMNS, near)
                grouped = rows.group_by(_KEY_COLUMNS, maintain_order=True).agg(pl.len().alias("rows"))
                counts.append(compact(grouped).with_columns(place=_place(number, group.number)))
    return counts
