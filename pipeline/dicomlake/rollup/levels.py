"""Rows of `series`, `studies` and `patients` from rows of `instances`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from dicomlake.errors import FindingCode
from dicomlake.rollup.agree import WEIGHT, agreed_values, differing_names
from dicomlake.schema import PATIENT_KEY, SERIES_KEY, STUDY_KEY, Column, LakeSchema, parent_keys

LEVELS = ("series", "studies", "patients")
KEYS: dict[str, tuple[str, ...]] = {"series": SERIES_KEY, "studies": STUDY_KEY, "patients": PATIENT_KEY}
REMOVED_BY: dict[str, tuple[str, ...]] = {**KEYS, "patients": ("PatientID",)}
"""By which columns the former rows of touched entities are found, in the level's table and in `findings`, which knows no issuer: patients
of one PatientID are rolled up together."""

NAME_OF_LEVEL = {"series": "series", "studies": "study", "patients": "patient"}
_ENTITY_KEYS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True)
class RolledUp:
    """The rows of a level (``snapshot`` aside), and the `findings` of those entities."""

    rows: pl.DataFrame
    findings: pl.DataFrame


def columns_needed(schema: LakeSchema, level: str) -> list[str]:
    """The columns of `instances` from which a level is rolled up."""
    own = {
        "series": ["TransferSyntaxUID", "NumberOfFrames", "file_size", "acquisition_datetime", "SOPClassUID"],
        "studies": ["SeriesInstanceUID", "Modality", "SOPClassUID", "file_size", "StudyDate", "StudyTime", "patient_age_years"],
        "patients": ["StudyInstanceUID", "SeriesInstanceUID", "Modality", "StudyDate", "file_size"],
    }[level]
    carried = [column.name for column in schema.rolled_up(level)]
    return list(dict.fromkeys([*KEYS[level], *parent_keys(level), *carried, *_held_against(schema, level), *own]))


def condense(rows: pl.DataFrame, level: str) -> pl.DataFrame:
    """Put rows that are alike into one that says how many they are, so that a patient of a million instances is a few rows.

    In `series` too much differs from one instance to the next for that to gain anything.
    """
    if level == "series":
        return rows.with_columns(pl.lit(1, dtype=pl.Int64).alias(WEIGHT))
    names = [name for name in rows.columns if name != "file_size"]
    return rows.group_by(names, maintain_order=True).agg(pl.len().cast(pl.Int64).alias(WEIGHT), pl.col("file_size").sum())


def roll_up(rows: pl.DataFrame, schema: LakeSchema, level: str) -> RolledUp:
    """Roll up one level.

    Args:
        rows: ``columns_needed`` of **every** instance of some entities, condensed.
        schema: the lake's schema.
        level: ``series``, ``studies`` or ``patients``.
    """
    keys = list(KEYS[level])
    carried = [column.name for column in schema.rolled_up(level)]
    parents = [name for name in parent_keys(level) if name not in keys]
    extra = ["patient_age_years"] if level == "studies" else []
    others = [name for name in _held_against(schema, level) if name not in parents]
    values, spread = agreed_values(rows, keys, [*parents, *carried, *others, *extra])
    counts = rows.group_by(keys, maintain_order=True).agg(_counts(level, schema))
    must_agree = [*_must_agree(schema, level, keys, parents), *others]
    frame = pl.concat([values.drop(others), counts.drop(keys)], how="horizontal")
    frame = frame.with_columns(differing_names(spread, must_agree).alias("inconsistent_attributes"))
    if level == "series":
        may_differ = [name for name in carried if name not in must_agree and name not in keys]
        frame = frame.with_columns(differing_names(spread, may_differ).alias("varying_attributes"))
    if level == "studies":
        frame = frame.with_columns(
            study_datetime=pl.col("StudyDate").dt.combine(pl.col("StudyTime").str.to_time("%H:%M:%S%.f", strict=False), "us")
        )
    return RolledUp(frame, _findings(frame, schema, level))


def _counts(level: str, schema: LakeSchema) -> Sequence[pl.Expr]:
    instances = pl.col(WEIGHT).sum()
    total_size = pl.col("file_size").sum().alias("total_file_size")
    if level == "series":
        ranges = [
            expression
            for column in schema.ranged()
            for expression in (
                pl.col(column.name).min().alias(f"{column.name}_min"),
                pl.col(column.name).max().alias(f"{column.name}_max"),
            )
        ]
        return [
            instances.alias("NumberOfSeriesRelatedInstances"),
            _distinct("SOPClassUID").alias("sop_classes"),
            _distinct("TransferSyntaxUID").alias("transfer_syntaxes"),
            pl.col("NumberOfFrames").fill_null(1).sum().alias("number_of_frames"),
            total_size,
            pl.col("acquisition_datetime").min().alias("first_acquisition_datetime"),
            pl.col("acquisition_datetime").max().alias("last_acquisition_datetime"),
            *ranges,
        ]
    if level == "studies":
        return [
            pl.col("SeriesInstanceUID").n_unique().cast(pl.Int64).alias("NumberOfStudyRelatedSeries"),
            instances.alias("NumberOfStudyRelatedInstances"),
            _distinct("Modality").alias("ModalitiesInStudy"),
            _distinct("SOPClassUID").alias("SOPClassesInStudy"),
            total_size,
        ]
    return [
        pl.col("StudyInstanceUID").n_unique().cast(pl.Int64).alias("NumberOfPatientRelatedStudies"),
        pl.struct("StudyInstanceUID", "SeriesInstanceUID").n_unique().cast(pl.Int64).alias("NumberOfPatientRelatedSeries"),
        instances.alias("NumberOfPatientRelatedInstances"),
        _distinct("Modality").alias("modalities"),
        total_size,
        pl.col("StudyDate").min().alias("first_study_date"),
        pl.col("StudyDate").max().alias("last_study_date"),
    ]


def _distinct(name: str) -> pl.Expr:
    return pl.col(name).drop_nulls().unique().sort()


def _held_against(schema: LakeSchema, level: str) -> list[str]:
    """Attributes that a level does not carry, and that must not differ inside it: those of the patient inside a study."""
    return [column.name for column in schema.rolled_up("patients")] if level == "studies" else []


def _must_agree(schema: LakeSchema, level: str, keys: Sequence[str], parents: Sequence[str]) -> list[str]:
    if level != "series":
        names = [column.name for column in schema.rolled_up(level)]
        return [name for name in [*names, *parents] if name not in keys]
    strict = [column.name for column in schema.rolled_up("series") if column.group in ("series", "equipment")]
    return [name for name in [*strict, *parents] if name not in keys]


def _findings(frame: pl.DataFrame, schema: LakeSchema, level: str) -> pl.DataFrame:
    columns: dict[str, Column] = {column.name: column for column in schema.columns}
    tags = {name: column.path.leaf.tag_text() for name, column in columns.items()}
    entity = NAME_OF_LEVEL[level]
    present = [name for name in _ENTITY_KEYS if name in frame.columns]
    return (
        frame.filter(pl.col("inconsistent_attributes").is_not_null())
        .select(*present, element_path="inconsistent_attributes")
        .explode("element_path")
        .with_columns(
            level=pl.lit(entity),
            code=pl.lit(FindingCode.INCONSISTENT_ATTRIBUTE.value),
            tag=pl.col("element_path").replace_strict(tags, default=None, return_dtype=pl.String),
            message=pl.format("{} differs between the instances of one " + entity, pl.col("element_path")),
        )
    )
