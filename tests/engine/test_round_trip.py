"""Data sets that pydicom writes come out alike from both engines, in every uncompressed syntax, cell by cell."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.schema import Column, standard_columns
from tests.engine.agreement import same
from tests.engine.conftest import ENGINES, SCHEMA, listing

pytestmark = [pytest.mark.usefixtures("lenient_pydicom"), pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]

_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
_COLUMNS = [column for column in standard_columns() if column.group != "file meta"]

_ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\^="), max_size=12)
_ANY = st.text(st.characters(exclude_categories=["C"], exclude_characters="\\^="), max_size=12)
_UID = st.lists(st.integers(0, 99999), min_size=2, max_size=6).map(lambda parts: ".".join(map(str, parts)))
_NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: f"{value:.6g}")
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "DA": st.dates().map(lambda day: day.strftime("%Y%m%d").zfill(8)) | _ASCII,
    "TM": st.times().map(lambda time: time.strftime("%H%M%S.%f")) | _ASCII,
    "DT": st.datetimes().map(lambda moment: moment.strftime("%Y%m%d%H%M%S.%f").zfill(21)) | _ASCII,
    "IS": st.integers(-(2**31), 2**31 - 1).map(str),
    "DS": _NUMBER,
    "FD": st.floats(),
    "FL": st.floats(width=32),
    "US": st.integers(0, 2**16 - 1),
    "UL": st.integers(0, 2**32 - 1),
    "UI": _UID,
    "PN": st.lists(_ANY, max_size=3).map("^".join) | st.lists(_ANY, max_size=3).map("=".join),
    "CS": _ASCII,
    "AS": _ASCII,
}


def _value(column: Column) -> st.SearchStrategy[Any]:
    one = _VALUES.get(column.vr.split(" or ")[0], _ANY)
    if column.vm == "1" or column.vr == "LT":
        return one
    return st.lists(one, min_size=2, max_size=4)


@st.composite
def _data_sets(draw: st.DrawFn) -> pydicom.Dataset:
    dataset = pydicom.Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for column in draw(st.lists(st.sampled_from(_COLUMNS), max_size=25)):
        if column.name in ("SpecificCharacterSet", "Modality", "SOPInstanceUID"):
            continue
        _put(dataset, column.path.text.split("."), draw(_value(column)), draw(st.integers(1, 3)))
    dataset.Modality = draw(st.sampled_from(["CT", "MR", "X_1"]))
    dataset.SOPInstanceUID = draw(_UID)
    return dataset


def _put(dataset: pydicom.Dataset, path: list[str], value: Any, items: int) -> None:
    keyword = path[0].split("[")[0]
    if len(path) == 1:
        setattr(dataset, keyword, value)
        return
    if keyword not in dataset:
        setattr(dataset, keyword, [pydicom.Dataset() for _ in range(items)])
    _put(dataset[keyword].value[-1 if "*" in path[0] else 0], path[1:], value, items)


@given(_data_sets(), st.sampled_from(_SYNTAXES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_pydicom_writes(dataset: pydicom.Dataset, syntax: pydicom.uid.UID) -> None:
    """What pydicom writes the native engine reads as pydicom does."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(
            written,
            dataset,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            enforce_file_format=True,
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(written.getvalue())
        native, other = (make_engine(engine).scan(listing([str(path)]), ScanRequest(SCHEMA)) for engine in ENGINES)
    assert native.files["code"].to_pylist() == other.files["code"].to_pylist() == [None]
    (row,), (expected,) = native.instances.to_pylist(), other.instances.to_pylist()
    assert {name: (row[name], value) for name, value in expected.items() if not same(row[name], value)} == {}
