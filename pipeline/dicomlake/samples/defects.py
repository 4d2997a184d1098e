"""The damaged patient: a study whose files are cut, bare, duplicates or not DICOM, as in real archives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from dicomlake.errors import FileCode, FileStatus, FindingCode
from dicomlake.samples import damage
from dicomlake.samples.elements import item
from dicomlake.samples.encoding import PlantedFile, SampleFile, encode, encode_directory
from dicomlake.samples.entities import Series, Study
from dicomlake.samples.identity import Identity
from dicomlake.samples.images.projection import cr_series
from dicomlake.samples.images.slices import Stack, ct_series
from dicomlake.samples.manifest import Defect
from dicomlake.samples.patients import FixedPatients
from dicomlake.samples.studies import CHEST, CT_CHEST, CT_SCANNER, RADIOGRAPH

INVALID_DATE = "20230230"
"""Eight digits that are not a day of the calendar."""

_MISSING_SLICE = 9
_CUT_INSIDE = "WindowCenter"

_TEXT = "Scans of the synthetic patient, sent on a disk.\nThis file is plain text, whatever its folder says.\n"


@dataclass(frozen=True, slots=True)
class Damage:
    """Files, and the defects in them."""

    files: tuple[PlantedFile, ...]
    defects: tuple[Defect, ...]

    def __add__(self, other: Damage) -> Damage:
        """Answer the files and defects of both."""
        return Damage(self.files + other.files, self.defects + other.defects)


def damaged_study(identity: Identity, patients: FixedPatients) -> Damage:
    """Answer the damaged patient's one study."""
    study = Study(identity, patients.damaged, 1, CT_CHEST)
    return _values_and_copies(study) + _gap(study) + _damaged_files(study) + _no_dicom(study)


def entity_defects(patients: FixedPatients) -> tuple[Defect, ...]:
    """Answer the defects and pitfalls of whole patients of the fixed studies."""
    later, name = patients.born_otherwise, patients.markup.name
    return (
        Defect(
            kind="birth-date-differs",
            path=later.folder,
            message="the second study has another birth date of the same patient: day and month exchanged",
            finding_codes=(FindingCode.INCONSISTENT_ATTRIBUTE,),
            level="patient",
            keyword="PatientBirthDate",
            raw=later.birth_date.strftime("%Y%m%d"),
        ),
        Defect(
            kind="markup-name",
            path=patients.markup.folder,
            message="the patient's name is markup; it is data like any other",
            keyword="PatientName",
            raw=name,
        ),
        Defect(
            kind="shared-patient-id",
            path=patients.chinese.folder,
            message=f"PatientID is that of {patients.korean.folder}, issued elsewhere: another patient",
            keyword="PatientID",
            raw=patients.chinese.patient_id,
        ),
    )


def _values_and_copies(study: Study) -> Damage:
    """Answer a CT series with an invalid date in one slice, a copy of another and a conflicting copy of a third."""
    series = ct_series(Series(study, 1, "CT", "Chest 2.0", CT_SCANNER, CHEST), Stack(16, 2.0, 0.75))
    files = [PlantedFile.whole(file) for file in series]
    copied, contradicted, misdated = 2, 3, 4
    content = damage.with_value(files[misdated].content, "AcquisitionDate", INVALID_DATE.encode())
    files[misdated] = replace(files[misdated], content=content)
    # One copy sorts after its original, the other before: the smallest path is kept, not the first written.
    copy = replace(files[copied], path=PurePosixPath("restored", files[copied].path))
    contradiction = _contradiction(series[contradicted])
    return Damage(
        (*files, copy, contradiction),
        (
            Defect(
                kind="invalid-date",
                path=str(files[misdated].path),
                message="AcquisitionDate is not a day of the calendar",
                status=FileStatus.INDEXED,
                finding_codes=(FindingCode.INVALID_DATE,),
                level="value",
                keyword="AcquisitionDate",
                raw=INVALID_DATE,
            ),
            Defect(
                kind="duplicate",
                path=str(copy.path),
                message=f"the same bytes as {files[copied].path}, which is kept",
                status=FileStatus.DUPLICATE,
            ),
            Defect(
                kind="conflicting-duplicate",
                path=str(files[contradicted].path),
                message=f"{contradiction.path} has the same SOPInstanceUID, another window, and is kept",
                status=FileStatus.DUPLICATE,
                finding_codes=(FindingCode.CONFLICTING_DUPLICATE,),
                level="file",
                keyword="SOPInstanceUID",
            ),
        ),
    )


def _contradiction(file: SampleFile) -> PlantedFile:
    dataset = Dataset()
    dataset.update(file.dataset)
    dataset.update(item(WindowCenter=["-500"], WindowWidth=["1400"], ImageComments="Sent again"))
    return PlantedFile.whole(SampleFile(PurePosixPath("Inbox", file.path), dataset, file.transfer_syntax))


def _gap(study: Study) -> Damage:
    """Answer a CT series without one of its slices."""
    series = Series(study, 2, "CT", "Chest 3.0", CT_SCANNER, CHEST)
    files = [PlantedFile.whole(file) for file in ct_series(series, Stack(16, 3.0, 0.75)) if file.dataset.InstanceNumber != _MISSING_SLICE]
    defect = Defect(
        kind="missing-slice",
        path=series.folder,
        message=f"slice {_MISSING_SLICE} of 16 is not there",
        finding_codes=(FindingCode.IRREGULAR_GEOMETRY,),
        level="series",
        keyword="ImagePositionPatient",
    )
    return Damage(tuple(files), (defect,))


def _damaged_files(study: Study) -> Damage:
    """Answer radiographs whose bytes are damaged, each in another way."""
    series = Series(study, 3, "CR", "Chest", RADIOGRAPH, CHEST)
    cut, naked, bodiless, bare, anonymous = cr_series(series, ["PA", "LATERAL", "PA", "LATERAL", "PA"])
    return (
        _damaged(
            PlantedFile(
                cut.path,
                damage.cut_inside(encode(cut), _CUT_INSIDE),
                cut.dataset,
                cut.transfer_syntax,
                code=FileCode.TRUNCATED,
            ),
            Defect(
                kind="cut-header",
                message=f"the file ends inside {_CUT_INSIDE}; all keys stand before it",
                finding_codes=(FileCode.TRUNCATED,),
                keyword=_CUT_INSIDE,
            ),
        )
        + _damaged(
            PlantedFile(naked.path, damage.without_preamble(encode(naked)), naked.dataset, naked.transfer_syntax),
            Defect(
                kind="no-preamble",
                message="the file begins with its file meta information",
                finding_codes=(FindingCode.MISSING_PREAMBLE,),
            ),
        )
        + _damaged(
            PlantedFile(bodiless.path, damage.without_meta(encode(bodiless)), bodiless.dataset),
            Defect(
                kind="no-file-meta",
                message="the data set, explicit little endian, follows DICM at once",
                finding_codes=(FindingCode.MISSING_FILE_META,),
            ),
        )
        + _damaged(
            PlantedFile(bare.path, damage.bare(encode(replace(bare, transfer_syntax=ImplicitVRLittleEndian))), bare.dataset),
            Defect(
                kind="bare-data-set",
                message="neither preamble nor file meta information: a data set, implicit little endian",
                finding_codes=(FindingCode.MISSING_PREAMBLE, FindingCode.MISSING_FILE_META),
            ),
        )
        + _damaged(
            PlantedFile(
                anonymous.path,
                damage.without_instance_uid(encode(anonymous)),
                status=FileStatus.FAILED,
                code=FileCode.MISSING_KEY,
            ),
            Defect(
                kind="no-instance-uid",
                message="no SOPInstanceUID in the data set, none in the file meta information",
                keyword="SOPInstanceUID",
            ),
        )
    )


def _no_dicom(study: Study) -> Damage:
    """Answer common files of archives that are not instances."""
    rubbish = FileStatus.NOT_DICOM
    return (
        _damaged(
            PlantedFile(PurePosixPath(study.folder, "README.dcm"), _TEXT.encode(), status=rubbish, code=FileCode.NOT_DICOM),
            Defect(kind="text-file", message="plain text under a name that says DICOM"),
        )
        + _damaged(
            PlantedFile(PurePosixPath(study.folder, "0001.dcm"), b"", status=rubbish, code=FileCode.EMPTY_FILE),
            Defect(kind="empty-file", message="no byte at all"),
        )
        + _damaged(
            PlantedFile(
                PurePosixPath("DICOMDIR"),
                encode_directory(study.identity.uid("directory")),
                status=FileStatus.SKIPPED,
                code=FileCode.DICOMDIR,
            ),
            Defect(kind="dicomdir", message="the directory of a disk, empty: an index and no instance"),
        )
    )


def _damaged(file: PlantedFile, defect: Defect) -> Damage:
    """Answer one file with its defect, which gets path, status and code of the file."""
    level = "file" if defect.finding_codes else None
    known = replace(defect, path=str(file.path), status=file.status, code=file.code, level=level)
    return Damage((file,), (known,))
