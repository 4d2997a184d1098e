"""The lake of the special studies: everything that was planted in them is found, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicomlake import Lake
from dicomlake.samples import SPECIAL_KINDS, Manifest, write_special
from tests.special import ask, lake_of, rows_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the archive and its lake."""
    return tmp_path_factory.mktemp("special")


@pytest.fixture(scope="module")
def manifest(folder: Path) -> Manifest:
    """What was planted."""
    return write_special(folder / "archive")


@pytest.fixture(scope="module")
def lake(folder: Path, manifest: Manifest) -> Lake:
    """The lake of the special studies."""
    assert manifest.defects
    return lake_of(folder / "archive", folder / "lake")


def test_findings_are_those_of_the_manifest(lake: Lake, manifest: Manifest) -> None:
    """Each study has the findings that its kind promises, of the level that it promises, and no study has another."""
    expected = {(f"Special {defect.kind}", code, defect.level) for defect in manifest.defects for code in defect.finding_codes}
    assert {code for _, code, _ in expected} == {"irregular-geometry", "dangling-reference"}
    found = ask(lake, "select distinct StudyDescription, code, level from findings left join studies using (study_key)")
    assert set(found) == expected


@pytest.mark.parametrize(
    ("kind", "stacks"),
    [
        ("missing-slice", [(9, 9, 1, False, True, False, False)]),
        ("doubled-slice", [(11, 10, 0, False, False, False, False)]),
        ("enhanced-gap", [(9, 9, 1, False, True, False, False)]),
        ("tilted-gantry", [(10, 10, 0, True, True, True, False)]),
        (
            "localizer-in-series",
            [(10, 10, 0, False, True, True, True), (1, 1, None, False, True, None, False), (1, 1, None, False, True, None, False)],
        ),
        ("two-echoes", [(10, 10, 0, False, True, True, True)] * 2),
        ("diffusion", [(10, 10, 0, False, True, True, True)] * 3),
    ],
)
def test_stacks(lake: Lake, kind: str, stacks: list[tuple[Any, ...]]) -> None:
    """Slices, positions, empty positions, shear, and three verdicts of each stack."""
    columns = (
        "slice_count, position_count, missing_slices, gantry_tilt_sheared, unique_slice_positions, uniform_slice_spacing, "
        "regularly_spaced_3d_volume"
    )
    assert rows_of(lake, "stacks", kind, columns, "stack") == stacks


@pytest.mark.parametrize(
    ("kind", "told_apart_by", "count", "is_volume"),
    [
        ("localizer-in-series", ["Columns", "ImageOrientationPatient", "ImageType"], 3, True),
        ("two-echoes", ["EchoTime"], 2, True),
        ("diffusion", ["DiffusionBValue", "DiffusionGradientOrientation"], 3, True),
        ("missing-slice", None, 1, False),
    ],
)
def test_stacks_are_told_apart(lake: Lake, kind: str, told_apart_by: list[str] | None, count: int, *, is_volume: bool) -> None:
    """By what was planted; the verdict of the series leaves localizers out."""
    assert rows_of(lake, "stacks", kind, "told_apart_by", "stack") == [(told_apart_by,)] * count
    assert rows_of(lake, "series", kind, "stack_count, regularly_spaced_3d_volume", "series_key") == [(count, is_volume)]


def test_slices_know_their_stack(lake: Lake) -> None:
    """The two echoes lie in stacks of their own, and so do b-values and directions."""
    assert rows_of(lake, "instances", "two-echoes", "distinct stack, EchoTime", "stack") == [(1, 96.0), (2, 192.0)]
    assert rows_of(lake, "instances", "diffusion", "distinct stack, DiffusionBValue, DiffusionGradientOrientation", "stack") == [
        (1, 0.0, None),
        (2, 1000.0, [0.0, 0.6, 0.8]),
        (3, 1000.0, [1.0, 0.0, 0.0]),
    ]
    assert rows_of(lake, "instances", "localizer-in-series", "distinct stack, ImageType[3] = 'LOCALIZER'", "stack") == [
        (1, False),
        (2, True),
        (3, True),
    ]


def test_frames_of_the_enhanced_ct(lake: Lake) -> None:
    """Nine frames stand where ten would make a volume; each knows its stack and its bytes."""
    rows = rows_of(lake, "frames", "enhanced-gap", "frame_number, stack, ImagePositionPatient[3], frame_length", "frame_number")
    heights = [-100.0 + 2.5 * index for index in range(10) if index != 4]
    assert rows == [(number, 1, height, 128) for number, height in enumerate(heights, 1)]


def test_what_the_findings_say(lake: Lake) -> None:
    """A finding tells the reason, and names the slices beside the gap or at fault; there is one for each relation."""
    found = ask(lake, "select StudyDescription, message from findings join studies using (study_key) order by all")
    assert found == [
        ("Special dangling-segmentation", "10 objects that the series refers to (segmented-image) are not in the lake"),
        ("Special dangling-segmentation", "10 objects that the series refers to (source-image) are not in the lake"),
        ("Special doubled-slice", "stack 1 of 11 slices can't be a volume: 1 slice repeats a position: InstanceNumber 11"),
        ("Special enhanced-gap", "stack 1 of 9 slices can't be a volume: 1 slice is missing, next to frame 4 (InstanceNumber 1)"),
        ("Special missing-slice", "stack 1 of 9 slices can't be a volume: 1 slice is missing, next to InstanceNumber 4"),
        ("Special tilted-gantry", "stack 1 of 10 slices can't be a volume: slices are sheared evenly, as by a tilted gantry"),
    ]


def test_references(lake: Lake) -> None:
    """The targets of one segmentation are not there; all others are."""
    found = ask(
        lake,
        "select StudyDescription, relation, count(*) from instance_references join studies using (study_key) where not in_lake "
        "group by all order by all",
    )
    assert found == [
        ("Special dangling-segmentation", "segmented-image", 10),
        ("Special dangling-segmentation", "source-image", 10),
    ]
    relations = rows_of(lake, "instance_references", "radiotherapy", "distinct relation, in_lake", "relation")
    assert relations == [
        ("other", True),
        ("referenced-plan", True),
        ("referenced-structure-set", True),
        ("structure-set-image", True),
    ]


def test_segments(lake: Lake) -> None:
    """Segments, regions and annotation groups, with what was planted of each."""
    columns = "label, algorithm_type, algorithm_name, type_meaning, anatomic_region_meaning, frames"
    assert rows_of(lake, "segments", "sourced-segmentation", columns, "segment_number") == [
        ("Liver", "AUTOMATIC", "SyntheticNet", "Liver", None, 10),
        ("Left lung", "AUTOMATIC", "SyntheticNet", "Left lung", None, 10),
        ("Lesion", "MANUAL", None, "Lesion", "Lung", 10),
    ]
    assert rows_of(lake, "segments", "radiotherapy", "label, interpreted_type, contours, recommended_cielab", "segment_number") == [
        ("Liver", "ORGAN", 2, [255, 80, 0]),
        ("Left lung", "ORGAN", 2, [255, 160, 0]),
        ("Lesion", "GTV", 2, [255, 240, 0]),
    ]
    assert rows_of(lake, "segments", "annotated-slide", "label, type_meaning, graphic_type, contours", "segment_number") == [
        ("nuclei", "Nucleus", "POINT", 3),
        ("tumor", "Neoplasm", "POLYGON", 1),
    ]


@pytest.mark.parametrize(
    ("kind", "concepts", "expected"),
    [
        (
            "dose-report",
            ("Acquisition Protocol", "Mean CTDIvol", "DLP"),
            [
                ("1.8.1", "Acquisition Protocol", "Topogram", None, None),
                ("1.8.6.1", "Mean CTDIvol", "0.14 mGy", 0.14, "mGy"),
                ("1.8.6.3", "DLP", "6.90 mGy.cm", 6.9, "mGy.cm"),
                ("1.9.1", "Acquisition Protocol", "Chest 1.5", None, None),
                ("1.9.6.1", "Mean CTDIvol", "7.25 mGy", 7.25, "mGy"),
                ("1.9.6.3", "DLP", "251.60 mGy.cm", 251.6, "mGy.cm"),
            ],
        ),
        (
            "fluoroscopy-dose-report",
            ("Dose Area Product", "Dose (RP)"),
            [
                ("1.8.5", "Dose Area Product", "0.00012 Gy.m2", 0.00012, "Gy.m2"),
                ("1.8.6", "Dose (RP)", "0.0092 Gy", 0.0092, "Gy"),
                ("1.9.5", "Dose Area Product", "0.0003 Gy.m2", 0.0003, "Gy.m2"),
                ("1.9.6", "Dose (RP)", "0.022 Gy", 0.022, "Gy"),
            ],
        ),
        (
            "measurement-report",
            ("Finding", "Finding Site", "Laterality", "Volume", "Long Axis"),
            [
                ("1.6.1.3", "Finding", "Mass", None, None),
                ("1.6.1.4", "Finding Site", "Lung", None, None),
                ("1.6.1.4.1", "Laterality", "Right", None, None),
                ("1.6.1.5", "Volume", "1240.5 mm3", 1240.5, "mm3"),
                ("1.6.1.6", "Long Axis", "14.2 mm", 14.2, "mm"),
                ("1.6.2.3", "Finding", "Nodule", None, None),
                ("1.6.2.4", "Finding Site", "Lung", None, None),
                ("1.6.2.4.1", "Laterality", "Left", None, None),
                ("1.6.2.5", "Volume", "96 mm3", 96.0, "mm3"),
                ("1.6.2.6", "Long Axis", "5.8 mm", 5.8, "mm"),
            ],
        ),
    ],
)
def test_reports(lake: Lake, kind: str, concepts: tuple[str, ...], expected: list[tuple[Any, ...]]) -> None:
    """Each number stands at its place in the tree, with its unit."""
    rows = rows_of(lake, "content_items", kind, "position, concept_meaning, value, NumericValue, unit_code", "item_number")
    assert [row for row in rows if row[1] in concepts] == expected


def test_items_know_their_parents(lake: Lake) -> None:
    """In each report every item but the root has a parent that stands before it, one level up, and whose position begins its own."""
    orphans = ask(
        lake,
        """
        select child.item_number from content_items child
        left join content_items parent on parent.SOPInstanceUID = child.SOPInstanceUID and parent.item_number = child.parent_number
        where child.element_path = 'ContentSequence' and child.item_number > 1 and not coalesce(
            parent.item_number < child.item_number and parent.depth = child.depth - 1
            and starts_with(child.position, parent.position || '.'), false)
        """,
    )
    assert orphans == []
    reports = ask(lake, "select count(distinct SOPInstanceUID) from content_items where element_path = 'ContentSequence'")
    assert reports == [(3,)]


def test_preparation_of_the_slide(lake: Lake) -> None:
    """The four steps of each image of the slide."""
    columns = "distinct concept_meaning, value"
    rows = rows_of(lake, "content_items", "stained-slide", columns, "concept_meaning, value")
    assert rows == [
        ("Embedding medium", "Paraffin wax"),
        ("Processing type", "Specimen collection"),
        ("Processing type", "Specimen processing"),
        ("Processing type", "Staining"),
        ("Specimen Identifier", "SYN-SLIDE-1-A"),
        ("Specimen Identifier", "SYN-SLIDE-1-B"),
        ("Specimen collection", "Excision"),
        ("Tissue Fixative", "Formalin"),
        ("Using substance", "hematoxylin stain"),
        ("Using substance", "water soluble eosin stain"),
    ]


def test_each_kind_is_one_study(lake: Lake) -> None:
    """No study is lost, and each file was read whole."""
    assert ask(lake, "select count(*) from studies") == [(len(SPECIAL_KINDS),)]
    assert ask(lake, "select status, code, count(*) from files where not ends_with(url, 'manifest.json') group by all") == [
        ("indexed", None, ask(lake, "select count(*) from instances")[0][0])
    ]
