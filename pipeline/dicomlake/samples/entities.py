"""Patients, studies and series of a sample: the attributes that all instances of one of them share.

Only this module sets attributes of a patient, study or series. So two instances of one entity differ only where a defect was planted.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from dicomlake.samples.elements import code, date_text, item, later, time_text
from dicomlake.samples.identity import Identity

_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Patient:
    """A person who does not exist.

    Attributes:
        folder: first part of the paths of all files.
        name: PatientName, decoded; component groups joined by ``=``.
        character_set: values of SpecificCharacterSet that can write ``name`` and ``comments``.
        further: other attributes of the patient, PS3.6 keyword to value.
    """

    folder: str
    patient_id: str
    issuer: str
    name: str
    character_set: tuple[str, ...]
    birth_date: dt.date
    sex: str
    comments: str
    further: dict[str, object] = field(default_factory=dict)

    def dataset(self) -> Dataset:
        """Answer the Patient Module (PS3.3 C.7.1.1) and the character set."""
        return item(
            SpecificCharacterSet=list(self.character_set),
            PatientID=self.patient_id,
            IssuerOfPatientID=self.issuer,
            PatientName=self.name,
            PatientBirthDate=date_text(self.birth_date),
            PatientSex=self.sex,
            OtherPatientIDs=[f"{self.patient_id}-OLD", f"{self.patient_id}-TRIAL"],
            EthnicGroup="Synthetic",
            PatientSpeciesDescription="Homo sapiens",
            PatientComments=self.comments,
            **{"PatientIdentityRemoved": "NO", **self.further},
        )


@dataclass(frozen=True, slots=True)
class Procedure:
    """An ordered procedure: its description and code."""

    description: str
    code_value: str
    code_meaning: str


@dataclass(frozen=True, slots=True)
class Study:
    """A visit of a patient.

    Attributes:
        number: counts from 1 within the patient; names the folder.
    """

    identity: Identity
    patient: Patient
    number: int
    procedure: Procedure

    @property
    def uid(self) -> str:
        """Answer StudyInstanceUID."""
        return self.identity.uid("study", self.folder)

    @property
    def folder(self) -> str:
        """Answer the path of the study below the root."""
        return f"{self.patient.folder}/study-{self.number}"

    @property
    def date(self) -> dt.date:
        """Answer StudyDate; studies of a patient are half a year apart."""
        first = self.identity.date("study", self.patient.folder)
        return first + dt.timedelta(days=182 * (self.number - 1))

    @property
    def time(self) -> dt.time:
        """Answer StudyTime."""
        return self.identity.time("study", self.folder)

    def dataset(self) -> Dataset:
        """Answer the General Study and Patient Study Modules (PS3.3 C.7.2), with the patient's."""
        years = int((self.date - self.patient.birth_date).days / _DAYS_PER_YEAR)
        dataset = self.patient.dataset()
        dataset.update(
            item(
                StudyInstanceUID=self.uid,
                StudyID=f"S{self.number}",
                StudyDate=date_text(self.date),
                StudyTime=time_text(self.time),
                AccessionNumber=self.identity.code("accession", self.folder).upper(),
                StudyDescription=self.procedure.description,
                ReferringPhysicianName="Referrer^Synthetic^^Dr",
                PatientAge=f"{years:03d}Y",
                PatientSize=f"1.{self.identity.number(50, 95, 'size', self.patient.folder)}",
                PatientWeight=str(self.identity.number(48, 110, "weight", self.folder)),
                AdmissionID=f"ADM-{self.identity.code('admission', self.folder)}",
                RequestedProcedureDescription=self.procedure.description,
                ProcedureCodeSequence=code(self.procedure.code_value, "99DICOMLAKE", self.procedure.code_meaning),
                TimezoneOffsetFromUTC="+0100",
            )
        )
        if "ClinicalTrialProtocolID" in self.patient.further:
            dataset.ClinicalTrialTimePointID = f"TP{self.number}"
        return dataset


@dataclass(frozen=True, slots=True)
class Equipment:
    """A machine that does not exist."""

    manufacturer: str
    model: str
    station: str
    software: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A series of one study.

    Attributes:
        number: SeriesNumber.
        body_part: defined term of PS3.16 annex L and its SNOMED code and meaning.
        further: other attributes of the series, PS3.6 keyword to value.
        suffix: what file names end in; some archives write none.
    """

    study: Study
    number: int
    modality: str
    description: str
    equipment: Equipment
    body_part: tuple[str, str, str]
    further: dict[str, object] = field(default_factory=dict)
    transfer_syntax: str = ExplicitVRLittleEndian
    suffix: str = ".dcm"

    @property
    def uid(self) -> str:
        """Answer SeriesInstanceUID."""
        return self.study.identity.uid("series", self.folder)

    @property
    def folder(self) -> str:
        """Answer the path of the series below the root."""
        return f"{self.study.folder}/{self.number:03d}_{self.modality}"

    @property
    def start(self) -> dt.time:
        """Answer SeriesTime: some minutes after the study began."""
        return later(self.study.time, 300 * self.number)

    def path(self, instance_number: int) -> PurePosixPath:
        """Answer the path of an instance below the root."""
        return PurePosixPath(self.folder, f"{instance_number:04d}{self.suffix}")

    def instance(self, number: int, sop_class_uid: str) -> Dataset:
        """Answer a data set without an image: patient, study, series, equipment, identity."""
        study, identity, equipment = self.study, self.study.identity, self.equipment
        term, snomed, meaning = self.body_part
        begin, moment = time_text(self.start), time_text(later(self.start, 0.75 * number))
        date = date_text(study.date)
        dataset = study.dataset()
        dataset.update(
            item(
                SeriesInstanceUID=self.uid,
                SeriesNumber=str(self.number),
                SeriesDate=date,
                SeriesTime=begin,
                Modality=self.modality,
                SeriesDescription=self.description,
                ProtocolName=f"{self.modality}_{term}_STANDARD",
                BodyPartExamined=term,
                OperatorsName=["Operator^Synthetic", "Trainee^Synthetic"],
                PerformingPhysicianName=["Performer^Synthetic^^Dr"],
                PerformedProcedureStepID=f"PPS{self.number:03d}",
                PerformedProcedureStepStartDate=date,
                PerformedProcedureStepStartTime=begin,
                PerformedProcedureStepDescription=self.description,
                AnatomicRegionSequence=code(snomed, "SCT", meaning),
                RequestAttributesSequence=[
                    item(RequestedProcedureID=f"RP{study.number}", ScheduledProcedureStepID=f"SPS{self.number:03d}")
                ],
                Manufacturer=equipment.manufacturer,
                ManufacturerModelName=equipment.model,
                DeviceSerialNumber=identity.code("device", equipment.station),
                DeviceUID=identity.uid("device", equipment.station),
                SoftwareVersions=list(equipment.software),
                StationName=equipment.station,
                InstitutionName="Synthetic Hospital",
                InstitutionalDepartmentName="Imaging",
                SOPClassUID=sop_class_uid,
                SOPInstanceUID=identity.uid("instance", self.folder, number),
                InstanceNumber=str(number),
                InstanceCreationDate=date,
                InstanceCreationTime=moment,
                ContentDate=date,
                ContentTime=moment,
                **self.further,
            )
        )
        return dataset

    def acquired(self, number: int) -> Dataset:
        """Answer the acquisition date and time of an image; a larger ``number`` is later."""
        date, moment = date_text(self.study.date), time_text(later(self.start, 0.5 * number))
        return item(
            AcquisitionNumber="1",
            AcquisitionDate=date,
            AcquisitionTime=moment,
            AcquisitionDateTime=date + moment,
        )

    def frame_of_reference(self, name: str = "") -> Dataset:
        """Answer the Frame of Reference Module (PS3.3 C.7.4.1); series of a study share the frame of one name."""
        uid = self.study.identity.uid("frame of reference", self.study.folder, name)
        return item(FrameOfReferenceUID=uid, PositionReferenceIndicator="XY" if name == "slide" else "SN")
