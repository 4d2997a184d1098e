"""Rows of `instance_references`."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from tests.engine.oracle.data_set import Item, items_below, value

_INHERITED = {
    "ReferencedSeriesInstanceUID": ("SeriesInstanceUID",),
    "ReferencedStudyInstanceUID": ("StudyInstanceUID",),
    "ReferencedFrameOfReferenceUID": ("FrameOfReferenceUID", "ReferencedFrameOfReferenceUID"),
}
_OWN = ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")


def references(top: Dataset) -> list[dict[str, Any]]:
    """The rows of a file, in the order of first mention."""
    items = list(items_below(top))
    referring = {number: item for number, item in enumerate(items) if _names(item, "ReferencedSOPInstanceUID")}
    # An item stands in the list before what it holds; so the deepest come first, when it is read from its end.
    holds_one = {id(outer) for item in referring.values() for outer in item.around}
    for number in reversed(range(len(items))):
        item = items[number]
        if number not in referring and _names(item, "SeriesInstanceUID", "StudyInstanceUID") and id(item.dataset) not in holds_one:
            referring[number] = item
            holds_one |= {id(outer) for outer in item.around}
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number in sorted(referring):
        mention = _row(referring[number])
        row = rows.setdefault(_target(mention), {**mention, "times": 0})
        row["times"] += 1
        row.update({name: mention[name] for name in (*_OWN, *_INHERITED) if row[name] is None})
    return list(rows.values())


def _names(item: Item, *keywords: str) -> bool:
    return any(value(item.dataset, keyword) is not None for keyword in keywords)


def _row(item: Item) -> dict[str, Any]:
    row = {"element_path": ".".join(item.sequences), **{name: value(item.dataset, name) for name in _OWN}}
    for name, keywords in _INHERITED.items():
        nearest_first = (item.dataset, *reversed(item.around))
        found = (value(dataset, keyword) for dataset in nearest_first for keyword in keywords)
        row[name] = next((uid for uid in found if uid is not None), None)
    return row


def _target(row: dict[str, Any]) -> tuple[Any, ...]:
    if row["ReferencedSOPInstanceUID"] is not None:
        return row["element_path"], row["ReferencedSOPInstanceUID"]
    return row["element_path"], None, row["ReferencedSeriesInstanceUID"], row["ReferencedStudyInstanceUID"]
