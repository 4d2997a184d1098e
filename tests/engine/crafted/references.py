"""Data sets that refer to instances, series and studies, with their rows."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from dicomlake.samples.elements import item
from tests.engine.crafted import Make, data_set

CT, PLAN = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.5"


def nested() -> Dataset:
    """Series around instances, a series and a study of which no instance is named, and an instance named three times."""
    return data_set(
        FrameOfReferenceUID="1.9",
        ReferencedSeriesSequence=[
            item(
                SeriesInstanceUID="1.3.1",
                ReferencedInstanceSequence=[
                    item(ReferencedSOPInstanceUID="1.4.1"),
                    item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.4.2"),
                    item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.4.1"),
                    item(ReferencedSOPClassUID=PLAN, ReferencedSOPInstanceUID="1.4.1"),
                ],
            ),
            item(SeriesInstanceUID="1.3.2"),
            item(SeriesInstanceUID="1.3.3", ReferencedSOPInstanceUID=""),
        ],
        StudiesContainingOtherReferencedInstancesSequence=[
            item(StudyInstanceUID="1.2.1", ReferencedSeriesSequence=[item(SeriesInstanceUID="1.3.2")]),
            item(StudyInstanceUID="1.2.2", ReferencedSeriesSequence=[item(SeriesInstanceUID="")]),
            item(StudyInstanceUID="1.2.2"),
        ],
    )


def frames_of_reference() -> Dataset:
    """A structure set: the frame of reference stands around, under either name, and nearer ones count first."""
    image = item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.4.1")
    nearer = item(
        ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID="1.4.2", FrameOfReferenceUID="1.9.3", ReferencedFrameOfReferenceUID="1.9.4"
    )
    series = item(SeriesInstanceUID="1.3.1", ContourImageSequence=[image, nearer])
    study = item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID="1.2.1", RTReferencedSeriesSequence=[series])
    contours = item(ReferencedROINumber=1, ReferencedFrameOfReferenceUID="1.9.2", ContourSequence=[item(ContourImageSequence=[image])])
    return data_set(
        ReferencedFrameOfReferenceSequence=[item(FrameOfReferenceUID="1.9.1", RTReferencedStudySequence=[study])],
        ROIContourSequence=[contours],
    )


def instance_inside_instance() -> Dataset:
    """An item that refers, with items inside that refer; and a study inside a series."""
    return data_set(
        SourceImageSequence=[
            item(
                ReferencedSOPInstanceUID="1.4.1",
                DerivationImageSequence=[item(SourceImageSequence=[item(ReferencedSOPInstanceUID="1.4.2")])],
            )
        ],
        RequestAttributesSequence=[
            item(SeriesInstanceUID="1.3.1", ReferencedStudySequence=[item(StudyInstanceUID="1.2.1")]),
            item(StudyInstanceUID="1.2.3", ReferencedStudySequence=[item(CodeValue="X")]),
        ],
    )


def private_sequence() -> Dataset:
    """A private sequence around a standard one."""
    dataset = data_set()
    block = dataset.private_block(0x0029, "DICOMLAKE TEST", create=True)
    inner = item(ReferencedSOPInstanceUID="1.4.2")
    block.add_new(0x01, "SQ", [item(ReferencedSOPInstanceUID="1.4.3", ReferencedImageSequence=[inner])])
    return dataset


def _row(path: str, instance: str | None, times: int = 1, **others: str) -> dict[str, Any]:
    short = {
        "sop_class": "ReferencedSOPClassUID",
        "series": "ReferencedSeriesInstanceUID",
        "study": "ReferencedStudyInstanceUID",
        "frame_of_reference": "ReferencedFrameOfReferenceUID",
    }
    row = {"element_path": path, "ReferencedSOPInstanceUID": instance, "times": times, **dict.fromkeys(short.values())}
    return row | {short[name]: uid for name, uid in others.items()}


_INSTANCES = "ReferencedSeriesSequence.ReferencedInstanceSequence"
_STUDIES = "StudiesContainingOtherReferencedInstancesSequence"
_FRAMES = "ReferencedFrameOfReferenceSequence"
_STUDY = f"{_FRAMES}.RTReferencedStudySequence"
_IMAGES = f"{_STUDY}.RTReferencedSeriesSequence.ContourImageSequence"

REFERENCES: dict[str, tuple[Make, list[dict[str, Any]]]] = {
    "nested": (
        nested,
        [
            _row(_INSTANCES, "1.4.1", times=3, sop_class=CT, series="1.3.1"),
            _row(_INSTANCES, "1.4.2", sop_class=CT, series="1.3.1"),
            _row("ReferencedSeriesSequence", None, series="1.3.2"),
            _row("ReferencedSeriesSequence", None, series="1.3.3"),
            _row(f"{_STUDIES}.ReferencedSeriesSequence", None, series="1.3.2", study="1.2.1"),
            _row(_STUDIES, None, times=2, study="1.2.2"),
        ],
    ),
    "frames of reference": (
        frames_of_reference,
        [
            _row(_STUDY, "1.2.1", sop_class="1.2.840.10008.3.1.2.3.1", frame_of_reference="1.9.1"),
            _row(_IMAGES, "1.4.1", sop_class=CT, series="1.3.1", frame_of_reference="1.9.1"),
            _row(_IMAGES, "1.4.2", sop_class=CT, series="1.3.1", frame_of_reference="1.9.3"),
            _row("ROIContourSequence.ContourSequence.ContourImageSequence", "1.4.1", sop_class=CT, frame_of_reference="1.9.2"),
        ],
    ),
    "instance inside instance": (
        instance_inside_instance,
        [
            _row("SourceImageSequence", "1.4.1"),
            _row("SourceImageSequence.DerivationImageSequence.SourceImageSequence", "1.4.2"),
            _row("RequestAttributesSequence.ReferencedStudySequence", None, series="1.3.1", study="1.2.1"),
            _row("RequestAttributesSequence", None, study="1.2.3"),
        ],
    ),
    "private sequence": (
        private_sequence,
        [_row("(0029,1001)", "1.4.3"), _row("(0029,1001).ReferencedImageSequence", "1.4.2")],
    ),
}
"""By name the data set, and its rows of `instance_references`."""
