"""The contents of a sample and of its lake: ``manifest.json`` at its root.

The file is one JSON object, the fields of ``Manifest`` in order; lists hold objects with the fields of the classes
below. It is itself a file of the sample, as the indexer lists it: it stands in ``files`` as ``not_dicom``. It is
written by planting, not by reading back, so that it can hold a reader to account.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from dicomlake.errors import FileCode, FileStatus

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Instance:
    """A SOP Instance, in the copy that a lake keeps.

    Attributes:
        path: of the kept copy, relative to the root, with ``/``.
        PatientName: decoded; component groups joined by ``=``.
        TransferSyntaxUID: as the file meta says; None where there is no file meta.
        number_of_frames: 1 where NumberOfFrames is absent.
        is_multiframe: more than one frame, or functional groups.
    """

    path: str
    SOPInstanceUID: str
    SOPClassUID: str
    SeriesInstanceUID: str
    StudyInstanceUID: str
    PatientID: str
    IssuerOfPatientID: str
    PatientName: str
    Modality: str
    TransferSyntaxUID: str | None
    number_of_frames: int
    is_multiframe: bool


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the sample, and its row in the table ``files``.

    Attributes:
        path: relative to the root, with ``/``.
        status: what ``files.status`` must be.
        code: what ``files.code`` must be; None for a file that was read to its end.
        SOPInstanceUID: None where the file has none that can be read.
        duplicate_of: path of the kept copy: the smallest path among the copies of one SOPInstanceUID.
    """

    path: str
    status: FileStatus
    code: FileCode | None = None
    SOPInstanceUID: str | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Defect:
    """Something planted: wrong, or merely apt to be got wrong.

    Attributes:
        kind: name of the defect, unique in a sample.
        path: of the file, relative to the root; of the folder where the defect is one of a series, study or patient.
        status, code: as in ``ListedFile``; None where ``path`` is a folder.
        finding_codes: findings that must be there for it; empty where nothing is to be found.
        level: of the findings: value, file, series, study or patient; None where there are none.
        keyword: of the attribute that is meant, where it is one.
        raw: the text of the value as it stands in the file, for defects of a value.
        message: what was done, in words.
    """

    kind: str
    message: str
    path: str = ""
    status: FileStatus | None = None
    code: FileCode | None = None
    finding_codes: tuple[str, ...] = ()
    level: str | None = None
    keyword: str | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A link from one instance to another one of the sample, however often and wherever in the header it stands."""

    SOPInstanceUID: str
    ReferencedSOPInstanceUID: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are of each.

    Attributes:
        files: in the sample, ``manifest.json`` left out.
        patients: distinct pairs of PatientID and IssuerOfPatientID.
        instances: distinct SOP Instances that can be read; rows of the table ``instances``.
        frames: of multi-frame instances; rows of the table ``frames``.
        status: how many rows of ``files`` have a status, ``manifest.json`` among them as ``not_dicom``: the sum is
            ``files`` and one.
        modalities: instances of each Modality.
    """

    files: int
    patients: int
    studies: int
    series: int
    instances: int
    frames: int
    status: dict[str, int]
    modalities: dict[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that was planted.

    Attributes:
        seed, studies: the arguments of ``write_sample``; ``counts.studies`` is how many studies there are.
        files: every file, ``manifest.json`` too, sorted by path.
        instances: sorted by path.
        references: sorted; the study that a structure set names by UID is none.
    """

    seed: int
    studies: int
    counts: Counts
    defects: tuple[Defect, ...]
    files: tuple[ListedFile, ...]
    instances: tuple[Instance, ...]
    references: tuple[Reference, ...]

    def to_json(self) -> str:
        """Answer the text of ``manifest.json``: readable, UTF-8, one final line break."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that was written: its row in ``files``, and the instance in it, if any."""

    file: ListedFile
    instance: Instance | None = None


def build_manifest(
    seed: int, studies: int, entries: Iterable[Entry], defects: Iterable[Defect], references: Iterable[Reference]
) -> Manifest:
    """Answer the manifest of the files written: keep the first copy of each instance, and count.

    Copies that can't be read to their end are not expected among duplicates.
    """
    files = [ListedFile(MANIFEST_NAME, FileStatus.NOT_DICOM, FileCode.NOT_DICOM)]
    kept: dict[str, Instance] = {}
    for entry in sorted(entries, key=lambda entry: entry.file.path):
        if entry.instance is None:
            files.append(entry.file)
            continue
        first = kept.setdefault(entry.instance.SOPInstanceUID, entry.instance)
        if first is entry.instance:
            files.append(entry.file)
        else:
            files.append(
                ListedFile(
                    path=entry.file.path,
                    status=FileStatus.DUPLICATE,
                    SOPInstanceUID=entry.file.SOPInstanceUID,
                    duplicate_of=first.path,
                )
            )
    instances = list(kept.values())
    return Manifest(
        seed=seed,
        studies=studies,
        counts=_count(files, instances),
        defects=tuple(defects),
        files=tuple(sorted(files, key=lambda file: file.path)),
        instances=tuple(instances),
        references=tuple(sorted(set(references))),
    )


def _count(files: list[ListedFile], instances: list[Instance]) -> Counts:
    return Counts(
        files=len(files) - 1,
        patients=len({(instance.PatientID, instance.IssuerOfPatientID) for instance in instances}),
        studies=len({instance.StudyInstanceUID for instance in instances}),
        series=len({instance.SeriesInstanceUID for instance in instances}),
        instances=len(instances),
        frames=sum(instance.number_of_frames for instance in instances if instance.is_multiframe),
        status=dict(sorted(Counter(str(file.status) for file in files).items())),
        modalities=dict(sorted(Counter(instance.Modality for instance in instances).items())),
    )
