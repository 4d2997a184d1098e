"""The tables of a lake, each declared once.

Every stage loops over these declarations. So a new table is a declaration here with its columns in ``tables.csv``, and a producer: an
engine that answers its rows.
"""

from __future__ import annotations

from dicomlake.schema.columns import data_rows
from dicomlake.schema.declaration import Entity, OwnColumn, TableDeclaration, WrittenBy

ROWS_VERSION = 3
"""The meaning of rows. Raise it by hand when that changes: then every file is read again."""

_PATIENT = ("PatientID", "IssuerOfPatientID")
_IN_HIERARCHY = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "SOPInstanceUID")
_IN_SERIES = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_RANGED_GROUPS = frozenset({"x-ray", "mr", "nuclear"})


def declared_tables() -> tuple[TableDeclaration, ...]:
    """The tables that this version knows, in the order in which they are shown."""
    return STANDARD_TABLES


def table_names() -> tuple[str, ...]:
    """The names of these tables."""
    return tuple(table.name for table in declared_tables())


def _standard_tables() -> tuple[TableDeclaration, ...]:
    own: dict[str, list[OwnColumn]] = {}
    for row in data_rows("tables.csv"):
        own.setdefault(row["table"], []).append(OwnColumn(row["name"], row["type"], row["meaning"]))
    columns = {name: tuple(of_table) for name, of_table in own.items()}
    return (
        TableDeclaration("files", columns["files"], key=("url",), order=("url",)),
        TableDeclaration(
            "instances",
            columns["instances"],
            key=("SOPInstanceUID",),
            order=_IN_HIERARCHY,
            is_partitioned=True,
            drops_copies=True,
            has_header=True,
        ),
        TableDeclaration(
            "series",
            columns["series"],
            key=("series_key",),
            order=(*_PATIENT, "StudyInstanceUID", "SeriesInstanceUID"),
            written_by=WrittenBy.ROLL_UP,
            groups=_RANGED_GROUPS | {"series", "equipment", "pixel", "slide", "derived"},
            header_names=frozenset(
                {
                    "ImageType",
                    "ImageOrientationPatient",
                    "SliceThickness",
                    "SpacingBetweenSlices",
                    "PixelSpacing",
                    "ImagerPixelSpacing",
                    "ImageLaterality",
                    "ViewPosition",
                    "BurnedInAnnotation",
                    "LossyImageCompression",
                    "SpecificCharacterSet",
                    "SOPClassUID",
                }
            ),
            ranged_groups=_RANGED_GROUPS,
            entity=Entity(
                "series",
                identifiers=(*_PATIENT, "StudyInstanceUID", "SeriesInstanceUID"),
                description=("Modality", "SeriesDescription"),
                instance_count="NumberOfSeriesRelatedInstances",
            ),
        ),
        TableDeclaration(
            "studies",
            columns["studies"],
            key=("study_key",),
            order=(*_PATIENT, "StudyInstanceUID"),
            written_by=WrittenBy.ROLL_UP,
            groups=frozenset({"study"}),
            entity=Entity(
                "study",
                identifiers=(*_PATIENT, "StudyInstanceUID"),
                description=("StudyDate", "StudyDescription"),
                instance_count="NumberOfStudyRelatedInstances",
            ),
        ),
        TableDeclaration(
            "patients",
            columns["patients"],
            key=("patient_key",),
            order=_PATIENT,
            written_by=WrittenBy.ROLL_UP,
            groups=frozenset({"patient"}),
            entity=Entity("patient", identifiers=_PATIENT, description=(), instance_count="NumberOfPatientRelatedInstances"),
        ),
        TableDeclaration(
            "findings",
            columns["findings"],
            order=("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "url", "element_path"),
        ),
        TableDeclaration(
            "frames",
            columns["frames"],
            key=("SOPInstanceUID", "frame_number"),
            order=(*_IN_SERIES, "frame_number"),
            drops_copies=True,
            has_frame_attributes=True,
        ),
        TableDeclaration(
            "stacks",
            columns["stacks"],
            key=("series_key", "stack"),
            order=("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "stack"),
            written_by=WrittenBy.ROLL_UP,
        ),
        TableDeclaration(
            "instance_references",
            columns["instance_references"],
            order=(*_IN_SERIES, "element_path", "ReferencedSOPInstanceUID", "ReferencedSeriesInstanceUID"),
            drops_copies=True,
        ),
        TableDeclaration(
            "segments",
            columns["segments"],
            key=("SOPInstanceUID", "segment_number"),
            order=(*_IN_SERIES, "segment_number"),
            drops_copies=True,
        ),
        TableDeclaration(
            "content_items",
            columns["content_items"],
            key=("SOPInstanceUID", "item_number"),
            order=(*_IN_SERIES, "item_number"),
            drops_copies=True,
        ),
        TableDeclaration("snapshots", columns["snapshots"], key=("snapshot",), order=("snapshot",), written_by=WrittenBy.RUN),
    )


STANDARD_TABLES = _standard_tables()
