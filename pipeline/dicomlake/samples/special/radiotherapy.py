"""A treatment of a patient: the images, what was drawn in them, the plan, and the dose."""

from __future__ import annotations

from dicomlake.samples.encoding import SampleFile
from dicomlake.samples.entities import Series, Study
from dicomlake.samples.images.derived import dose, plan, structure_set
from dicomlake.samples.images.slices import Stack, ct_series
from dicomlake.samples.studies import CHEST, CT_SCANNER, WORKSTATION

_STACK = Stack(10, 2.5, 0.8)


def radiotherapy(study: Study) -> list[SampleFile]:
    """Answer a planning CT, a structure set of it, a plan on the structures, and the dose of the plan."""
    images = ct_series(Series(study, 1, "CT", "Planning", CT_SCANNER, CHEST), _STACK)
    datasets = [file.dataset for file in images]
    contours = structure_set(_planned(study, 2, "RTSTRUCT", "Contours"), datasets)
    treatment = plan(_planned(study, 3, "RTPLAN", "Plan"), contours.dataset)
    return [*images, contours, treatment, dose(_planned(study, 4, "RTDOSE", "Dose"), treatment.dataset, datasets)]


def _planned(study: Study, number: int, modality: str, description: str) -> Series:
    return Series(study, number, modality, description, WORKSTATION, CHEST)
