"""Series of slices that are not one regular volume, and a segmentation of images that are not there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pydicom.dataset import Dataset

from dicomlake.samples.elements import code, decimal, decimals, reference
from dicomlake.samples.encoding import SampleFile, pixels
from dicomlake.samples.entities import Series, Study
from dicomlake.samples.images.derived import segmentation
from dicomlake.samples.images.enhanced import enhanced_ct
from dicomlake.samples.images.slices import CORONAL, Stack, ct_series, mr_series
from dicomlake.samples.studies import BRAIN, CHEST, CT_SCANNER, MR_SCANNER, T2, WORKSTATION

_STACK = Stack(10, 2.5, 0.8)
_SAGITTAL = ("0", "1", "0", "0", "0", "-1")
_FAULT = 4
"""Index of the slice that is missing, or there twice."""

_TILT_DEGREES = 15.0
_LUNG = ("39607008", "SCT", "Lung")
_SECOND_ECHO_TIME = 192.0
_B_VALUE = 1000.0
_DIRECTIONS = ((1.0, 0.0, 0.0), (0.0, 0.6, 0.8))
"""Of the gradients, as DiffusionGradientOrientation."""


def missing_slice(study: Study) -> list[SampleFile]:
    """Answer a CT without its fifth slice."""
    files = ct_series(_ct(study, "Slice missing"), _STACK)
    return files[:_FAULT] + files[_FAULT + 1 :]


def doubled_slice(study: Study) -> list[SampleFile]:
    """Answer a CT with two images at the position of its fifth slice."""
    series = _ct(study, "Slice doubled")
    files = ct_series(series, _STACK)
    again = ct_series(series, _STACK)[_FAULT]
    return [*files, _renumbered(series, again.dataset, _STACK.slices + 1)]


def localizer_in_series(study: Study) -> list[SampleFile]:
    """Answer a CT that begins with a localizer from the front and one from the side."""
    series = _ct(study, "With localizers")
    views = [file.dataset for file in ct_series(series, replace(_STACK, slices=2, orientation=CORONAL))]
    views[1].ImageOrientationPatient = list(_SAGITTAL)
    for view in views:
        view.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        view.update(pixels(view.Rows, 2 * view.Columns, signed=True))
        del view.SpacingBetweenSlices
    slices = [file.dataset for file in ct_series(series, _STACK)]
    return [_renumbered(series, dataset, number) for number, dataset in enumerate((*views, *slices), 1)]


def two_echoes(study: Study) -> list[SampleFile]:
    """Answer an MR of two echoes in one series, with an image of each at every position."""
    series = Series(study, 1, "MR", "Two echoes", MR_SCANNER, BRAIN)
    first = mr_series(series, _STACK, T2)
    second = [file.dataset for file in mr_series(series, _STACK, replace(T2, echo_time=_SECOND_ECHO_TIME))]
    for dataset in second:
        dataset.EchoNumbers = ["2"]
    return [*first, *(_renumbered(series, dataset, _STACK.slices + number) for number, dataset in enumerate(second, 1))]


def diffusion(study: Study) -> list[SampleFile]:
    """Answer a diffusion MR: an image without a gradient and one for each of two directions at every position."""
    series = Series(study, 1, "MR", "Diffusion", MR_SCANNER, BRAIN)
    technique = replace(T2, sequence="EP", sequence_name="ep_b0", b_value=0.0)
    files = mr_series(series, _STACK, technique)
    for file in files:
        file.dataset.DiffusionDirectionality = "NONE"
    for direction in _DIRECTIONS:
        for image in mr_series(series, _STACK, replace(technique, sequence_name=f"ep_b{_B_VALUE:.0f}", b_value=_B_VALUE)):
            image.dataset.DiffusionDirectionality = "DIRECTIONAL"
            image.dataset.DiffusionGradientOrientation = list(direction)
            files.append(_renumbered(series, image.dataset, len(files) + 1))
    return files


def tilted_gantry(study: Study) -> list[SampleFile]:
    """Answer a CT whose planes are tilted against the way of the table: each slice is shifted in its plane against the one before."""
    files = ct_series(_ct(study, "Gantry tilted"), _STACK)
    tilt = math.radians(_TILT_DEGREES)
    for file in files:
        file.dataset.ImageOrientationPatient = decimals(1, 0, 0, 0, math.cos(tilt), -math.sin(tilt))
        file.dataset.GantryDetectorTilt = decimal(_TILT_DEGREES)
        del file.dataset.SpacingBetweenSlices
    return files


def enhanced_gap(study: Study) -> list[SampleFile]:
    """Answer an enhanced CT without the frame of its fifth slice."""
    file = enhanced_ct(_ct(study, "Enhanced with a gap"), _STACK)
    dataset = file.dataset
    del dataset.PerFrameFunctionalGroupsSequence[_FAULT]
    frames = len(dataset.PerFrameFunctionalGroupsSequence)
    dataset.NumberOfFrames = str(frames)
    dataset.update(pixels(dataset.Rows, dataset.Columns, frames=frames, bits_stored=16, signed=True))
    return [file]


def dangling_segmentation(study: Study) -> list[SampleFile]:
    """Answer a segmentation of a CT of which no image is there."""
    images = [file.dataset for file in ct_series(_ct(study, "Elsewhere"), _STACK)]
    return [segmentation(Series(study, 2, "SEG", "Of a CT elsewhere", WORKSTATION, CHEST), images)]


def sourced_segmentation(study: Study) -> list[SampleFile]:
    """Answer a CT, and a segmentation of it that names the lung as the region of its lesion, and its images once more at top level."""
    images = ct_series(_ct(study, "Segmented"), _STACK)
    datasets: Sequence[Dataset] = [file.dataset for file in images]
    file = segmentation(Series(study, 2, "SEG", "Organs", WORKSTATION, CHEST), datasets)
    file.dataset.SegmentSequence[-1].AnatomicRegionSequence = code(*_LUNG)
    file.dataset.SourceImageSequence = [reference(image) for image in datasets]
    return [*images, file]


def _ct(study: Study, description: str) -> Series:
    return Series(study, 1, "CT", description, CT_SCANNER, CHEST)


def _renumbered(series: Series, dataset: Dataset, number: int) -> SampleFile:
    """Answer an image with the identity of another number in its series."""
    own = series.instance(number, dataset.SOPClassUID)
    for keyword in ("SOPInstanceUID", "InstanceNumber", "ContentTime", "InstanceCreationTime"):
        dataset[keyword] = own[keyword]
    return SampleFile.of(series, dataset)
