"""Derived columns: the formulas, as rows of a table."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from dicomlake.extract.derived import date_time, is_compressed, is_lossy, is_multiframe, patient_age_years

TRANSFER_SYNTAX = "1.2.840.10008.1.2"


@pytest.mark.parametrize(
    ("age", "study", "birth", "years"),
    [
        ("045Y", None, None, 45.0),
        ("006M", None, None, 0.5),
        ("002W", None, None, 14 / 365.25),
        ("010D", None, None, 10 / 365.25),
        ("045Y", date(2020, 1, 1), date(1990, 1, 1), 45.0),
        (None, date(2020, 1, 1), date(1990, 1, 1), 10957 / 365.25),
        ("45Y", date(2020, 1, 1), date(1990, 1, 1), 10957 / 365.25),
        ("nonsense", None, date(1990, 1, 1), None),
        (None, date(2020, 1, 1), date(2020, 1, 2), None),
        (None, date(2020, 1, 1), date(2020, 1, 1), 0.0),
        (None, None, None, None),
    ],
)
def test_patient_age(age: str | None, study: date | None, birth: date | None, years: float | None) -> None:
    """PatientAge rules; else the dates do; a birth after the study is no age."""
    (found,) = patient_age_years(pa.array([age], pa.string()), pa.array([study], pa.date32()), pa.array([birth], pa.date32())).to_pylist()
    assert found == (pytest.approx(years) if years is not None else None)


def test_date_and_time() -> None:
    """A date and a time make a timestamp, before 1970 too; without either there is none."""
    dates = pa.array([date(2024, 2, 29), date(1955, 1, 2), date(2024, 2, 29), None, date(1, 1, 1)], pa.date32())
    times = pa.array(["07:08:09.123456", "00:00:00.000001", None, "07:00:00.000000", "00:00:00.000000"], pa.string())
    expected = [datetime(2024, 2, 29, 7, 8, 9, 123456), datetime(1955, 1, 2, 0, 0, 0, 1), None, None, datetime(1, 1, 1)]
    assert date_time(dates, times).to_pylist() == expected


@pytest.mark.parametrize(
    ("end", "compressed", "lossy"),
    [
        ("", False, False),
        (".1", False, False),
        (".1.99", False, False),
        (".2", False, False),
        (".5", True, False),
        (".1.98", True, False),
        (".4.50", True, True),
        (".4.57", True, False),
        (".4.70", True, False),
        (".4.80", True, False),
        (".4.81", True, True),
        (".4.90", True, False),
        (".4.91", True, True),
        (".4.94", False, False),
        (".4.102.1", True, True),
        (".4.201", True, False),
        (".4.203", True, True),
    ],
)
def test_transfer_syntaxes(end: str, *, compressed: bool, lossy: bool) -> None:
    """Which transfer syntaxes are encapsulated, and which are lossy."""
    syntax = pa.array([TRANSFER_SYNTAX + end], pa.string())
    nothing = pa.array([None], pa.string())
    assert is_compressed(syntax, nothing, pa.array([None], pa.int64())).to_pylist() == [compressed]
    assert is_lossy(nothing, syntax).to_pylist() == [lossy]


def test_lossy_by_attribute() -> None:
    """LossyImageCompression 01 is lossy; 00 decides for transfer syntaxes that are for both, and for no other."""
    syntaxes = pa.array([TRANSFER_SYNTAX + end for end in (".1", ".1", ".4.91", ".4.50")], pa.string())
    assert is_lossy(pa.array(["01", "00", "00", "00"], pa.string()), syntaxes).to_pylist() == [True, False, False, True]


def test_unknown_transfer_syntax_is_compressed_as_its_pixels_are() -> None:
    """Of a transfer syntax that PS3.6 does not have, pixel data of undefined length is encapsulated."""
    unknown = pa.array(["1.2.3", "1.2.3", "1.2.3"], pa.string())
    keyword, length = pa.array(["PixelData", "PixelData", None], pa.string()), pa.array([None, 8, None], pa.int64())
    assert is_compressed(unknown, keyword, length).to_pylist() == [True, False, False]


@pytest.mark.parametrize(("frames", "groups", "expected"), [(None, False, False), (1, False, False), (2, False, True), (None, True, True)])
def test_multiframe(frames: int | None, *, groups: bool, expected: Any) -> None:
    """More than one frame, or functional groups, make an object multi-frame."""
    assert is_multiframe(pa.array([frames], pa.int64()), pa.array([groups], pa.bool_())).to_pylist() == [expected]
