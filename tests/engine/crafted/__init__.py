"""Data sets made for what the rows inside headers mean, where real files don't reach; each with its rows, as the standard has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomlake.samples.elements import item

UID = "1.2.826.0.1.3680043.10.1.2"
SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "undefined-lengths": ExplicitVRLittleEndian,
}
"""Ways to write a data set; the last one is explicit too, with sequences and items of undefined length."""


def data_set(sop_class: str = "1.2.840.10008.5.1.4.1.1.88.33", **values: object) -> Dataset:
    """A data set with the keys of its parents, and further attributes."""
    keys = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": f"{UID}.1",
        "StudyInstanceUID": f"{UID}.2",
        "SeriesInstanceUID": f"{UID}.3",
        "PatientID": "P1",
        "Modality": "OT",
    }
    return item(**{**keys, **values})


def write(dataset: Dataset, path: Path, way: str = "explicit") -> Path:
    """Write a data set as a file, in one of ``SYNTAXES``."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = SYNTAXES[way]
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    if way == "undefined-lengths":
        dataset.walk(lambda _, element: _open(element))
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def _open(element: pydicom.DataElement) -> None:
    if element.VR == "SQ":
        element.is_undefined_length = True
        for one in element.value:
            one.is_undefined_length_sequence_item = True


Make = Callable[[], Dataset]
