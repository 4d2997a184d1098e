"""Rows of `instance_references`: the instances, series and studies that items of sequences refer to, at any depth."""

from __future__ import annotations

from typing import Any, NamedTuple

from dicomlake.extract.pydicom_engine.inside.cells import text
from dicomlake.extract.pydicom_engine.level import Level, label_of_tag

_COLUMNS = (
    "ReferencedSOPClassUID",
    "ReferencedSOPInstanceUID",
    "ReferencedSeriesInstanceUID",
    "ReferencedStudyInstanceUID",
    "ReferencedFrameOfReferenceUID",
)


class _Around(NamedTuple):
    """The UIDs that an item has, or else the nearest item around it."""

    series: str | None = None
    study: str | None = None
    frame_of_reference: str | None = None

    def inside(self, item: Level) -> _Around:
        frame_of_reference = text(item, "FrameOfReferenceUID") or text(item, "ReferencedFrameOfReferenceUID")
        return _Around(
            text(item, "SeriesInstanceUID") or self.series,
            text(item, "StudyInstanceUID") or self.study,
            frame_of_reference or self.frame_of_reference,
        )


def reference_rows(top: Level) -> list[dict[str, Any]]:
    """The rows of a header: one for each element path and target, in the order in which the first items that name them begin.

    Args:
        top: the data set of the file.

    Returns:
        ``element_path``, ``times``, and the columns that begin with ``Referenced``.

    Raises:
        Exception: pydicom can't parse a sequence.
    """
    mentions: list[dict[str, Any] | None] = []
    _walk(top, (), _Around(), mentions)
    rows: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for mention in mentions:
        if mention is None:
            continue
        instance = mention["ReferencedSOPInstanceUID"]
        target = (instance,) if instance else (None, mention["ReferencedSeriesInstanceUID"], mention["ReferencedStudyInstanceUID"])
        row = rows.setdefault((mention["element_path"], *target), {**mention, "times": 0})
        row["times"] += 1
        row |= {name: mention[name] for name in _COLUMNS if row[name] is None}
    return list(rows.values())


def _walk(level: Level, path: tuple[str, ...], around: _Around, mentions: list[dict[str, Any] | None]) -> bool:
    """Note an entry for each item below a data set, None where it refers to nothing; answer whether one refers to anything."""
    refers = False
    for tag in level.elements:
        for item in level.items(tag) or ():
            place = len(mentions)
            mentions.append(None)
            of_item = around.inside(item)
            path_of_item = (*path, label_of_tag(tag))
            refers_inside = _walk(item, path_of_item, of_item, mentions)
            mentions[place] = _mention(item, path_of_item, of_item, refers_inside=refers_inside)
            refers |= refers_inside or mentions[place] is not None
    return refers


def _mention(item: Level, path: tuple[str, ...], around: _Around, *, refers_inside: bool) -> dict[str, Any] | None:
    """The row of an item alone; None where it refers to nothing."""
    instance = text(item, "ReferencedSOPInstanceUID")
    if instance is None and (refers_inside or not (text(item, "SeriesInstanceUID") or text(item, "StudyInstanceUID"))):
        return None
    uids = (text(item, "ReferencedSOPClassUID"), instance, around.series, around.study, around.frame_of_reference)
    return {"element_path": ".".join(path), **dict(zip(_COLUMNS, uids, strict=True))}
