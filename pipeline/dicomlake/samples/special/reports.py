"""Structured reports by templates of PS3.16: doses of CT and of fluoroscopy, measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, XRayRadiationDoseSRStorage

from dicomlake.samples.elements import date_text, item, later, reference, time_text
from dicomlake.samples.encoding import SampleFile
from dicomlake.samples.entities import Equipment, Series, Study
from dicomlake.samples.images.slices import Stack, ct_series
from dicomlake.samples.special.content import (
    CONTAINS,
    CONTEXT,
    MODIFIER,
    PROPERTY,
    coded,
    container,
    dcm,
    image,
    moment,
    name,
    number,
    path,
    sct,
    text,
    uid,
)
from dicomlake.samples.studies import CHEST, CT_SCANNER, WORKSTATION

_FLUOROSCOPE = Equipment("Synthetic Imaging", "C-arm", "SYNXA1", ("2.1",))

_MILLIGRAY = ("mGy", "mGy")
_MILLIGRAY_CENTIMETRES = ("mGy.cm", "mGy.cm")
_SQUARE_METRES_GRAY = ("Gy.m2", "Gy.m2")
_GRAY = ("Gy", "Gy")
_SECONDS = ("s", "s")
_MILLIMETRES = ("mm", "mm")
_KILOVOLTS = ("kV", "kV")
_MILLIAMPERES = ("mA", "mA")

_REPORT = dcm("113701", "X-Ray Radiation Dose Report")
_EVENT_UID = dcm("113769", "Irradiation Event UID")
_PROCEDURE = dcm("121058", "Procedure reported")


@dataclass(frozen=True, slots=True)
class _Acquisition:
    protocol: str
    region: tuple[str, str]
    type: tuple[str, str]
    ctdivol: str
    dlp: str
    scanning_length: str
    phantom: tuple[str, str]


_ACQUISITIONS = (
    _Acquisition(
        "Topogram",
        ("51185008", "Chest"),
        ("113805", "Constant Angle Acquisition"),
        "0.14",
        "6.90",
        "512",
        ("113691", "IEC Body Dosimetry Phantom"),
    ),
    _Acquisition(
        "Chest 1.5",
        ("51185008", "Chest"),
        ("116152004", "Spiral Acquisition"),
        "7.25",
        "251.60",
        "347",
        ("113691", "IEC Body Dosimetry Phantom"),
    ),
)


def dose_report(study: Study) -> list[SampleFile]:
    """Answer the dose report of a CT (TID 10011) with two irradiation events (TID 10013)."""
    series = Series(study, 1, "SR", "Dose report", CT_SCANNER, CHEST)
    events = [_ct_acquisition(series, index, acquisition) for index, acquisition in enumerate(_ACQUISITIONS, 1)]
    accumulated = container(
        CONTAINS,
        dcm("113811", "CT Accumulated Dose Data"),
        number(dcm("113812", "Total Number of Irradiation Events"), str(len(events)), ("{events}", "events")),
        number(dcm("113813", "CT Dose Length Product Total"), "258.50", _MILLIGRAY_CENTIMETRES),
        template="10012",
    )
    procedure = coded(_PROCEDURE, sct("77477000", "Computed Tomography X-Ray"), _intent(), relationship=MODIFIER)
    return [_dose(series, "10011", procedure, accumulated, *events)]


def _ct_acquisition(series: Series, index: int, acquisition: _Acquisition) -> Dataset:
    kind = sct(*acquisition.type) if acquisition.type[0].startswith("116") else dcm(*acquisition.type)
    source = container(
        CONTAINS,
        dcm("113831", "CT X-Ray Source Parameters"),
        text(dcm("113832", "Identification of the X-Ray Source"), "A"),
        number(dcm("113733", "KVP"), "120", _KILOVOLTS),
        number(dcm("113833", "Maximum X-Ray Tube Current"), "210", _MILLIAMPERES),
        number(dcm("113734", "X-Ray Tube Current"), "180", _MILLIAMPERES),
    )
    parameters = container(
        CONTAINS,
        dcm("113822", "CT Acquisition Parameters"),
        number(dcm("113824", "Exposure Time"), "4.2", _SECONDS),
        number(dcm("113825", "Scanning Length"), acquisition.scanning_length, _MILLIMETRES),
        number(dcm("113823", "Number of X-Ray Sources"), "1", ("{X-Ray sources}", "X-Ray sources")),
        source,
    )
    dose = container(
        CONTAINS,
        dcm("113829", "CT Dose"),
        number(dcm("113830", "Mean CTDIvol"), acquisition.ctdivol, _MILLIGRAY),
        coded(dcm("113835", "CTDIw Phantom Type"), dcm(*acquisition.phantom)),
        number(dcm("113838", "DLP"), acquisition.dlp, _MILLIGRAY_CENTIMETRES),
    )
    return container(
        CONTAINS,
        dcm("113819", "CT Acquisition"),
        text(dcm("125203", "Acquisition Protocol"), acquisition.protocol),
        coded(dcm("123014", "Target Region"), sct(*acquisition.region)),
        coded(dcm("113820", "CT Acquisition Type"), kind),
        uid(_EVENT_UID, series.study.identity.uid("irradiation", series.folder, index)),
        parameters,
        dose,
        template="10013",
    )


def fluoroscopy_dose_report(study: Study) -> list[SampleFile]:
    """Answer the dose report of a fluoroscopy (TID 10001) with two irradiation events (TID 10003)."""
    series = Series(study, 1, "SR", "Dose report", _FLUOROSCOPE, CHEST)
    plane = coded(dcm("113764", "Acquisition Plane"), dcm("113622", "Single Plane"))
    accumulated = container(
        CONTAINS,
        dcm("113702", "Accumulated X-Ray Dose Data"),
        plane,
        number(dcm("113722", "Dose Area Product Total"), "0.00042", _SQUARE_METRES_GRAY),
        number(dcm("113725", "Dose (RP) Total"), "0.0312", _GRAY),
        number(dcm("113730", "Total Fluoro Time"), "96", _SECONDS),
        template="10002",
    )
    events = [
        container(
            CONTAINS,
            dcm("113706", "Irradiation Event X-Ray Data"),
            plane,
            uid(_EVENT_UID, study.identity.uid("irradiation", series.folder, index)),
            moment(dcm("111526", "DateTime Started"), _moment(series, 60.0 * index)),
            coded(dcm("113721", "Irradiation Event Type"), kind),
            number(dcm("122130", "Dose Area Product"), area_product, _SQUARE_METRES_GRAY),
            number(dcm("113738", "Dose (RP)"), dose, _GRAY),
            number(dcm("113733", "KVP"), "80", _KILOVOLTS),
            number(dcm("113734", "X-Ray Tube Current"), "64", _MILLIAMPERES),
            template="10003",
        )
        for index, (kind, area_product, dose) in enumerate(
            [(sct("44491008", "Fluoroscopy"), "0.00012", "0.0092"), (dcm("113611", "Stationary Acquisition"), "0.0003", "0.022")], 1
        )
    ]
    procedure = coded(_PROCEDURE, dcm("113704", "Projection X-Ray"), _intent(), relationship=MODIFIER)
    return [_dose(series, "10001", procedure, accumulated, *events)]


def _intent() -> Dataset:
    return coded(sct("363703001", "Has Intent"), sct("261004008", "Diagnostic Intent"), relationship=MODIFIER)


def _dose(series: Series, template: str, procedure: Dataset, *content: Dataset) -> SampleFile:
    device = series.study.identity.uid("device", series.equipment.station)
    scope = coded(
        dcm("113705", "Scope of Accumulation"), dcm("113014", "Study"), uid(dcm("110180", "Study Instance UID"), series.study.uid, PROPERTY)
    )
    root = container(
        None,
        _REPORT,
        procedure,
        coded(dcm("121005", "Observer Type"), dcm("121007", "Device"), relationship=CONTEXT),
        uid(dcm("121012", "Device Observer UID"), device, CONTEXT),
        moment(dcm("113809", "Start of X-Ray Irradiation"), _moment(series, 0.0)),
        moment(dcm("113810", "End of X-Ray Irradiation"), _moment(series, 180.0)),
        scope,
        *content,
        coded(dcm("113854", "Source of Dose Information"), dcm("113856", "Automated Data Collection")),
        template=template,
    )
    return _report(series, XRayRadiationDoseSRStorage, root)


def measurement_report(study: Study) -> list[SampleFile]:
    """Answer a CT, and a report of measurements (TID 1500) on two findings in it, each with its site."""
    images = ct_series(Series(study, 1, "CT", "Measured", CT_SCANNER, CHEST), Stack(6, 2.5, 0.8))
    sources = [file.dataset for file in images]
    series = Series(study, 2, "SR", "Measurements", WORKSTATION, CHEST)
    right = _measurements(series, 1, sct("4147007", "Mass"), sct("39607008", "Lung"), "Right", sources[2], "1240.5", "14.2")
    left = _measurements(series, 2, sct("27925004", "Nodule"), sct("39607008", "Lung"), "Left", sources[4], "96", "5.8")
    library = container(CONTAINS, dcm("111028", "Image Library"), *(image(None, source) for source in sources))
    root = container(
        None,
        dcm("126000", "Imaging Measurement Report"),
        coded(
            dcm("121049", "Language of Content Item and Descendants"),
            ("en-US", "RFC5646", "English (United States)"),
            relationship=MODIFIER,
        ),
        coded(dcm("121005", "Observer Type"), dcm("121006", "Person"), relationship=CONTEXT),
        name(dcm("121008", "Person Observer Name"), "Reader^Synthetic"),
        coded(_PROCEDURE, sct("77477000", "Computed Tomography X-Ray"), relationship=MODIFIER),
        library,
        container(CONTAINS, dcm("126010", "Imaging Measurements"), right, left),
        template="1500",
    )
    return [*images, _report(series, ComprehensiveSRStorage, root, sources)]


def _measurements(  # noqa: PLR0917 - a row of a table
    series: Series,
    index: int,
    finding: tuple[str, str, str],
    site: tuple[str, str, str],
    side: str,
    source: Dataset,
    volume: str,
    axis: str,
) -> Dataset:
    sides = {"Right": sct("24028007", "Right"), "Left": sct("7771000", "Left")}
    laterality = coded(sct("272741003", "Laterality"), sides[side], relationship=MODIFIER)
    line = path(dcm("121055", "Path"), [1.0, 1.0, 5.0, 5.0], source)
    return container(
        CONTAINS,
        dcm("125007", "Measurement Group"),
        text(dcm("112039", "Tracking Identifier"), f"Lesion {index}", CONTEXT),
        uid(dcm("112040", "Tracking Unique Identifier"), series.study.identity.uid("lesion", series.folder, index), CONTEXT),
        coded(dcm("121071", "Finding"), finding),
        coded(sct("363698007", "Finding Site"), site, laterality, relationship=MODIFIER),
        number(sct("118565006", "Volume"), volume, ("mm3", "cubic millimeter")),
        number(sct("103339001", "Long Axis"), axis, ("mm", "millimeter"), line),
        template="1501",
    )


def _report(series: Series, sop_class_uid: str, root: Dataset, evidence: Sequence[Dataset] = ()) -> SampleFile:
    dataset = series.instance(1, sop_class_uid)
    dataset.update(root)
    dataset.update(item(CompletionFlag="COMPLETE", VerificationFlag="UNVERIFIED", PerformedProcedureCodeSequence=[]))
    if evidence:
        of_series = item(SeriesInstanceUID=evidence[0].SeriesInstanceUID, ReferencedSOPSequence=[reference(one) for one in evidence])
        dataset.CurrentRequestedProcedureEvidenceSequence = [item(StudyInstanceUID=series.study.uid, ReferencedSeriesSequence=[of_series])]
    return SampleFile.of(series, dataset)


def _moment(series: Series, seconds: float) -> str:
    return date_text(series.study.date) + time_text(later(series.start, seconds))
