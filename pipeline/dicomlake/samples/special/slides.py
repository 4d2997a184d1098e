"""A slide whose preparation is told step by step, and annotations of a slide."""

from __future__ import annotations

import struct

from pydicom.dataset import Dataset
from pydicom.uid import MicroscopyBulkSimpleAnnotationsStorage

from dicomlake.samples.elements import code, item, reference
from dicomlake.samples.encoding import SampleFile
from dicomlake.samples.entities import Equipment, Series, Study
from dicomlake.samples.images.slide import slide_set
from dicomlake.samples.special.content import Concept, coded, dcm, sct, text
from dicomlake.samples.studies import BREAST, WORKSTATION

_SCANNER = Equipment("Synthetic Imaging", "Slide Scanner", "SYNSM1", ("1.8",))
_PROCESSING = dcm("111701", "Processing type")
_SUBSTANCE = sct("424361007", "Using substance")

_STEPS: tuple[tuple[tuple[Concept, Concept], ...], ...] = (
    ((_PROCESSING, sct("17636008", "Specimen collection")), (sct("17636008", "Specimen collection"), sct("65801008", "Excision"))),
    ((_PROCESSING, sct("9265001", "Specimen processing")), (sct("430864009", "Tissue Fixative"), sct("431510009", "Formalin"))),
    ((_PROCESSING, sct("9265001", "Specimen processing")), (sct("430863003", "Embedding medium"), sct("311731000", "Paraffin wax"))),
    (
        (_PROCESSING, sct("127790008", "Staining")),
        (_SUBSTANCE, sct("12710003", "hematoxylin stain")),
        (_SUBSTANCE, sct("36879007", "water soluble eosin stain")),
    ),
)
"""The preparation (PS3.16 TID 8001): in each step a processing type, and codes that tell more."""

_GROUPS = (
    ("nuclei", "POINT", sct("84640000", "Nucleus"), "AUTOMATIC", ((4.0, 4.0), (12.0, 9.5), (20.0, 27.0))),
    ("tumor", "POLYGON", sct("108369006", "Neoplasm"), "MANUAL", ((2.0, 2.0), (30.0, 2.0), (30.0, 30.0), (2.0, 30.0))),
)
"""Label, GraphicType, property type, generation type, and points (column, row) of each annotation group."""


def stained_slide(study: Study) -> list[SampleFile]:
    """Answer a slide, collected, fixed, embedded and stained with two substances."""
    files = slide_set(Series(study, 1, "SM", "H&E", _SCANNER, BREAST))
    for file in files:
        file.dataset.AdmittingDiagnosesCodeSequence = code("254837009", "SCT", "Malignant neoplasm of breast")
        for specimen in file.dataset.SpecimenDescriptionSequence:
            _prepare(specimen)
    return files


def _prepare(specimen: Dataset) -> None:
    identifier = text(dcm("121041", "Specimen Identifier"), specimen.SpecimenIdentifier)
    steps = [[identifier, *(coded(concept, value) for concept, value in step)] for step in _STEPS]
    for content in (one for step in steps for one in step):
        # Content items outside reports have no relationship (PS3.3 10.2).
        if "RelationshipType" in content:
            del content.RelationshipType
    specimen.SpecimenPreparationSequence = [item(SpecimenPreparationStepContentItemSequence=step) for step in steps]
    specimen.SpecimenTypeCodeSequence = code("119376003", "SCT", "Tissue specimen")
    structure = specimen.PrimaryAnatomicStructureSequence[0]
    structure.PrimaryAnatomicStructureModifierSequence = code("7771000", "SCT", "Left")


def annotated_slide(study: Study) -> list[SampleFile]:
    """Answer a slide, and microscopy bulk simple annotations of it: points found by an algorithm, and an outline by hand."""
    slide = slide_set(Series(study, 1, "SM", "H&E", _SCANNER, BREAST))
    series = Series(study, 2, "ANN", "Nuclei and tumor", WORKSTATION, BREAST)
    image = slide[0].dataset
    dataset = series.instance(1, MicroscopyBulkSimpleAnnotationsStorage)
    dataset.update(
        item(
            FrameOfReferenceUID=image.FrameOfReferenceUID,
            ContentLabel="SYNTHETIC",
            ContentDescription="Synthetic annotations",
            AnnotationCoordinateType="2D",
            PixelOriginInterpretation="VOLUME",
            ReferencedSeriesSequence=[item(SeriesInstanceUID=image.SeriesInstanceUID, ReferencedInstanceSequence=[reference(image)])],
            ReferencedImageSequence=[reference(image)],
            AnnotationGroupSequence=[_group(series, number, *group) for number, group in enumerate(_GROUPS, 1)],
        )
    )
    return [*slide, SampleFile.of(series, dataset)]


def _group(  # noqa: PLR0917 - a row of a table
    series: Series, number: int, label: str, graphic_type: str, kind: Concept, generation: str, points: tuple[tuple[float, float], ...]
) -> Dataset:
    is_found = generation == "AUTOMATIC"
    family = code("123109", "DCM", "Artificial Intelligence")
    algorithm = item(AlgorithmFamilyCodeSequence=family, AlgorithmName="SyntheticNuclei", AlgorithmVersion="1.0")
    return item(
        AnnotationGroupNumber=number,
        AnnotationGroupUID=series.study.identity.uid("annotation group", series.folder, number),
        AnnotationGroupLabel=label,
        AnnotationGroupGenerationType=generation,
        AnnotationGroupAlgorithmIdentificationSequence=[algorithm] if is_found else None,
        AnnotationPropertyCategoryCodeSequence=code("91723000", "SCT", "Anatomical structure")
        if is_found
        else code("49755003", "SCT", "Morphologically abnormal structure"),
        AnnotationPropertyTypeCodeSequence=code(*kind),
        NumberOfAnnotations=len(points) if graphic_type == "POINT" else 1,
        AnnotationAppliesToAllOpticalPaths="YES",
        AnnotationAppliesToAllZPlanes="YES",
        GraphicType=graphic_type,
        PointCoordinatesData=b"".join(struct.pack("<2f", *point) for point in points),
        LongPrimitivePointIndexList=None if graphic_type == "POINT" else struct.pack("<L", 1),
    )
