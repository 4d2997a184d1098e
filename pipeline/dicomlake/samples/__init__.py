"""Synthetic DICOM: a small archive with planted defects, for trials and tests."""

from dicomlake.samples.archive import write_sample
from dicomlake.samples.manifest import (
    MANIFEST_NAME,
    Counts,
    Defect,
    Instance,
    ListedFile,
    Manifest,
    Reference,
)

__all__ = [
    "MANIFEST_NAME",
    "Counts",
    "Defect",
    "Instance",
    "ListedFile",
    "Manifest",
    "Reference",
    "write_sample",
]
