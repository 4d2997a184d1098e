"""Columns of `instances` that follow from header columns by a formula: one home for them, so that every engine answers the same.

Everything here works on whole Arrow columns, and knows neither files nor engines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from dicomlake.schema.dictionary import name_of_uid

DAYS_A_YEAR = 365.25
"""Of the Julian year; a week is 7 of these days, a month a twelfth of the year."""

_YEARS_OF_UNIT = {"D": 1 / DAYS_A_YEAR, "W": 7 / DAYS_A_YEAR, "M": 1 / 12, "Y": 1.0}


def _transfer_syntaxes(*ends: str) -> frozenset[str]:
    return frozenset(f"1.2.840.10008.1.2{end}" for end in ends)


_NOT_ENCAPSULATED = _transfer_syntaxes(
    *("", "0", ".1", ".1.99", ".2", ".4.94", ".4.95", ".4.204", ".4.205", ".6.1", ".6.2", ".7.1", ".7.2", ".7.3")
)
"""Transfer syntaxes whose pixel data, if there is any, stands as it is: uncompressed, referred to (JPIP), or sent apart (SMPTE)."""

_VIDEO = tuple(f".4.{number}{fragmentable}" for number in range(100, 109) for fragmentable in ("", ".1"))
_ALWAYS_LOSSY = _transfer_syntaxes(*(f".4.{number}" for number in (50, 51, 52, 53, 54, 55, 56, 59, 60, 61, 62, 63, 64, 81)), *_VIDEO)
_PERHAPS_LOSSY = _transfer_syntaxes(".4.91", ".4.93", ".4.111", ".4.112", ".4.203")
"""Transfer syntaxes for both: lossy unless LossyImageCompression says 00."""


def derived_columns(header: Mapping[str, pa.Array], transfer_syntax: pa.Array, has_functional_groups: pa.Array) -> dict[str, pa.Array]:
    """The derived columns of `instances`.

    Args:
        header: header columns by name, typed as the schema says, ``pixel_data_keyword`` and ``pixel_data_length`` among them.
        transfer_syntax: UID of the transfer syntax in which each header was read, which is not always that of the meta (string).
        has_functional_groups: whether there is a shared or per-frame functional groups sequence (bool).

    Returns:
        By name: ``sop_class_name``, ``transfer_syntax_name`` (string), ``study_year`` (int32), ``study_datetime``, ``series_datetime``,
        ``acquisition_datetime``, ``content_datetime`` (timestamp[us]), ``patient_age_years`` (float64), ``is_compressed``,
        ``is_lossy``, ``is_multiframe`` (bool).
    """
    acquisition = date_time(header["AcquisitionDate"], header["AcquisitionTime"])
    return {
        "sop_class_name": _by_value(header["SOPClassUID"], name_of_uid, pa.string()),
        "transfer_syntax_name": _by_value(transfer_syntax, name_of_uid, pa.string()),
        "study_year": pc.year(header["StudyDate"]).cast(pa.int32()),
        "study_datetime": date_time(header["StudyDate"], header["StudyTime"]),
        "series_datetime": date_time(header["SeriesDate"], header["SeriesTime"]),
        "acquisition_datetime": pc.coalesce(header["AcquisitionDateTime"], acquisition),
        "content_datetime": date_time(header["ContentDate"], header["ContentTime"]),
        "patient_age_years": patient_age_years(header["PatientAge"], header["StudyDate"], header["PatientBirthDate"]),
        "is_compressed": is_compressed(transfer_syntax, header["pixel_data_keyword"], header["pixel_data_length"]),
        "is_lossy": is_lossy(header["LossyImageCompression"], transfer_syntax),
        "is_multiframe": is_multiframe(header["NumberOfFrames"], has_functional_groups),
    }


def date_time(date: pa.Array, time: pa.Array) -> pa.Array:
    """A date (date32) and a time of day (text, ``HH:MM:SS.ffffff``) as timestamp[us]; null where either is."""
    midnight = date.cast(pa.timestamp("us")).cast(pa.int64())
    # Arrow casts text to no time of day, but to timestamps: that of the first day counts microseconds since its midnight.
    first_day = pc.binary_join_element_wise(pa.scalar("1970-01-01"), time, " ")
    microseconds = first_day.cast(pa.timestamp("us")).cast(pa.int64())
    return pc.add(midnight, microseconds).cast(pa.timestamp("us"))


def patient_age_years(age: pa.Array, study_date: pa.Array, birth_date: pa.Array) -> pa.Array:
    """PatientAge (AS: ``nnn`` and D, W, M or Y) in years; else the days from birth to study by 365.25, null where these are negative."""
    parts = pc.extract_regex(age, "^(?P<number>[0-9]{3})(?P<unit>[DWMY])$")
    unit = _by_value(pc.struct_field(parts, "unit"), _YEARS_OF_UNIT.get, pa.float64())
    stated = pc.multiply(pc.struct_field(parts, "number").cast(pa.float64()), unit)
    days = pc.subtract(study_date.cast(pa.int32()), birth_date.cast(pa.int32()))
    counted = pc.divide(days.cast(pa.float64()), DAYS_A_YEAR)
    counted = pc.if_else(pc.greater_equal(days, 0), counted, pa.scalar(None, pa.float64()))
    return pc.coalesce(stated, counted)


def is_compressed(transfer_syntax: pa.Array, pixel_data_keyword: pa.Array, pixel_data_length: pa.Array) -> pa.Array:
    """Whether the transfer syntax is encapsulated; of one that PS3.6 does not have, whether the pixel data is (its length is undefined)."""
    encapsulated = _by_value(transfer_syntax, _is_encapsulated, pa.bool_())
    undefined = pc.and_(pc.is_valid(pixel_data_keyword), pc.is_null(pixel_data_length))
    return pc.coalesce(encapsulated, undefined)


def is_lossy(lossy_image_compression: pa.Array, transfer_syntax: pa.Array) -> pa.Array:
    """Whether LossyImageCompression is 01 or the transfer syntax is lossy; one that is for both is, unless the attribute says 00."""
    stated = pc.fill_null(pc.equal(lossy_image_compression, "01"), fill_value=False)
    denied = pc.fill_null(pc.equal(lossy_image_compression, "00"), fill_value=False)
    always = pc.is_in(transfer_syntax, pa.array(sorted(_ALWAYS_LOSSY), pa.string()))
    perhaps = pc.is_in(transfer_syntax, pa.array(sorted(_PERHAPS_LOSSY), pa.string()))
    return pc.or_(stated, pc.or_(always, pc.and_not(perhaps, denied)))


def is_multiframe(number_of_frames: pa.Array, has_functional_groups: pa.Array) -> pa.Array:
    """Whether there is more than one frame, or functional groups say that the object is of the multi-frame kind."""
    return pc.or_(pc.fill_null(pc.greater(number_of_frames, 1), fill_value=False), has_functional_groups)


def _is_encapsulated(transfer_syntax: str) -> bool | None:
    if name_of_uid(transfer_syntax) is None:
        return None
    return transfer_syntax not in _NOT_ENCAPSULATED


def _by_value(values: pa.Array, answer: Callable[[str], object], answer_type: pa.DataType) -> pa.Array:
    """Ask once for each distinct value of a text column."""
    encoded = values.dictionary_encode()
    answers = pa.array([answer(value) for value in encoded.dictionary.to_pylist()], answer_type)
    return answers.take(encoded.indices)
