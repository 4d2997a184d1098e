"""A small synthetic archive with many kinds of objects, transfer syntaxes and scripts, and with planted defects.

It is for trials, and for tests of a whole lake: ``manifest.json`` lists the rows that a lake must have. Every sample has all planted
defects; a larger one has more ordinary studies.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.dataset import Dataset

from dicomlake.errors import AccessDenied, ConfigurationError
from dicomlake.samples.defects import Damage, damaged_study, entity_defects
from dicomlake.samples.encoding import PlantedFile
from dicomlake.samples.identity import Identity
from dicomlake.samples.manifest import (
    MANIFEST_NAME,
    Entry,
    Instance,
    ListedFile,
    Manifest,
    Reference,
    build_manifest,
)
from dicomlake.samples.patients import FixedPatients, fixed_patients
from dicomlake.samples.studies import FIXED_STUDIES, fixed_studies, ordinary_studies

_FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


def write_sample(destination: Path, studies: int = 12, seed: int = 0) -> Manifest:
    """Write a synthetic archive, and ``manifest.json`` beside it.

    The same arguments write the same bytes, except for the deflated file, which depends on the version of zlib.

    Args:
        destination: a folder that is new or empty.
        studies: the number of studies, at least 1. The 11 fixed ones are always written, so smaller numbers mean 11; the others are
            ordinary CT, MR and CR studies, whose kinds and slices follow from the seed.
        seed: any integer; samples of different seeds share no identifier.

    Returns:
        The content of ``manifest.json``.

    Raises:
        ConfigurationError: ``destination`` is not empty, or ``studies`` below 1.
        AccessDenied: ``destination`` can't be made.
    """
    if studies < 1:
        raise ConfigurationError(f"studies must be at least 1, not {studies}")
    claim_destination(destination)
    identity = Identity(seed)
    patients = fixed_patients(identity)
    damage = damaged_study(identity, patients)
    entries: list[Entry] = []
    references: set[Reference] = set()
    for file in _files(identity, patients, damage, studies):
        path = destination / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        entries.append(entry_of(file))
        if file.dataset is not None:
            references.update(references_of(file.dataset))
    manifest = build_manifest(seed, studies, entries, (*damage.defects, *entity_defects(patients)), references)
    (destination / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8", newline="\n")
    return manifest


def _files(identity: Identity, patients: FixedPatients, damage: Damage, studies: int) -> Iterator[PlantedFile]:
    for files in fixed_studies(identity, patients):
        yield from map(PlantedFile.whole, files)
    yield from damage.files
    for files in ordinary_studies(identity, studies - FIXED_STUDIES):
        yield from map(PlantedFile.whole, files)


def entry_of(file: PlantedFile) -> Entry:
    """Answer the entry of a file that was written."""
    dataset, path = file.dataset, str(file.path)
    if dataset is None:
        return Entry(ListedFile(path, file.status, file.code))
    frames = int(dataset.get("NumberOfFrames", 1))
    instance = Instance(
        path=path,
        SOPInstanceUID=str(dataset.SOPInstanceUID),
        SOPClassUID=str(dataset.SOPClassUID),
        SeriesInstanceUID=str(dataset.SeriesInstanceUID),
        StudyInstanceUID=str(dataset.StudyInstanceUID),
        PatientID=dataset.PatientID,
        IssuerOfPatientID=dataset.IssuerOfPatientID,
        PatientName=str(dataset.PatientName),
        Modality=dataset.Modality,
        TransferSyntaxUID=None if file.transfer_syntax is None else str(file.transfer_syntax),
        number_of_frames=frames,
        is_multiframe=frames > 1 or any(keyword in dataset for keyword in _FUNCTIONAL_GROUPS),
    )
    return Entry(ListedFile(path, file.status, file.code, instance.SOPInstanceUID), instance)


def references_of(dataset: Dataset) -> Iterator[Reference]:
    """Answer a link for each ReferencedSOPInstanceUID, however deep, that is an instance."""
    for item in _items(dataset):
        target = item.get("ReferencedSOPInstanceUID")
        if target is not None and target != dataset.StudyInstanceUID:
            yield Reference(str(dataset.SOPInstanceUID), str(target))


def _items(dataset: Dataset) -> Iterator[Dataset]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield item
                yield from _items(item)


def claim_destination(destination: Path) -> None:
    """Make sure that ``destination`` is an empty folder, with its parents.

    Raises:
        ConfigurationError: it exists and is not an empty folder.
        AccessDenied: it can't be listed or made.
    """
    try:
        if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
            raise ConfigurationError(f"{destination} exists and is not an empty folder; name a new or an empty one")
        destination.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AccessDenied(f"{destination} can't be made: {error.strerror}") from error
