"""The patients of a sample: fixed ones, each for a reason, and ordinary ones, as many as needed.

Each name contains the word "synthetic" in its own script.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from dicomlake.samples.entities import Patient
from dicomlake.samples.identity import Identity

MARKUP_NAME = "<script>alert(1)</script>^Synthetic"

_FIXED_PATIENTS = 9
_LATIN = ("ISO_IR 100",)
_ISSUER = "SYNTHETIC-HOSPITAL"
_OTHER_ISSUER = "SYNTHETIC-CLINIC"


@dataclass(frozen=True, slots=True)
class FixedPatients:
    """The fixed patients of a sample, named by their purpose.

    Attributes:
        korean, chinese: share one PatientID and differ in IssuerOfPatientID: two patients.
        born, born_otherwise: one patient, whose birth date was written with day and month exchanged in a later study.
    """

    latin: Patient
    greek: Patient
    japanese: Patient
    korean: Patient
    chinese: Patient
    unicode: Patient
    born: Patient
    born_otherwise: Patient
    markup: Patient
    damaged: Patient


def fixed_patients(identity: Identity) -> FixedPatients:
    """Answer the fixed patients of a sample."""
    korean = _patient(identity, 4, "Synthetic^Gildong=합성^길동=합성^길동", ("", "ISO 2022 IR 149"), "가상 환자")
    chinese = _patient(identity, 5, "Synthetic^Xiaodong=合成^小东", ("GB18030",), "虚构的病人")
    born = _patient(identity, 7, "Synthetic^Doubtful^^Mr", _LATIN, "Born twice")
    born = replace(born, birth_date=dt.date(1950, 3, 12))
    return FixedPatients(
        latin=_patient(
            identity,
            1,
            "Synthétique^Zoé^^Mme",
            _LATIN,
            "Personne fictive, née nulle part",
            ClinicalTrialSponsorName="Synthetic Sponsor",
            ClinicalTrialProtocolID="SYN-PROTOCOL-7",
            ClinicalTrialSiteID="SITE-03",
            ClinicalTrialSubjectID="SUBJECT-0042",
        ),
        greek=_patient(identity, 2, "Συνθετικός^Δοκιμή", ("ISO_IR 126",), "Φανταστικό πρόσωπο"),
        japanese=_patient(identity, 3, "Synthetic^Taro=合成^太郎=ごうせい^たろう", ("", "ISO 2022 IR 87"), "架空の人物"),
        korean=korean,
        chinese=replace(chinese, patient_id=korean.patient_id, issuer=_OTHER_ISSUER),
        unicode=_patient(
            identity,
            6,
            "Synthetic^Żaneta=合成^Ζωή",
            ("ISO_IR 192",),
            "Fictional: ελληνικά, 日本語, עברית",
            PatientIdentityRemoved="YES",
            DeidentificationMethod=["Basic Profile", "Clean Descriptors"],
        ),
        born=born,
        born_otherwise=replace(born, birth_date=dt.date(1950, 12, 3)),
        markup=_patient(identity, 8, MARKUP_NAME, _LATIN, "Name & comments are <b>data</b>"),
        damaged=_patient(identity, _FIXED_PATIENTS, "Synthetic^Damaged", _LATIN, "Files with planted defects"),
    )


def ordinary_patient(identity: Identity, number: int) -> Patient:
    """Answer an ordinary patient; ``number`` counts from 1."""
    return _patient(identity, _FIXED_PATIENTS + number, f"Synthetic^Ordinary {number}", _LATIN, "Fictional")


def _patient(identity: Identity, number: int, name: str, character_set: tuple[str, ...], comments: str, **further: object) -> Patient:
    return Patient(
        folder=f"P{number:03d}",
        patient_id=f"SYN-{identity.code('sample')}-{number:03d}",
        issuer=_ISSUER,
        name=name,
        character_set=character_set,
        birth_date=dt.date(1930, 1, 1) + dt.timedelta(days=identity.number(0, 70 * 365, "birth", number)),
        sex="FM"[number % 2],
        comments=comments,
        further=further,
    )
