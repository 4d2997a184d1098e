"""Synthetic DICOM: a small archive with planted defects to try things on, and a large plain one to measure with."""

from dicomlake.samples.archive import write_sample
from dicomlake.samples.corpus import write_corpus
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
    "write_corpus",
    "write_sample",
]
