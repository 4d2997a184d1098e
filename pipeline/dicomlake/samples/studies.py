"""The undamaged part of a sample: the fixed studies, and ordinary ones up to the wanted number."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from dicomlake.samples import private
from dicomlake.samples.encoding import SampleFile
from dicomlake.samples.entities import Equipment, Patient, Procedure, Series, Study
from dicomlake.samples.identity import Identity
from dicomlake.samples.images.derived import dose, plan, segmentation, structure_set
from dicomlake.samples.images.documents import encapsulated_pdf, scanned_page, structured_report
from dicomlake.samples.images.enhanced import enhanced_ct, enhanced_mr
from dicomlake.samples.images.projection import cr_series, mg_series, us_series
from dicomlake.samples.images.slices import CORONAL, MrTechnique, Stack, ct_series, mr_series, pet_series
from dicomlake.samples.images.slide import slide_set
from dicomlake.samples.patients import FixedPatients, ordinary_patient

CHEST = ("CHEST", "51185008", "Chest")
ABDOMEN = ("ABDOMEN", "818981001", "Abdomen")
BREAST = ("BREAST", "76752008", "Breast")
KNEE = ("KNEE", "72696002", "Knee")
BRAIN = ("BRAIN", "12738006", "Brain")

CT_SCANNER = Equipment("GE MEDICAL SYSTEMS", "Synthetic CT 64", "SYNCT1", ("syn-ct 1.0", "recon 2.3"))
MR_SCANNER = Equipment("SIEMENS", "Synthetic MR 3T", "SYNMR1", ("syngo SYN E11",))
PET_SCANNER = Equipment("Philips", "Synthetic PET/CT", "SYNPT1", ("4.1",))
RADIOGRAPH = Equipment("Synthetic Imaging", "Plate Reader", "SYNCR1", ("7.0",))
WORKSTATION = Equipment("Synthetic Software", "Contour", "SYNWS1", ("0.9", "build 12"))

CT_CHEST = Procedure("CT chest", "CTCHEST", "Computed tomography of chest")
MR_BRAIN = Procedure("MR brain", "MRBRAIN", "Magnetic resonance of brain")
CR_CHEST = Procedure("Radiograph chest", "CRCHEST", "Radiography of chest")

T1 = MrTechnique(("ORIGINAL", "PRIMARY", "M", "NORM"), "IR", "*tfl3d1_16ns", 2.98, 2300, 9, inversion_time=900)
T2 = MrTechnique(("ORIGINAL", "PRIMARY", "M"), "SE", "*tse2d1_11", 96, 5200, 150)
DIFFUSION = MrTechnique(("ORIGINAL", "PRIMARY", "DIFFUSION", "TRACEW"), "EP", "*ep_b800t", 72, 4900, 90, b_value=800.0)
DIFFUSION_MAP = MrTechnique(("DERIVED", "PRIMARY", "DIFFUSION", "ADC"), "EP", "*ep_b0_800", 72, 4900, 90)


def fixed_studies(identity: Identity, patients: FixedPatients) -> Iterator[list[SampleFile]]:
    """Answer the files of each fixed study, except for the damaged patient's."""
    yield _oncology(Study(identity, patients.latin, 1, CT_CHEST))
    yield _pet_ct(Study(identity, patients.latin, 2, Procedure("PET/CT", "PETCT", "Positron emission tomography with CT")))
    yield _mr_brain(Study(identity, patients.greek, 1, MR_BRAIN))
    yield _chest_and_enhanced_ct(Study(identity, patients.japanese, 1, CT_CHEST))
    yield _ultrasound(Study(identity, patients.korean, 1, Procedure("US abdomen", "USABD", "Ultrasonography of abdomen")))
    yield _mammography(Study(identity, patients.chinese, 1, Procedure("Mammography", "MGSCR", "Screening mammography")))
    yield _slide(Study(identity, patients.unicode, 1, Procedure("Histology", "HIST", "Histology of breast")))
    yield _chest(Study(identity, patients.born, 1, CR_CHEST))
    yield _chest_with_papers(Study(identity, patients.born_otherwise, 2, CR_CHEST))
    yield _knee(Study(identity, patients.markup, 1, Procedure("Radiograph knee", "CRKNEE", "Radiography of knee")))


FIXED_STUDIES = 11
"""The smallest number of studies: those of ``fixed_studies``, and the damaged patient's."""


def ordinary_studies(identity: Identity, count: int) -> Iterator[list[SampleFile]]:
    """Answer the files of ``count`` ordinary studies, up to three of them for each patient."""
    number = 0
    while count > 0:
        number += 1
        patient = ordinary_patient(identity, number)
        for visit in range(1, min(count, 1 + number % 3) + 1):
            yield _ordinary(identity, patient, visit)
            count -= 1


def _ordinary(identity: Identity, patient: Patient, visit: int) -> list[SampleFile]:
    kind = identity.number(0, 2, "kind", patient.folder, visit)
    slices = identity.number(12, 24, "slices", patient.folder, visit)
    if kind == 0:
        return _chest(Study(identity, patient, visit, CR_CHEST))
    if kind == 1:
        study = Study(identity, patient, visit, CT_CHEST)
        return ct_series(Series(study, 1, "CT", "Chest 2.0", CT_SCANNER, CHEST), Stack(slices, 2.0, 0.75))
    study = Study(identity, patient, visit, MR_BRAIN)
    stack = Stack(slices, 4.0, 0.9)
    return [
        file
        for number, technique in enumerate((T1, T2), 1)
        for file in mr_series(Series(study, number, "MR", f"T{number} axial", MR_SCANNER, BRAIN), stack, technique)
    ]


def _oncology(study: Study) -> list[SampleFile]:
    """Answer a CT with its derived objects: reformat, segmentation, contours, plan, dose and report."""
    thin = ct_series(Series(study, 1, "CT", "Chest 1.5", CT_SCANNER, CHEST), Stack(20, 1.5, 0.7))
    for file in thin:
        private.add_ge_parameters(file.dataset)
    images = [file.dataset for file in thin]
    coronal = Series(study, 2, "CT", "Chest coronal", CT_SCANNER, CHEST, transfer_syntax=ExplicitVRBigEndian)
    contours = structure_set(_workstation(study, 4, "RTSTRUCT", "Contours"), images)
    treatment = plan(_workstation(study, 5, "RTPLAN", "Plan"), contours.dataset)
    report = _workstation(study, 7, "SR", "Measurements", DeflatedExplicitVRLittleEndian)
    return [
        *thin,
        *ct_series(coronal, Stack(10, 3.0, 0.7, CORONAL), images),
        segmentation(_workstation(study, 3, "SEG", "Organs"), images),
        contours,
        treatment,
        dose(_workstation(study, 6, "RTDOSE", "Dose"), treatment.dataset, images),
        structured_report(report, images[8:11]),
    ]


def _workstation(study: Study, number: int, modality: str, description: str, transfer_syntax: str = ImplicitVRLittleEndian) -> Series:
    return Series(study, number, modality, description, WORKSTATION, CHEST, transfer_syntax=transfer_syntax)


def _pet_ct(study: Study) -> list[SampleFile]:
    attenuation = Series(study, 1, "CT", "AC CT", PET_SCANNER, CHEST, transfer_syntax=JPEG2000Lossless)
    return [
        *ct_series(attenuation, Stack(24, 4.0, 1.17)),
        *pet_series(Series(study, 2, "PT", "WB AC", PET_SCANNER, CHEST), Stack(24, 4.0, 4.0)),
    ]


def _mr_brain(study: Study) -> list[SampleFile]:
    """Answer series as on an old disk: implicit little endian, names without a suffix.

    A router put its private block before the maker's in the diffusion series, and only there.
    """
    stack = Stack(16, 5.0, 0.9, start=-30.0)
    numbers = {"t1": 1, "diffusion": 2, "map": 3}
    series = {
        name: Series(study, number, "MR", name, MR_SCANNER, BRAIN, transfer_syntax=ImplicitVRLittleEndian, suffix="")
        for name, number in numbers.items()
    }
    t1 = mr_series(series["t1"], stack, T1)
    diffusion = mr_series(series["diffusion"], stack, DIFFUSION)
    for file in t1:
        private.add_siemens_mr(file.dataset, 0)
        private.add_siemens_csa(file.dataset, 256, 512)
    for file in diffusion:
        private.add_router(file.dataset, 0x0019)
        private.add_siemens_mr(file.dataset, 800)
    maps = mr_series(series["map"], stack, DIFFUSION_MAP, [file.dataset for file in diffusion])
    enhanced = Series(study, 4, "MR", "enhanced diffusion", MR_SCANNER, BRAIN, transfer_syntax=JPEGLSLossless)
    return [*t1, *diffusion, *maps, enhanced_mr(enhanced, Stack(10, 5.0, 1.8), (0.0, 1000.0))]


def _chest_and_enhanced_ct(study: Study) -> list[SampleFile]:
    return [
        *_chest(study),
        enhanced_ct(Series(study, 2, "CT", "Enhanced chest", CT_SCANNER, CHEST), Stack(24, 2.5, 0.8)),
    ]


def _ultrasound(study: Study) -> list[SampleFile]:
    machine = Equipment("Synthetic Imaging", "Echo", "SYNUS1", ("3.2",))
    return us_series(Series(study, 1, "US", "Abdomen", machine, ABDOMEN))


def _mammography(study: Study) -> list[SampleFile]:
    machine = Equipment("Synthetic Imaging", "Mammograph", "SYNMG1", ("5.5",))
    return mg_series(Series(study, 1, "MG", "Screening", machine, BREAST))


def _slide(study: Study) -> list[SampleFile]:
    scanner = Equipment("Synthetic Imaging", "Slide Scanner", "SYNSM1", ("1.8",))
    return slide_set(Series(study, 1, "SM", "H&E", scanner, BREAST))


def _chest(study: Study) -> list[SampleFile]:
    return cr_series(Series(study, 1, "CR", "Chest", RADIOGRAPH, CHEST, transfer_syntax=JPEGLosslessSV1))


def _chest_with_papers(study: Study) -> list[SampleFile]:
    images = _chest(study)
    report = encapsulated_pdf(Series(study, 2, "DOC", "Report", WORKSTATION, CHEST), [file.dataset for file in images])
    return [*images, report, scanned_page(Series(study, 3, "OT", "Request", WORKSTATION, CHEST))]


def _knee(study: Study) -> list[SampleFile]:
    return cr_series(Series(study, 1, "CR", "Right knee", RADIOGRAPH, KNEE, {"Laterality": "R"}), ["AP", "LATERAL"])
