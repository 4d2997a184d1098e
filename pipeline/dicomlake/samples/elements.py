"""Small builders for data elements and sequence items, which refuse keywords that are not in the dictionary.

pydicom takes an unknown keyword for a Python attribute and leaves it out of the file. So a misspelt keyword must be refused here: otherwise
the tests that compare a lake with its sample would not notice the missing element.
"""

from __future__ import annotations

import datetime as dt

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

_DECIMAL_STRING_LENGTH = 16


def item(**values: object) -> Dataset:
    """Answer a data set or sequence item of the given attributes.

    Args:
        values: PS3.6 keyword to value; a list for several values, a list of data sets for a sequence. ``None`` leaves
            the attribute out.

    Raises:
        ValueError: a keyword is not in the dictionary.
    """
    dataset = Dataset()
    for keyword, value in values.items():
        if tag_for_keyword(keyword) is None:
            raise ValueError(f"{keyword} is not a keyword of PS3.6")
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """Answer the one item of a code sequence (PS3.3 8.8)."""
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def reference(dataset: Dataset, **values: object) -> Dataset:
    """Answer an item that refers to the instance ``dataset`` (PS3.3 10.8), with further attributes if given."""
    return item(
        ReferencedSOPClassUID=dataset.SOPClassUID,
        ReferencedSOPInstanceUID=dataset.SOPInstanceUID,
        **values,
    )


def decimal(value: float, places: int = 4) -> str:
    """Answer a number as DS text without trailing zeros (PS3.5 6.2: at most 16 characters).

    Raises:
        ValueError: the text would be too long.
    """
    text = f"{value:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text) > _DECIMAL_STRING_LENGTH:
        raise ValueError(f"{text} does not fit a decimal string")
    return "0" if text == "-0" else text


def decimals(*values: float) -> list[str]:
    """Answer several numbers as DS text."""
    return [decimal(value) for value in values]


def date_text(value: dt.date) -> str:
    """Answer a date as DA text (PS3.5 6.2)."""
    return value.strftime("%Y%m%d")


def time_text(value: dt.time) -> str:
    """Answer a time as TM text with microseconds (PS3.5 6.2)."""
    return value.strftime("%H%M%S.%f")


def later(value: dt.time, seconds: float) -> dt.time:
    """Answer a time some seconds after another one of the same day."""
    day = dt.datetime.combine(dt.date(2000, 1, 1), value)
    return (day + dt.timedelta(seconds=seconds)).time()
