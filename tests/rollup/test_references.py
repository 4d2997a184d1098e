"""Which references are judged, and the level of their targets."""

from __future__ import annotations

import polars as pl
import pytest

from dicomlake.rollup.references import TARGET_COLUMNS, is_judged, target_level

CT, STUDY, STEP = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.3.1.2.3.1", "1.2.840.10008.3.1.2.3.3"


@pytest.mark.parametrize(
    ("sop_class", "path", "relation", "judged", "level"),
    [
        (CT, "SourceImageSequence", "source-image", True, "instance"),
        (None, "SourceImageSequence", "source-image", True, "instance"),
        (STUDY, "ReferencedStudySequence", "other", True, "study"),
        (None, "ReferencedStudySequence", "other", True, "study"),
        (None, "ReferencedFrameOfReferenceSequence.RTReferencedStudySequence", "other", True, "study"),
        (None, "ReferencedPatientSequence", "other", False, "instance"),
        (None, "A.ReferencedVisitSequence", "other", False, "instance"),
        (CT, "ReferencedPatientSequence", "other", True, "instance"),
        (STEP, "ReferencedPerformedProcedureStepSequence", "performed-procedure-step", False, "instance"),
        (None, "ReferencedPerformedProcedureStepSequence", "performed-procedure-step", False, "instance"),
    ],
)
def test_kinds_of_targets(sop_class: str | None, path: str, relation: str, *, judged: bool, level: str) -> None:
    """By the SOP class; where it is missing, by the sequence."""
    row = dict(zip(TARGET_COLUMNS, (sop_class, "1.5", None, None, path), strict=True)) | {"relation": relation}
    frame = pl.DataFrame([row], schema=dict.fromkeys(row, pl.String))
    assert frame.select(judged=is_judged(), level=target_level().cast(pl.String)).row(0) == (judged, level)
