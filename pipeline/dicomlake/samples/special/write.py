"""Writing special studies, each of a kind of its own, for tests and for queries that the sample has nothing for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dicomlake.errors import ConfigurationError
from dicomlake.samples.archive import claim_destination, entry_of, references_of
from dicomlake.samples.encoding import PlantedFile, SampleFile
from dicomlake.samples.entities import Procedure, Study
from dicomlake.samples.identity import Identity
from dicomlake.samples.manifest import MANIFEST_NAME, Defect, Entry, Manifest, Reference, build_manifest
from dicomlake.samples.patients import ordinary_patient
from dicomlake.samples.special import agents, radiotherapy, reports, slides, volumes

_FIRST_PATIENT = 901
"""Patients count from here, so that a lake can hold an ordinary sample too."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a study is made, the words of its entry in the manifest, and the findings expected of its series."""

    make: Callable[[Study], list[SampleFile]]
    message: str
    findings: tuple[str, ...] = ()


_KINDS = {
    "missing-slice": _Kind(volumes.missing_slice, "a CT without its fifth slice", ("irregular-geometry",)),
    "doubled-slice": _Kind(volumes.doubled_slice, "a CT with two images at the position of its fifth slice", ("irregular-geometry",)),
    "localizer-in-series": _Kind(volumes.localizer_in_series, "a CT series that begins with two localizers"),
    "two-echoes": _Kind(volumes.two_echoes, "an MR series with images of two echo times at each position"),
    "tilted-gantry": _Kind(volumes.tilted_gantry, "a CT whose slices are shifted in their plane", ("irregular-geometry",)),
    "enhanced-gap": _Kind(volumes.enhanced_gap, "an enhanced CT without the frame of its fifth slice", ("irregular-geometry",)),
    "dangling-segmentation": _Kind(volumes.dangling_segmentation, "a segmentation of a CT that is not there", ("dangling-reference",)),
    "sourced-segmentation": _Kind(volumes.sourced_segmentation, "a CT and a segmentation of it"),
    "dose-report": _Kind(reports.dose_report, "a dose report of CT with two irradiation events (TID 10011, TID 10013)"),
    "fluoroscopy-dose-report": _Kind(
        reports.fluoroscopy_dose_report, "a dose report of fluoroscopy with two irradiation events (TID 10001, TID 10003)"
    ),
    "measurement-report": _Kind(reports.measurement_report, "a CT and a report of measurements on two findings (TID 1500)"),
    "stained-slide": _Kind(slides.stained_slide, "a slide with the steps of its preparation: fixative, embedding, staining"),
    "annotated-slide": _Kind(slides.annotated_slide, "a slide and microscopy bulk simple annotations of it"),
    "radiopharmaceutical": _Kind(agents.radiopharmaceutical, "a PET with its radiopharmaceutical"),
    "contrast": _Kind(agents.contrast, "a CT with two contrast agents"),
    "diffusion": _Kind(volumes.diffusion, "a diffusion MR without a gradient and with one in two directions"),
    "radiotherapy": _Kind(radiotherapy.radiotherapy, "a planning CT, its structure set, plan and dose"),
}

SPECIAL_KINDS = tuple(_KINDS)
"""The kinds of special studies."""


def write_special(destination: Path, kinds: Sequence[str] = SPECIAL_KINDS, seed: int = 0) -> Manifest:
    """Write special studies, one of each kind and each of a patient of its own, and ``manifest.json`` beside them.

    The same arguments write the same bytes. A study is the same whichever others are written with it.

    Args:
        destination: a folder that is new or empty.
        kinds: of ``SPECIAL_KINDS``.
        seed: any integer; studies of different seeds share no identifier.

    Returns:
        The content of ``manifest.json``. Its ``defects`` have an entry for each kind, with the folder of the study and the findings that
        one of its series has.

    Raises:
        ConfigurationError: ``destination`` is not empty, or a kind is unknown.
        AccessDenied: ``destination`` can't be made.

    Example:
        >>> write_special(Path("special"), ["missing-slice", "dose-report"]).counts.instances
        10
    """
    unknown = [kind for kind in kinds if kind not in _KINDS]
    if unknown:
        raise ConfigurationError(f"there is no special study '{unknown[0]}'; use one of {', '.join(SPECIAL_KINDS)}")
    claim_destination(destination)
    identity = Identity(seed)
    entries: list[Entry] = []
    defects: list[Defect] = []
    references: set[Reference] = set()
    for kind in kinds:
        study = _study(identity, kind)
        files = _KINDS[kind].make(study)
        for file in map(PlantedFile.whole, files):
            path = destination / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
            entries.append(entry_of(file))
        references.update(reference for file in files for reference in references_of(file.dataset))
        findings = _KINDS[kind].findings
        defects.append(Defect(kind, _KINDS[kind].message, study.folder, finding_codes=findings, level="series" if findings else None))
    manifest = build_manifest(seed, len(kinds), entries, defects, references)
    (destination / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8", newline="\n")
    return manifest


def _study(identity: Identity, kind: str) -> Study:
    patient = ordinary_patient(identity, _FIRST_PATIENT + SPECIAL_KINDS.index(kind))
    return Study(identity, patient, 1, Procedure(f"Special {kind}", "SPECIAL", f"Study made for {kind}"))
