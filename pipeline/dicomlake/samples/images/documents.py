"""Documents in DICOM: a structured report that points at images, a PDF in an envelope and a page put on a scanner."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, EncapsulatedPDFStorage, SecondaryCaptureImageStorage

from dicomlake.samples.elements import code, date_text, decimals, item, reference, time_text
from dicomlake.samples.encoding import SampleFile, pixels
from dicomlake.samples.entities import Series

_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def structured_report(series: Series, images: Sequence[Dataset]) -> SampleFile:
    """Answer a comprehensive report (PS3.3 A.35.3): a measurement, and the images it was made on as evidence."""
    study = series.study
    dataset = series.instance(1, ComprehensiveSRStorage)
    dataset.update(
        item(
            ValueType="CONTAINER",
            ConceptNameCodeSequence=code("126000", "DCM", "Imaging Measurement Report"),
            ContinuityOfContent="SEPARATE",
            CompletionFlag="COMPLETE",
            VerificationFlag="VERIFIED",
            VerifyingObserverSequence=[
                item(
                    VerifyingObserverName="Reader^Synthetic^^Dr",
                    VerificationDateTime=date_text(study.date) + time_text(series.start),
                    VerifyingOrganization="Synthetic Hospital",
                )
            ],
            CurrentRequestedProcedureEvidenceSequence=[
                item(
                    StudyInstanceUID=study.uid,
                    ReferencedSeriesSequence=[
                        item(
                            SeriesInstanceUID=images[0].SeriesInstanceUID,
                            ReferencedSOPSequence=[reference(image) for image in images],
                        )
                    ],
                )
            ],
            ContentSequence=[
                item(
                    RelationshipType="CONTAINS",
                    ValueType="NUM",
                    ConceptNameCodeSequence=code("410668003", "SCT", "Length"),
                    MeasuredValueSequence=[
                        item(
                            NumericValue="12.5",
                            MeasurementUnitsCodeSequence=code("mm", "UCUM", "millimeter"),
                        )
                    ],
                    ContentSequence=[_image_item("INFERRED FROM", images[0])],
                ),
                *(_image_item("CONTAINS", image) for image in images[1:]),
            ],
        )
    )
    return SampleFile.of(series, dataset)


def _image_item(relationship: str, image: Dataset) -> Dataset:
    return item(
        RelationshipType=relationship,
        ValueType="IMAGE",
        ConceptNameCodeSequence=code("121112", "DCM", "Source of Measurement"),
        ReferencedSOPSequence=[reference(image)],
    )


def encapsulated_pdf(series: Series, images: Sequence[Dataset]) -> SampleFile:
    """Answer an encapsulated PDF (PS3.3 A.45.1) that was written on ``images``."""
    dataset = series.instance(1, EncapsulatedPDFStorage)
    dataset.update(series.acquired(0))
    dataset.update(
        item(
            ConversionType="WSD",
            BurnedInAnnotation="YES",
            ConceptNameCodeSequence=code("18748-4", "LN", "Diagnostic imaging report"),
            SourceInstanceSequence=[reference(image) for image in images],
            DocumentTitle="Synthetic report",
            MIMETypeOfEncapsulatedDocument="application/pdf",
            EncapsulatedDocument=_PDF + b"\0" * (len(_PDF) % 2),
            EncapsulatedDocumentLength=len(_PDF),
        )
    )
    return SampleFile.of(series, dataset)


def scanned_page(series: Series) -> SampleFile:
    """Answer a secondary capture (PS3.3 A.8.1) of a page on paper."""
    dataset = series.instance(1, SecondaryCaptureImageStorage)
    dataset.update(series.acquired(0))
    dataset.update(pixels(10, 8, bits_stored=8))
    dataset.update(
        item(
            ImageType=["DERIVED", "SECONDARY"],
            ConversionType="SD",
            PatientOrientation="",
            BurnedInAnnotation="YES",
            NominalScannedPixelSpacing=decimals(0.0847, 0.0847),
            ImageComments="Scanned request",
        )
    )
    return SampleFile.of(series, dataset)
