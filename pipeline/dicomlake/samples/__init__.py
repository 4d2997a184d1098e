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
from dicomlake.samples.special import SPECIAL_KINDS, write_special

__all__ = [
    "MANIFEST_NAME",
    "SPECIAL_KINDS",
    "Counts",
    "Defect",
    "Instance",
    "ListedFile",
    "Manifest",
    "Reference",
    "write_sample",
    "write_special",
]
