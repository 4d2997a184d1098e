"""Images made with a substance in the body: a radiopharmaceutical, a contrast agent."""

from __future__ import annotations

from dicomlake.samples.elements import code, item, later, time_text
from dicomlake.samples.encoding import SampleFile
from dicomlake.samples.entities import Series, Study
from dicomlake.samples.images.slices import Stack, ct_series, pet_series
from dicomlake.samples.studies import ABDOMEN, CHEST, CT_SCANNER, PET_SCANNER

_STACK = Stack(6, 4.0, 2.0)
_INTRAVENOUS = ("47625008", "SCT", "Intravenous route")


def radiopharmaceutical(study: Study) -> list[SampleFile]:
    """Answer a PET whose radiopharmaceutical is coded, with route, volume and specific activity."""
    files = pet_series(Series(study, 1, "PT", "FDG", PET_SCANNER, CHEST), _STACK)
    for file in files:
        (information,) = file.dataset.RadiopharmaceuticalInformationSequence
        information.update(
            item(
                RadiopharmaceuticalCodeSequence=code("35321007", "SCT", "Fluorodeoxyglucose F^18^"),
                AdministrationRouteCodeSequence=code(*_INTRAVENOUS),
                RadiopharmaceuticalVolume="5.5",
                RadiopharmaceuticalSpecificActivity="37000",
                RadionuclidePositronFraction="0.967",
            )
        )
    return files


def contrast(study: Study) -> list[SampleFile]:
    """Answer a CT with two contrast agents: one injected, one drunk."""
    series = Series(study, 1, "CT", "Portal venous", CT_SCANNER, ABDOMEN)
    files = ct_series(series, _STACK)
    for file in files:
        file.dataset.update(
            item(
                ContrastBolusAgent="Iohexol",
                ContrastBolusAgentSequence=[*code("109219007", "SCT", "Iohexol"), *code("65411000", "SCT", "Barium sulfate")],
                ContrastBolusRoute="IV",
                ContrastBolusAdministrationRouteSequence=[
                    *code(*_INTRAVENOUS),
                    *code("26643006", "SCT", "Oral route"),
                ],
                ContrastBolusVolume="90",
                ContrastBolusStartTime=time_text(later(series.start, -70)),
                ContrastBolusStopTime=time_text(later(series.start, -40)),
                ContrastBolusTotalDose="27",
                ContrastFlowRate=["3"],
                ContrastFlowDuration=["30"],
                ContrastBolusIngredient="IODINE",
                ContrastBolusIngredientConcentration="300",
            )
        )
    return files
