"""A large plain archive to measure with: CT and MR series of files alike, as scanners send them.

One file of each series is encoded by pydicom; of the others only the few bytes differ that tell one slice from the
next, so these are patched: building and encoding each one with pydicom takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dicomlake.errors import ConfigurationError
from dicomlake.samples import private
from dicomlake.samples.archive import claim_destination
from dicomlake.samples.encoding import SampleFile, encode
from dicomlake.samples.entities import Series, Study
from dicomlake.samples.identity import Identity
from dicomlake.samples.images.slices import Stack, ct_series, mr_series
from dicomlake.samples.patients import ordinary_patient
from dicomlake.samples.studies import BRAIN, CHEST, CT_CHEST, CT_SCANNER, MR_BRAIN, MR_SCANNER, T1, T2

_FEWEST_SLICES, _MOST_SLICES = 100, 200
_SERIES_OF_A_STUDY = 2
_STUDIES_OF_A_PATIENT = 4

_LARGE_SERIES = (8, 3)
"""Of eight series the fourth, an MR, has headers of about 74 KB, most of it two opaque private values."""

_NUMBER_WIDTH = 8
_NUMBER = "97531864"
_COORDINATE_WIDTH = 10
_POSITION = "-97531.864"
_LOCATION = "-86421.753"
"""Values of the template as wide as the fields that replace them, and found nowhere else in it. IS and DS may be padded
with spaces (PS3.5 6.2), so that every number fits."""


def write_corpus(destination: Path, files: int, seed: int = 0) -> None:
    """Write a benchmark corpus: plain explicit little endian slices, no defects, no manifest.

    Folders are patient/study/series with 100 to 200 slices each, the last one cut short. Headers are about 4 KB, and
    about 74 KB in one series of eight.

    Args:
        destination: a folder that is new or empty.
        files: how many, at least 1.
        seed: any integer; the same arguments write the same bytes.

    Raises:
        ConfigurationError: ``destination`` is not empty, or ``files`` below 1.
        AccessDenied: ``destination`` can't be made.
    """
    if files < 1:
        raise ConfigurationError(f"files must be at least 1, not {files}")
    claim_destination(destination)
    remaining = files
    for series, stack, template in _all_series(Identity(seed)):
        folder = destination / series.folder
        folder.mkdir(parents=True)
        for index in range(min(stack.slices, remaining)):
            (folder / f"{index + 1:04d}.dcm").write_bytes(template.instance(index, stack.location(index)))
        remaining -= min(stack.slices, remaining)
        if remaining == 0:
            return


@dataclass(frozen=True, slots=True)
class _Template:
    """The bytes of one file of a series, and where the fields stand that differ from slice to slice."""

    content: bytes
    first_uid: int
    uid_offsets: tuple[int, ...]
    number_offset: int
    position_offset: int
    location_offset: int

    @staticmethod
    def of(file: SampleFile, uid: str) -> _Template:
        """Answer a template made from ``file``, whose SOPInstanceUIDs count up from ``uid``."""
        # The last three digits count the slices, so that the length never changes.
        first = int(uid.removeprefix("2.25.")) // 1000 * 1000
        dataset = file.dataset
        dataset.SOPInstanceUID = f"2.25.{first}"
        dataset.InstanceNumber = _NUMBER
        dataset.ImagePositionPatient = [*map(str, dataset.ImagePositionPatient[:2]), _POSITION]
        dataset.SliceLocation = _LOCATION
        content = encode(file)
        (number,), (position,), (location,) = (_offsets(content, field, 1) for field in (_NUMBER, _POSITION, _LOCATION))
        uids = _offsets(content, f"2.25.{first}", 2)
        return _Template(content, first, uids, number, position, location)

    def instance(self, index: int, location: float) -> bytearray:
        """Answer the bytes of slice ``index`` (counts from 0) at ``location``, in mm along the axis."""
        content = bytearray(self.content)
        uid = b"2.25.%d" % (self.first_uid + index)
        for offset in self.uid_offsets:
            content[offset : offset + len(uid)] = uid
        coordinate = f"{location:<{_COORDINATE_WIDTH}.2f}".encode()
        content[self.number_offset : self.number_offset + _NUMBER_WIDTH] = b"%-8d" % (index + 1)
        for offset in (self.position_offset, self.location_offset):
            content[offset : offset + _COORDINATE_WIDTH] = coordinate
        return content


def _offsets(content: bytes, field: str, count: int) -> tuple[int, ...]:
    parts = content.split(field.encode())
    if len(parts) != count + 1:
        raise ValueError(f"the template holds {field} {len(parts) - 1} times, not {count}")
    ends = [sum(len(part) for part in parts[: place + 1]) + place * len(field) for place in range(count)]
    return tuple(ends)


def _all_series(identity: Identity) -> Iterator[tuple[Series, Stack, _Template]]:
    """Answer series without end."""
    number = 0
    while True:
        study_number, place = divmod(number, _SERIES_OF_A_STUDY)
        patient_number, visit = divmod(study_number, _STUDIES_OF_A_PATIENT)
        patient = ordinary_patient(identity, patient_number + 1)
        slices = identity.number(_FEWEST_SLICES, _MOST_SLICES, "corpus", number)
        if visit % 2 == 0:
            series = Series(Study(identity, patient, visit + 1, CT_CHEST), place + 1, "CT", "Chest", CT_SCANNER, CHEST)
            stack = Stack(slices, 1.25, 0.75)
            (file,) = ct_series(series, Stack(1, 1.25, 0.75))
            private.add_ge_parameters(file.dataset, 52)
        else:
            series = Series(Study(identity, patient, visit + 1, MR_BRAIN), place + 1, "MR", "Brain", MR_SCANNER, BRAIN)
            stack = Stack(slices, 1.0, 0.9)
            (file,) = mr_series(series, Stack(1, 1.0, 0.9), (T1, T2)[place])
            private.add_siemens_mr(file.dataset, 0)
            large = number % _LARGE_SERIES[0] == _LARGE_SERIES[1]
            private.add_siemens_csa(file.dataset, *((11_000, 60_000) if large else (600, 800)))
        yield series, stack, _Template.of(file, identity.uid("corpus", series.folder))
        number += 1
