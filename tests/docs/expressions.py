"""Queries of the cookbook as polars expressions, by their questions: two engines that agree are hardly both wrong."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl

from dicomlake import Lake

_COUNT = pl.len().cast(pl.Int64)
_AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
_UNTRUSTED = ("US", "OT", "SC", "XC", "ES", "DOC")


def _sorted(frame: pl.LazyFrame, *by: str) -> pl.LazyFrame:
    """Sorted by columns; a minus before a name sorts from the greatest. Nulls are last, as in DuckDB."""
    names = [name.removeprefix("-") for name in by]
    return frame.sort(names, descending=[name.startswith("-") for name in by], nulls_last=True)


def _modalities(lake: Lake) -> pl.LazyFrame:
    counts = lake.series.group_by("Modality").agg(series=_COUNT, instances=pl.col("NumberOfSeriesRelatedInstances").sum())
    return _sorted(counts, "-instances", "Modality")


def _kinds(lake: Lake) -> pl.LazyFrame:
    counts = lake.instances.group_by("sop_class_name").agg(instances=_COUNT, series=pl.col("series_key").n_unique().cast(pl.Int64))
    return _sorted(counts, "-instances", "sop_class_name")


def _body_parts(lake: Lake) -> pl.LazyFrame:
    body_part = pl.col("BodyPartExamined").fill_null("(not recorded)")
    return _sorted(lake.series.group_by("Modality", body_part=body_part).agg(series=_COUNT), "Modality", "-series", "body_part")


def _months(lake: Lake) -> pl.LazyFrame:
    known = lake.studies.drop_nulls("StudyDate")
    return _sorted(known.group_by(month=pl.col("StudyDate").dt.truncate("1mo")).agg(studies=_COUNT), "month")


def _ct_and_pet(lake: Lake) -> pl.LazyFrame:
    modalities = pl.col("ModalitiesInStudy")
    both = lake.studies.filter(modalities.list.contains("CT") & modalities.list.contains("PT"))
    chosen = _sorted(both, "PatientID", "StudyDate", "study_key")
    return chosen.select("PatientID", "StudyDate", "StudyDescription", "ModalitiesInStudy")


def _descriptions(lake: Lake) -> pl.LazyFrame:
    found = lake.series.filter(pl.col("SeriesDescription").str.contains(r"(?i)\b(chest|thorax|lung)\b"))
    return _sorted(found.group_by("SeriesDescription", "Modality").agg(series=_COUNT), "-series", "SeriesDescription", "Modality")


def _thin(lake: Lake) -> pl.LazyFrame:
    thin = lake.series.filter(pl.col("Modality") == "CT", pl.col("SliceThickness") <= 2)
    chosen = _sorted(thin, "SliceThickness", "PatientID", "series_key")
    return chosen.select("PatientID", "SeriesDescription", "SliceThickness", slices="NumberOfSeriesRelatedInstances")


def _volumes(lake: Lake) -> pl.LazyFrame:
    varying = pl.col("varying_attributes").list.contains("ImageOrientationPatient").fill_null(value=False)
    chosen = lake.series.filter(
        pl.col("Modality").is_in(["CT", "MR", "PT"]),
        pl.col("NumberOfSeriesRelatedInstances") >= 16,
        pl.col("ImageType").list.contains("ORIGINAL"),
        ~pl.col("ImageType").list.contains("LOCALIZER"),
        ~varying,
    )
    chosen = _sorted(chosen, "-NumberOfSeriesRelatedInstances", "SeriesDescription", "series_key")
    return chosen.select("Modality", "SeriesDescription", pl.col("NumberOfSeriesRelatedInstances").alias("slices"), "SliceThickness")


def _frames(lake: Lake) -> pl.LazyFrame:
    chosen = _sorted(lake.instances.filter("is_multiframe"), "-NumberOfFrames", "sop_class_name", "SOPInstanceUID")
    return chosen.select("Modality", "sop_class_name", "NumberOfFrames", "Rows", "Columns")


def _scanners(lake: Lake) -> pl.LazyFrame:
    names = ("Manufacturer", "ManufacturerModelName", "StationName")
    joined = lake.series.join(lake.studies.select("study_key", "StudyDate"), on="study_key")
    seen = joined.group_by(names).agg(
        studies=pl.col("study_key").n_unique().cast(pl.Int64), first_seen=pl.col("StudyDate").min(), last_seen=pl.col("StudyDate").max()
    )
    return _sorted(seen, "-last_seen", *names)


def _software(lake: Lake) -> pl.LazyFrame:
    parts = lake.series.select("StationName", "SeriesDate", version="SoftwareVersions").explode("version", empty_as_null=False)
    parts = parts.filter(pl.col("version").is_not_null() | pl.col("SeriesDate").is_null())
    known = parts.drop_nulls("version").group_by("StationName", "version").agg(since=pl.col("SeriesDate").min(), series=_COUNT)
    return _sorted(known, "StationName", "since", "version").select("StationName", "version", "since", "series")


def _mr_protocols(lake: Lake) -> pl.LazyFrame:
    chosen = lake.series.filter(pl.col("Modality") == "MR", pl.col("EchoTime").is_not_null())
    ranges = chosen.group_by("ProtocolName", tesla="MagneticFieldStrength").agg(
        echo_time_min=pl.col("EchoTime_min").min(),
        echo_time_max=pl.col("EchoTime_max").max(),
        repetition_time_min=pl.col("RepetitionTime_min").min(),
        repetition_time_max=pl.col("RepetitionTime_max").max(),
        series=_COUNT,
    )
    return _sorted(ranges, "ProtocolName", "tesla")


def _varying(lake: Lake) -> pl.LazyFrame:
    rows = lake.series.select("Modality", attribute="varying_attributes").explode("attribute").drop_nulls("attribute")
    counts = _sorted(rows.group_by("Modality", "attribute").agg(series=_COUNT), "-series", "attribute", "Modality")
    return counts.head(10)


def _doses(lake: Lake) -> pl.LazyFrame:
    known = lake.series.filter(pl.col("Modality") == "CT", pl.col("CTDIvol").is_not_null())
    doses = known.group_by("BodyPartExamined").agg(
        series=_COUNT,
        median=pl.col("CTDIvol").median().round(2),
        percentile_95=pl.col("CTDIvol").quantile(0.95, "linear").round(2),
    )
    return _sorted(doses, "BodyPartExamined")


def _activities(lake: Lake) -> pl.LazyFrame:
    activity = pl.col("RadiopharmaceuticalInformation_RadionuclideTotalDose") / 1e6
    joined = lake.series.filter(pl.col("Modality") == "PT").join(lake.studies.select("study_key", "PatientWeight"), on="study_key")
    return _sorted(joined, "PatientID", "series_key").select(
        "PatientID",
        agent="RadiopharmaceuticalInformation_Radiopharmaceutical",
        nuclide="RadionuclideCode_CodeMeaning",
        megabecquerel=activity.round(1),
        per_kilogram=(activity / pl.col("PatientWeight")).round(2),
    )


def _several_studies(lake: Lake) -> pl.LazyFrame:
    several = lake.patients.filter(pl.col("NumberOfPatientRelatedStudies") > 1)
    days = (pl.col("last_study_date") - pl.col("first_study_date")).dt.total_days()
    chosen = _sorted(several, "-NumberOfPatientRelatedStudies", "PatientID", "IssuerOfPatientID")
    studies = pl.col("NumberOfPatientRelatedStudies").alias("studies")
    return chosen.select("PatientID", "IssuerOfPatientID", studies, "first_study_date", "last_study_date", days=days)


def _days_between(lake: Lake) -> pl.LazyFrame:
    dated = lake.studies.drop_nulls("StudyDate").sort("patient_key", "StudyDate", "study_key")
    days = (pl.col("StudyDate") - pl.col("StudyDate").shift(1)).dt.total_days().over("patient_key")
    several = dated.with_columns(days_since_last=days).filter(pl.len().over("patient_key") > 1)
    chosen = _sorted(several, "PatientID", "patient_key", "StudyDate", "study_key")
    return chosen.select("PatientID", "StudyDate", "StudyDescription", "days_since_last")


def _first_studies(lake: Lake) -> pl.LazyFrame:
    ordered = _sorted(lake.studies, "study_datetime", "study_key")
    firsts = ordered.unique("patient_key", keep="first", maintain_order=True)
    return _sorted(firsts, "PatientID", "patient_key").select("PatientID", "StudyDate", "StudyDescription").head(5)


def _two_birth_dates(lake: Lake) -> pl.LazyFrame:
    dates = pl.col("PatientBirthDate").unique().sort()
    known = lake.instances.drop_nulls(["PatientID", "PatientBirthDate"])
    grouped = known.group_by("patient_key", "PatientID", "IssuerOfPatientID").agg(birth_dates=dates)
    several = grouped.filter(pl.col("birth_dates").list.len() > 1)
    return _sorted(several, "PatientID", "IssuerOfPatientID").select("PatientID", "IssuerOfPatientID", "birth_dates")


def _failed(lake: Lake) -> pl.LazyFrame:
    failed = lake.files.filter(pl.col("status") == "failed")
    counts = failed.group_by("code", "message").agg(files=_COUNT, for_example=pl.col("url").min())
    return _sorted(counts, "-files", "code", "message")


def _all_files(lake: Lake) -> pl.LazyFrame:
    counts = lake.files.group_by("status", code=pl.col("code").fill_null("")).agg(files=_COUNT, bytes=pl.col("file_size").sum())
    return _sorted(counts, "status", "code")


def _manufacturers(lake: Lake) -> pl.LazyFrame:
    makers = lake.series.select("series_key", manufacturer=pl.col("Manufacturer").fill_null("(not recorded)"))
    joined = lake.findings.join(makers, on="series_key")
    counts = joined.group_by("manufacturer", "code").agg(findings=_COUNT, series=pl.col("series_key").n_unique().cast(pl.Int64))
    return _sorted(counts, "-findings", "manufacturer", "code")


def _copies(lake: Lake) -> pl.LazyFrame:
    kept = lake.files.select(duplicate_of="url", kept_digest="header_digest")
    copies = lake.files.filter(pl.col("status") == "duplicate").join(kept, on="duplicate_of").sort("url")
    differ = pl.col("header_digest").ne_missing(pl.col("kept_digest"))
    return copies.select("SOPInstanceUID", "url", "duplicate_of", headers_differ=differ)


def _missing_slices(lake: Lake) -> pl.LazyFrame:
    number = pl.col("InstanceNumber")
    chosen = lake.instances.filter(pl.col("Modality").is_in(["CT", "MR", "PT"]), number.is_not_null(), ~pl.col("is_multiframe"))
    counts = chosen.group_by("series_key", "PatientID", "SeriesDescription").agg(
        slices=_COUNT, expected=number.max() - number.min() + 1, numbers=number.n_unique().cast(pl.Int64)
    )
    gaps = counts.filter(pl.col("numbers") < pl.col("expected"))
    return _sorted(gaps, "PatientID", "SeriesDescription", "series_key").select("PatientID", "SeriesDescription", "slices", "expected")


def _uneven(lake: Lake) -> pl.LazyFrame:
    axial = pl.col("ImageOrientationPatient") == pl.lit(_AXIAL, pl.List(pl.Float64))
    position = pl.col("ImagePositionPatient")
    slices = lake.instances.filter(pl.col("Modality") == "CT", position.list.len() == 3, axial)
    ordered = slices.select("series_key", "SeriesDescription", z=position.list.get(2)).sort("z")
    steps = ordered.with_columns(step=(pl.col("z") - pl.col("z").shift(1)).over("series_key").round(3))
    ranges = steps.group_by("series_key", "SeriesDescription").agg(smallest_step=pl.col("step").min(), largest_step=pl.col("step").max())
    return ranges.filter(pl.col("largest_step") - pl.col("smallest_step") > 0.01).sort("series_key")


def _burned_in(lake: Lake) -> pl.LazyFrame:
    burned_in = pl.col("BurnedInAnnotation")
    chosen = lake.instances.filter((burned_in == "YES") | (burned_in.is_null() & pl.col("Modality").is_in(_UNTRUSTED)))
    counts = chosen.group_by("Modality", burned_in=burned_in.fill_null("(not recorded)")).agg(instances=_COUNT)
    return _sorted(counts, "-instances", "Modality", "burned_in")


def _transfer_syntaxes(lake: Lake) -> pl.LazyFrame:
    size = pl.col("file_size")
    counts = lake.instances.group_by("transfer_syntax_name").agg(instances=_COUNT, bytes=size.sum(), mean=size.mean())
    # DuckDB rounds a half away from zero.
    each = pl.col("mean").map_elements(lambda mean: math.floor(mean + 0.5), return_dtype=pl.Int64)
    return _sorted(counts.with_columns(bytes_each=each).drop("mean"), "-bytes", "transfer_syntax_name")


def _compressed(lake: Lake) -> pl.LazyFrame:
    counts = lake.instances.group_by("Modality").agg(
        instances=_COUNT, compressed=pl.col("is_compressed").sum().cast(pl.Int64), lossy=pl.col("is_lossy").sum().cast(pl.Int64)
    )
    return _sorted(counts, "-instances", "Modality")


def _largest(lake: Lake) -> pl.LazyFrame:
    chosen = _sorted(lake.series, "-total_file_size", "series_key").head(5)
    instances = pl.col("NumberOfSeriesRelatedInstances").alias("instances")
    return chosen.select("Modality", "SeriesDescription", "total_file_size", instances, "number_of_frames")


def _joined(lake: Lake) -> pl.LazyFrame:
    levels = (
        lake.instances.select("series_key", "study_key", "patient_key", "SliceLocation")
        .join(lake.series.select("series_key", "Modality", "SeriesDescription"), on="series_key")
        .join(lake.studies.select("study_key", "StudyDate"), on="study_key")
        .join(lake.patients.select("patient_key", "PatientID"), on="patient_key")
        .filter(pl.col("Modality").is_in(["CT", "PT"]))
    )
    shown = ("PatientID", "StudyDate", "Modality", "SeriesDescription")
    counts = levels.group_by(*shown, "series_key").agg(instances=_COUNT, highest=pl.col("SliceLocation").max())
    return _sorted(counts, "-instances", "PatientID", "SeriesDescription", "series_key").head(3).drop("series_key")


def _creators(lake: Lake) -> pl.LazyFrame:
    rows = lake.instances.select("Manufacturer", "series_key", creator="private_creators").explode("creator").drop_nulls("creator")
    counts = rows.group_by("Manufacturer", "creator").agg(series=pl.col("series_key").n_unique().cast(pl.Int64))
    return _sorted(counts, "-series", "Manufacturer", "creator")


def _sample(lake: Lake) -> pl.LazyFrame:
    chosen = lake.series.filter(pl.col("Modality").is_in(["CT", "MR"]))
    return chosen.sort("series_key").select("PatientID", "Modality", "SeriesDescription").head(5)


def _split(lake: Lake) -> pl.LazyFrame:
    is_test = pl.col("patient_key").str.slice(0, 1).is_in(["0", "1", "2"])
    side = pl.when(is_test).then(pl.lit("test")).otherwise(pl.lit("train"))
    counts = lake.series.group_by(side=side).agg(patients=pl.col("patient_key").n_unique().cast(pl.Int64), series=_COUNT)
    return counts.sort("side")


EXPRESSIONS: dict[str, Callable[[Lake], pl.LazyFrame]] = {
    "How many series and instances has each modality?": _modalities,
    "Which kinds of objects are there?": _kinds,
    "Which body parts were examined with which modality?": _body_parts,
    "How many studies were made in each month?": _months,
    "Which studies hold both CT and PET?": _ct_and_pet,
    "Which series have a description like this?": _descriptions,
    "Which CT series have thin slices?": _thin,
    "Which series could be volumes?": _volumes,
    "Which instances have several frames?": _frames,
    "Which scanners are there, and when was each last seen?": _scanners,
    "Which versions of software did each scanner run?": _software,
    "Which field strengths and echo times does each MR protocol use?": _mr_protocols,
    "Which parameters vary inside a series?": _varying,
    "Which dose of a CT is usual, and which is high?": _doses,
    "Which activity was given for PET, by the weight of the patient?": _activities,
    "Which patients have several studies?": _several_studies,
    "How many days lie between the studies of a patient?": _days_between,
    "Which is the first study of each patient?": _first_studies,
    "Which patients have two birth dates?": _two_birth_dates,
    "Which files failed, and why?": _failed,
    "How did the reading of files end?": _all_files,
    "Which defects does the equipment of each manufacturer write?": _manufacturers,
    "Which files are copies of others?": _copies,
    "In which series are slices missing?": _missing_slices,
    "In which series is the distance between slices not even?": _uneven,
    "Which images may show names in their pixels?": _burned_in,
    "How much space does each transfer syntax take?": _transfer_syntaxes,
    "How much of each modality is compressed, and how much with loss?": _compressed,
    "Which series are the largest?": _largest,
    "How do I join all levels?": _joined,
    "Which private creators does each manufacturer use?": _creators,
    "How do I draw a sample that stays the same?": _sample,
    "How do I split patients for training and testing?": _split,
}
