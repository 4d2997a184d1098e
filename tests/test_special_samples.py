"""Each special study holds what its kind says, and the same bytes every time."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomlake.errors import ConfigurationError
from dicomlake.samples import MANIFEST_NAME, SPECIAL_KINDS, Manifest, write_sample, write_special
from tests.engine.oracle.content_items import content_items
from tests.engine.oracle.frames import frames
from tests.engine.oracle.segments import segments


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every special study, each in a folder of its own; a value that pydicom finds wrong is an error."""
    folder = tmp_path_factory.mktemp("special")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in SPECIAL_KINDS:
            write_special(folder / kind, [kind])
    return folder


def headers(root: Path, kind: str) -> list[Dataset]:
    """The headers of the files of a kind, in the order of their paths."""
    return [dcmread(path, stop_before_pixels=True) for path in sorted((root / kind).rglob("*.dcm"))]


def heights(datasets: list[Dataset]) -> list[float]:
    """The z of each position."""
    return [float(dataset.ImagePositionPatient[2]) for dataset in datasets]


def steps(places: list[float]) -> Counter[float]:
    """How often places that follow each other are so far apart."""
    return Counter(round(other - one, 3) for one, other in pairwise(sorted(places)))


def test_together_as_alone(root: Path, tmp_path: Path) -> None:
    """All kinds at once are the same files; the manifest lists them, with an entry for each kind, and none is an ordinary sample's."""
    manifest = write_special(tmp_path / "all")
    together = {path.relative_to(tmp_path / "all"): path.read_bytes() for path in (tmp_path / "all").rglob("*.dcm")}
    alone = {path.relative_to(root / kind): path.read_bytes() for kind in SPECIAL_KINDS for path in (root / kind).rglob("*.dcm")}
    assert together == alone
    assert [defect.kind for defect in manifest.defects] == list(SPECIAL_KINDS)
    assert {file.path for file in manifest.files} == {MANIFEST_NAME, *(path.as_posix() for path in together)}
    assert json.loads((tmp_path / "all" / MANIFEST_NAME).read_text("utf-8"))["counts"]["instances"] == len(together)
    assert sum(map(len, together.values())) < 1_000_000
    for defect in manifest.defects:
        assert (tmp_path / "all" / defect.path).is_dir()
    assert not _identifiers(manifest) & _identifiers(write_sample(tmp_path / "sample"))
    assert not _identifiers(manifest) & _identifiers(write_special(tmp_path / "other", seed=1))


def _identifiers(manifest: Manifest) -> set[str]:
    names = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
    return {getattr(instance, name) for instance in manifest.instances for name in names}


def test_unknown_kind(tmp_path: Path) -> None:
    """A kind that is not known is named, with those that are."""
    with pytest.raises(ConfigurationError, match="there is no special study 'haunted'; use one of missing-slice, "):
        write_special(tmp_path / "nothing", ["haunted"])
    assert not (tmp_path / "nothing").exists()


def test_missing_and_doubled_slice(root: Path) -> None:
    """One step is twice as long; one position is there twice."""
    assert steps(heights(headers(root, "missing-slice"))) == {2.5: 7, 5.0: 1}
    assert steps(heights(headers(root, "doubled-slice"))) == {2.5: 9, 0.0: 1}


def test_localizers(root: Path) -> None:
    """Two views of other orientation and matrix stand before ten axial slices, in one series."""
    views = headers(root, "localizer-in-series")
    assert len({view.SeriesInstanceUID for view in views}) == 1
    assert [view.ImageType[2] for view in views] == ["LOCALIZER"] * 2 + ["AXIAL"] * 10
    assert len({tuple(view.ImageOrientationPatient) for view in views}) == 3
    assert sorted({(view.Rows, view.Columns) for view in views}) == [(8, 8), (8, 16)]
    assert len({view.SOPInstanceUID for view in views}) == 12


def test_echoes(root: Path) -> None:
    """Each of ten positions has an image of both echo times."""
    images = headers(root, "two-echoes")
    assert Counter(float(image.EchoTime) for image in images) == {96.0: 10, 192.0: 10}
    assert steps(heights(images)) == {2.5: 9, 0.0: 10}
    assert len({image.SOPInstanceUID for image in images}) == len({int(image.InstanceNumber) for image in images}) == 20


def test_diffusion(root: Path) -> None:
    """Each of ten positions has an image without a gradient, and one of each direction."""
    images = headers(root, "diffusion")
    told = Counter((image.DiffusionBValue, tuple(image.get("DiffusionGradientOrientation", ()))) for image in images)
    assert told == {(0.0, ()): 10, (1000.0, (1.0, 0.0, 0.0)): 10, (1000.0, (0.0, 0.6, 0.8)): 10}
    assert steps(heights(images)) == {2.5: 9, 0.0: 20}
    assert len({image.SOPInstanceUID for image in images}) == len({int(image.InstanceNumber) for image in images}) == 30


def test_tilted_gantry(root: Path) -> None:
    """Slices go on along z, and their normal is 15 degrees off."""
    images = headers(root, "tilted-gantry")
    assert steps(heights(images)) == {2.5: 9}
    assert {tuple(image.ImagePositionPatient[:2]) for image in images} == {(-3.2, -3.2)}
    assert {tuple(image.ImageOrientationPatient) for image in images} == {(1, 0, 0, 0, 0.9659, -0.2588)}


def test_enhanced_gap(root: Path) -> None:
    """Nine frames, with one step of twice the spacing."""
    (path,) = (root / "enhanced-gap").rglob("*.dcm")
    rows = frames(dcmread(path, stop_before_pixels=True), path)
    assert steps([row["ImagePositionPatient"][2] for row in rows]) == {2.5: 7, 5.0: 1}
    assert rows[0]["frame_length"] == 128


def test_segmentations(root: Path) -> None:
    """One refers to images that are not there; the other to the images beside it."""
    (dangling,) = headers(root, "dangling-segmentation")
    assert dangling.ReferencedSeriesSequence[0].SeriesInstanceUID != dangling.SeriesInstanceUID
    *images, segmentation = headers(root, "sourced-segmentation")
    assert {row["source_series"][0] for row in segments(segmentation)} == {images[0].SeriesInstanceUID}
    assert [row["frames"] for row in segments(segmentation)] == [10, 10, 10]
    assert [row["anatomic_region_meaning"] for row in segments(segmentation)] == [None, None, "Lung"]


def test_radiotherapy(root: Path) -> None:
    """The dose is of the plan, the plan of the structure set, and the structure set of the images."""
    *images, contours, plan, dose = headers(root, "radiotherapy")
    assert dose.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == plan.SOPInstanceUID
    assert plan.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == contours.SOPInstanceUID
    assert {row["source_series"][0] for row in segments(contours)} == {image.SeriesInstanceUID for image in images}


@pytest.mark.parametrize(
    ("kind", "templates", "values"),
    [
        (
            "dose-report",
            ["10011", "10012", "10013", "10013"],
            {"Mean CTDIvol": ["0.14 mGy", "7.25 mGy"], "DLP": ["6.90 mGy.cm", "251.60 mGy.cm"]},
        ),
        ("fluoroscopy-dose-report", ["10001", "10002", "10003", "10003"], {"Dose Area Product": ["0.00012 Gy.m2", "0.0003 Gy.m2"]}),
        (
            "measurement-report",
            ["1500", "1501", "1501"],
            {
                "Finding": ["Mass", "Nodule"],
                "Finding Site": ["Lung", "Lung"],
                "Laterality": ["Right", "Left"],
                "Volume": ["1240.5 mm3", "96 mm3"],
            },
        ),
    ],
)
def test_reports(root: Path, kind: str, templates: list[str], values: dict[str, list[str]]) -> None:
    """A report has its templates and values."""
    rows = content_items(headers(root, kind)[-1])
    assert [row["template_id"] for row in rows if row["template_id"]] == templates
    for concept, expected in values.items():
        assert [row["value"] for row in rows if row["concept_meaning"] == concept] == expected
    assert all(row["RelationshipType"] for row in rows[1:])


def test_slides(root: Path) -> None:
    """A specimen was collected, fixed, embedded and stained with two substances; the other slide has two annotation groups."""
    for slide in headers(root, "stained-slide"):
        rows = content_items(slide)
        of_first = [row for row in rows if row["position"].startswith("1.")]
        assert len(rows) == 2 * len(of_first)
        assert [
            row["value"] for row in of_first if row["concept_meaning"] in ("Tissue Fixative", "Embedding medium", "Using substance")
        ] == [
            "Formalin",
            "Paraffin wax",
            "hematoxylin stain",
            "water soluble eosin stain",
        ]
    *slide_images, annotations = headers(root, "annotated-slide")
    assert [(row["label"], row["graphic_type"], row["contours"], row["algorithm_name"]) for row in segments(annotations)] == [
        ("nuclei", "POINT", 3, "SyntheticNuclei"),
        ("tumor", "POLYGON", 1, None),
    ]
    assert segments(annotations)[0]["source_series"] == [slide_images[0].SeriesInstanceUID]


def test_agents(root: Path) -> None:
    """A PET has its coded radiopharmaceutical, and a CT its two contrast agents."""
    for image in headers(root, "radiopharmaceutical"):
        assert image.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalCodeSequence[0].CodeValue == "35321007"
    for image in headers(root, "contrast"):
        assert [agent.CodeMeaning for agent in image.ContrastBolusAgentSequence] == ["Iohexol", "Barium sulfate"]
