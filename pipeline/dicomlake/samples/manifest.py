"""``manifest.json`` at the root of a sample: the content of the sample, and the rows that its lake must have.

The file is one JSON object with the fields of ``Manifest`` in order; lists hold objects with the fields of the classes below. It is itself
a file of the sample, with the status ``not_dicom`` in ``files``. It is written from the planted data, not read back, so it can test a
reader.
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
        TransferSyntaxUID: the one of the file meta; None without file meta.
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
        status: the expected ``files.status``.
        code: the expected ``files.code``; None for a file that was read to its end.
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
    """A planted defect, or a pitfall for readers.

    Attributes:
        kind: name of the defect, unique in a sample.
        path: of the file, relative to the root; of the folder where the defect is one of a series, study or patient.
        status, code: as in ``ListedFile``; None where ``path`` is a folder.
        finding_codes: the expected findings, if any.
        level: the level of the findings: value, file, series, study or patient; None without findings.
        keyword: the attribute in question, if it is one.
        raw: the text of the value in the file, for defects of a value.
        message: a description of the defect.
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
    """A link from one instance of the sample to another, at any place in the header and any number of times."""

    SOPInstanceUID: str
    ReferencedSOPInstanceUID: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of objects of each kind.

    Attributes:
        files: in the sample, ``manifest.json`` left out.
        patients: distinct pairs of PatientID and IssuerOfPatientID.
        instances: distinct SOP Instances that can be read; rows of the table ``instances``.
        frames: of multi-frame instances; rows of the table ``frames``.
        status: the rows of ``files`` by status; with ``manifest.json``, their sum is ``files`` plus one.
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
    """The whole manifest.

    Attributes:
        seed, studies: the arguments of ``write_sample``; ``counts.studies`` is the real number of studies.
        files: every file, also ``manifest.json``, sorted by path.
        instances: sorted by path.
        references: sorted; without the study that a structure set names by UID.
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
