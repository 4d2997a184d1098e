"""Columns such as users add: private ones by creator, paths through items, lists, every type."""

from __future__ import annotations

from dicomlake.schema import Column, LakeSchema
from dicomlake.schema.columns import standard_columns, user_column

COLUMNS: tuple[Column, ...] = (
    user_column("(0019,xx0C)[SIEMENS MR HEADER]", name="b_value", vr="IS"),
    user_column("(0019,xx0E)[SIEMENS MR HEADER]", name="gradient", vr="FD", type_name="list<float64>"),
    user_column("(0019,xx01)[ACME 1.1]", name="acme_bool", vr="CS", type_name="bool"),
    user_column("(0019,xx02)[ACME 1.1]", name="acme_bools", vr="CS", type_name="list<bool>"),
    user_column("(0029,xx10)[ACME 1.1][*].(0019,xx03)[ACME 1.1]", name="acme_nested", vr="LO"),
    user_column("(0029,xx10)[ACME 1.1][1].PatientComments", name="acme_comments", vr="LT", type_name="list<string>"),
    user_column("(2001,xx5F)[Philips MR Imaging DD 001][*].(2001,xx2D)[Philips MR Imaging DD 001]", name="slices", vr="SS"),
    user_column("(0009,0010)", name="reserved_0009", vr="LO"),
    user_column("OtherPatientIDsSequence[*].PatientID", name="other_ids"),
    user_column("OtherPatientIDsSequence[1].PatientID", name="other_id"),
    user_column("ReferencedSeriesSequence[*].ReferencedInstanceSequence[1].ReferencedSOPInstanceUID", name="referenced"),
    user_column(
        "ReferencedSeriesSequence[2].ReferencedInstanceSequence[*].ReferencedFrameNumber",
        name="referenced_frames",
        type_name="list<string>",
    ),
    user_column("SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing", name="spacing"),
    user_column("PerFrameFunctionalGroupsSequence[*].FrameContentSequence[0].FrameAcquisitionDateTime", name="frame_times"),
    user_column(
        "PerFrameFunctionalGroupsSequence[*].PlanePositionSequence[0].ImagePositionPatient", name="positions", type_name="list<string>"
    ),
    user_column("SmallestImagePixelValue", name="smallest"),
    user_column("LargestImagePixelValue", name="largest_text", type_name="string"),
    user_column("StudyDate", name="study_dates", type_name="list<date32>"),
    user_column("StudyTime", name="study_times", type_name="list<time>"),
    user_column("AcquisitionDateTime", name="moment_utc", type_name="timestamp[us, UTC]"),
    user_column("AcquisitionDateTime", name="moment_date", type_name="date32"),
    user_column("AcquisitionDateTime", name="moments", type_name="list<timestamp[us]>"),
    user_column("PatientID", name="patient_number", type_name="int64"),
    user_column("PatientName", name="names", type_name="list<string>"),
    user_column("PatientBirthTime", name="birth_time_text", type_name="string"),
    user_column("BurnedInAnnotation", name="burned_in", type_name="bool"),
    user_column("WindowCenter", name="centers", type_name="list<int32>"),
    user_column("WindowWidth", name="width_bool", type_name="bool"),
    user_column("FrameIncrementPointer", name="pointer"),
    user_column("RedPaletteColorLookupTableData", name="red_lut"),
    user_column("RedPaletteColorLookupTableDescriptor", name="red_descriptor", type_name="list<int64>"),
    user_column("(6000,3000)", name="overlay"),
    user_column("(6002,0010)", name="overlay_rows", vr="US", type_name="float64"),
    user_column("EncapsulatedDocument", name="document"),
    user_column("SelectorUVValue", name="selector_uv"),
    user_column("SelectorSVValue", name="selector_sv"),
    user_column("SelectorODValue", name="selector_od"),
    user_column("SelectorURValue", name="selector_ur", type_name="list<string>"),
    user_column("SelectorUCValue", name="selector_uc"),
    user_column("SpecificCharacterSet", name="character_set_text", type_name="string"),
    user_column("PatientAge", name="age_text", type_name="list<string>"),
    user_column("PixelRepresentation", name="sign_bool", type_name="bool"),
    user_column("MediaStorageSOPClassUID", name="meta_class", type_name="list<string>"),
)
"""Some of them share an element with each other, or with a standard column."""

SCHEMA = LakeSchema.build(COLUMNS, partition_by="BodyPartExamined")
"""The standard columns and these, partitioned by another one than usual."""

MADE_COLUMNS: tuple[Column, ...] = (*standard_columns()[:230], *COLUMNS)
"""The columns that files made at random are made for. They are always the same, so that a seed makes the same files."""
