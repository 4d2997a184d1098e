"""Ready questions on the special studies: they have the values that were planted, and no column is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomlake import Lake
from dicomlake.answers.questions import questions
from dicomlake.samples import write_sample, write_special
from tests.special import lake_of, rows_of

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake of the special studies."""
    folder = tmp_path_factory.mktemp("special")
    write_special(folder / "archive")
    return lake_of(folder / "archive", folder / "lake")


_PLANTED: dict[str, tuple[str, Rows]] = {
    "ann_group_index": (
        "annotated-slide",
        [
            {"AnnotationGroupLabel": "nuclei", "AnnotationPropertyType_CodeMeaning": "Nucleus", "AlgorithmName": "SyntheticNuclei"},
            {"AnnotationGroupLabel": "tumor", "AnnotationPropertyType_code": "108369006", "NumberOfAnnotations": 1},
        ],
    ),
    "ann_index": ("annotated-slide", [{"AnnotationCoordinateType": "2D"}]),
    "contrast_index": (
        "contrast",
        [{"ContrastBolusAgent": ["Iohexol"], "ContrastBolusIngredient": ["IODINE"], "ContrastBolusRoute": ["IV"]}],
    ),
    "ct_index": ("tilted-gantry", [{"GantryDetectorTilt": 15.0, "XRayTubeCurrent_max": 220.0, "ConvolutionKernel": ["Br40f", "3"]}]),
    "idc_index": ("contrast", [{"Modality": "CT", "instanceCount": 6, "sop_class_name": "CT Image Storage", "SeriesNumber": "1"}]),
    "mr_index": ("diffusion", [{"DiffusionBValue": [0.0, 1000.0], "EchoTime": [96.0], "ScanningSequence": ["EP"]}]),
    "pt_index": ("radiopharmaceutical", [{"RadionuclideTotalDose": 350000000.0, "SeriesType": "WHOLE BODY\\IMAGE", "NumberOfSlices": 6}]),
    "rtstruct_index": ("radiotherapy", [{"ROINames": ["Liver", "Left lung", "Lesion"], "RTROIInterpretedTypes": ["GTV", "ORGAN"]}]),
    "seg_index": ("sourced-segmentation", [{"total_segments": 3, "AnatomicRegion_CodeMeanings": ["Lung"], "SegmentationType": "BINARY"}]),
    "sm_index": (
        "stained-slide",
        [
            {
                "embeddingMedium_CodeMeaning": ["Paraffin wax"],
                "tissueFixative_code_designator_value_str": ["SCT:431510009"],
                "staining_usingSubstance_CodeMeaning": ["hematoxylin stain", "water soluble eosin stain"],
                "primaryAnatomicStructureModifier_CodeMeaning": "Left",
                "admittingDiagnosis_code_designator_value_str": "SCT:254837009",
                "ObjectiveLensPower": 20,
            }
        ],
    ),
    "sm_instance_index": ("stained-slide", [{"tissueFixative_CodeMeaning": ["Formalin"]}] * 5),
    "volume_geometry_index": ("tilted-gantry", [{"consistent_in_plane_col": False, "regularly_spaced_3d_volume": False}]),
}
"""Of each ready question a kind of study, and values of its rows."""


@pytest.mark.parametrize("name", questions())
def test_ready_questions_have_what_was_planted(lake: Lake, name: str) -> None:
    """The rows of a study of that kind, with the values that were planted."""
    kind, expected = _PLANTED[name]
    series = [uid for (uid,) in rows_of(lake, "series", kind, "SeriesInstanceUID", "1")]
    rows = [row for row in lake.sql(f"@{name}").collect().to_dicts() if row["SeriesInstanceUID"] in series]
    assert [{key: row[key] for key in wanted} for row, wanted in zip(rows, expected, strict=True)] == expected


def test_every_column_of_the_ready_questions_is_filled(lake: Lake, tmp_path: Path) -> None:
    """Each has a value for a special study or for the sample; none is excused."""
    write_sample(tmp_path / "sample")
    sample = lake_of(tmp_path / "sample", tmp_path / "lake")
    empty = []
    for name in questions():
        answers = [one.sql(f"@{name}").collect() for one in (lake, sample)]
        empty += [f"{name}.{column}" for column in answers[0].columns if all(answer[column].is_null().all() for answer in answers)]
    assert empty == []
