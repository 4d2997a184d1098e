"""Rows of `series`, `studies` and `patients` from rows of `instances`."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dicomlake.errors import FindingCode
from dicomlake.rollup.agree import WEIGHT, agreed_values, differing_names
from dicomlake.rollup.functional_groups import OF_FRAMES
from dicomlake.schema import LakeSchema

_ENTITY_KEYS = ("patient_key", "study_key", "series_key", "PatientID", "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True)
class RolledUp:
    """The rows of a level (``snapshot`` aside), and the `findings` of those entities."""

    rows: pl.DataFrame
    findings: pl.DataFrame


def columns_needed(schema: LakeSchema, level: str) -> list[str]:
    """The columns of `instances` from which a level is rolled up."""
    own = {
        "series": ["url", "study_key", "TransferSyntaxUID", "NumberOfFrames", "file_size", "acquisition_datetime", "SOPClassUID"],
        "studies": ["series_key", "Modality", "SOPClassUID", "file_size", "StudyDate", "StudyTime", "patient_age_years"],
        "patients": ["study_key", "series_key", "Modality", "StudyDate", "file_size"],
    }[level]
    key = schema.declaration(level).key
    return list(
        dict.fromkeys([*key, "patient_key", *_parents(schema, level), *_carried(schema, level), *_held_against(schema, level), *own])
    )


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
        rows: ``columns_needed`` of **every** instance of some entities, condensed; of series those of their frames too
            (`dicomlake.rollup.functional_groups`).
        schema: the lake's schema.
        level: ``series``, ``studies`` or ``patients``.
    """
    (key,) = schema.declaration(level).key
    carried, parents = _carried(schema, level), _parents(schema, level)
    extra = ["patient_age_years"] if level == "studies" else []
    others = [name for name in _held_against(schema, level) if name not in parents]
    parent = [] if key == "patient_key" else ["patient_key"]
    instances = rows.filter(~pl.col(OF_FRAMES)) if OF_FRAMES in rows.columns else rows
    looked_at = dict.fromkeys([*parents, *carried, *others, *extra, *parent, *(column for column, _, _ in _of_columns(level, schema))])
    values, spread = agreed_values(rows, [key], list(looked_at))
    differing = set(spread.columns) - {key}
    must_agree = [*_must_agree(schema, level), *others]
    frame = pl.concat(
        [values.select(key, *parents, *carried, *extra), *_counts(rows, instances, values, differing, level, schema)], how="horizontal"
    )
    if parent and differing.isdisjoint(parent):
        frame = frame.with_columns(values["patient_key"])
    elif parent:
        frame = frame.join(_patient_keys(instances, values, key), on=key, how="left", maintain_order="left")
    frame = frame.with_columns(differing_names(spread, must_agree).alias("inconsistent_attributes"))
    if level == "series":
        may_differ = [name for name in carried if name not in must_agree]
        frame = frame.with_columns(differing_names(spread, may_differ).alias("varying_attributes"))
    if level == "studies":
        frame = frame.with_columns(
            study_datetime=pl.col("StudyDate").dt.combine(pl.col("StudyTime").str.to_time("%H:%M:%S%.f", strict=False), "us")
        )
    return RolledUp(frame, _findings(frame, schema, level))


def _counts(
    rows: pl.DataFrame, instances: pl.DataFrame, values: pl.DataFrame, differing: set[str], level: str, schema: LakeSchema
) -> list[pl.DataFrame]:
    """The columns of a level that count or sum up its instances, in the order of ``values``.

    A column that differs in no group needs no counting: the agreed value is the only one that a group has.
    """
    (key,) = schema.declaration(level).key
    expressions = _aggregates(level, schema)
    grouped, single = [], []
    for column, kind, name in _of_columns(level, schema):
        if column in differing:
            one = pl.col(column)
            grouped.append((_distinct(column) if kind == "distinct" else one.min() if kind == "min" else one.max()).alias(name))
        else:
            single.append((pl.concat_list(column).list.drop_nulls() if kind == "distinct" else pl.col(column)).alias(name))
    counted = instances.group_by(key, maintain_order=True).agg(*expressions).drop(key)
    ranges = rows.group_by(key, maintain_order=True).agg(*grouped).drop(key) if grouped else values.select([])
    return [counted, ranges, values.select(single)]


def _of_columns(level: str, schema: LakeSchema) -> list[tuple[str, str, str]]:
    """Columns of instances of which a level keeps the distinct values, the least or the greatest one, and the name under which it does."""
    if level == "studies":
        return [("Modality", "distinct", "ModalitiesInStudy"), ("SOPClassUID", "distinct", "SOPClassesInStudy")]
    if level == "patients":
        return [("Modality", "distinct", "modalities")]
    ranged = [column.name for column in schema.declaration("series").ranged(schema.columns)]
    return [
        ("SOPClassUID", "distinct", "sop_classes"),
        ("TransferSyntaxUID", "distinct", "transfer_syntaxes"),
        *((name, kind, f"{name}_{kind}") for name in ranged for kind in ("min", "max")),
    ]


def _aggregates(level: str, schema: LakeSchema) -> list[pl.Expr]:
    entity = schema.declaration(level).entity
    counts = [
        pl.col(WEIGHT).sum().alias(entity.instance_count if entity is not None else ""),
        pl.col("file_size").sum().alias("total_file_size"),
    ]
    if level == "series":
        return [
            *counts,
            pl.col("study_key").first(),
            pl.col("NumberOfFrames").fill_null(1).sum().alias("number_of_frames"),
            pl.col("acquisition_datetime").min().alias("first_acquisition_datetime"),
            pl.col("acquisition_datetime").max().alias("last_acquisition_datetime"),
        ]
    if level == "studies":
        return [*counts, pl.col("series_key").n_unique().cast(pl.Int64).alias("NumberOfStudyRelatedSeries")]
    return [
        *counts,
        pl.col("study_key").n_unique().cast(pl.Int64).alias("NumberOfPatientRelatedStudies"),
        pl.col("series_key").n_unique().cast(pl.Int64).alias("NumberOfPatientRelatedSeries"),
        pl.col("StudyDate").min().alias("first_study_date"),
        pl.col("StudyDate").max().alias("last_study_date"),
    ]


def _distinct(name: str) -> pl.Expr:
    return pl.col(name).drop_nulls().unique().sort()


def _patient_keys(rows: pl.DataFrame, values: pl.DataFrame, key: str) -> pl.DataFrame:
    """The patient of each entity: of its agreed PatientID and issuer where an instance has both, else that of most instances.

    The smallest key is chosen where there is a tie.
    """
    pair = ("PatientID", "IssuerOfPatientID")
    candidates = rows.group_by(key, "patient_key").agg(pl.col(WEIGHT).sum(), pl.col(pair).first())
    agreed = candidates.join(values.select(key, *pair), on=key, how="left", suffix="_agreed")
    is_agreed = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_agreed")) for name in pair)
    ordered = agreed.sort(is_agreed, pl.col(WEIGHT), "patient_key", descending=[True, True, False])
    return ordered.group_by(key, maintain_order=True).agg(pl.col("patient_key").first())


def _carried(schema: LakeSchema, level: str) -> list[str]:
    return [column.name for column in schema.declaration(level).carried(schema.columns)]


def _parents(schema: LakeSchema, level: str) -> list[str]:
    """The DICOM keys of a level's parents."""
    return schema.declaration(level).parents(schema.columns)


def _held_against(schema: LakeSchema, level: str) -> list[str]:
    """Attributes that a level does not carry, and that must not differ inside it: those of the patient inside a study."""
    return _carried(schema, "patients") if level == "studies" else []


def _must_agree(schema: LakeSchema, level: str) -> list[str]:
    carried = schema.declaration(level).carried(schema.columns)
    strict = [column.name for column in carried if level != "series" or column.group in ("series", "equipment")]
    return [*strict, *_parents(schema, level)]


def _findings(frame: pl.DataFrame, schema: LakeSchema, level: str) -> pl.DataFrame:
    named = set(frame["inconsistent_attributes"].drop_nulls().explode())
    tags = {column.name: column.path.leaf.tag_text() for column in schema.columns if column.name in named}
    entity = schema.declaration(level).entity
    name = entity.level if entity is not None else level
    present = [name for name in _ENTITY_KEYS if name in frame.columns]
    return (
        frame.filter(pl.col("inconsistent_attributes").is_not_null())
        .select(*present, element_path="inconsistent_attributes")
        .explode("element_path")
        .with_columns(
            level=pl.lit(name),
            code=pl.lit(FindingCode.INCONSISTENT_ATTRIBUTE.value),
            tag=pl.col("element_path").replace_strict(tags, default=None, return_dtype=pl.String),
            message=pl.format("{} differs between the instances of one " + name, pl.col("element_path")),
        )
    )
