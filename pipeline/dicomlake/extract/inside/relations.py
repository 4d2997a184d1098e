"""The relation of an object to what it refers to: it follows from the path of the reference, and from the SOP class of the object."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_SEGMENTATION_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.66.{number}" for number in (4, 5, 7, 8))
"""Segmentation, Surface Segmentation, Label Map Segmentation, Height Map Segmentation."""

_BY_ANY_STEP = {
    # Lists of all that a document or an image refers to (PS3.3 C.17.2, C.7.6.16.1), and what its content refers to (C.17.3).
    "CurrentRequestedProcedureEvidenceSequence": "evidence",
    "PertinentOtherEvidenceSequence": "evidence",
    "ContentSequence": "evidence",
    "ReferencedImageEvidenceSequence": "evidence",
    "SourceImageEvidenceSequence": "evidence",
    "PredecessorDocumentsSequence": "predecessor",
    "PredecessorStructureSetSequence": "predecessor",
    # Registrations (PS3.3 C.20.2, C.20.3).
    "RegistrationSequence": "registration",
    "DeformableRegistrationSequence": "registration",
    "ReferencedSpatialRegistrationSequence": "registration",
    "ReferencedRealWorldValueMappingInstanceSequence": "real-world-value-mapping",
    "ReferencedImageRealWorldValueMappingSequence": "real-world-value-mapping",
    # Presentation states and structured displays (PS3.3 C.10, C.11).
    "GraphicAnnotationSequence": "presentation",
    "DisplayedAreaSelectionSequence": "presentation",
    "SoftcopyVOILUTSequence": "presentation",
    "ReferencedPresentationStateSequence": "presentation",
    "BlendingSequence": "presentation",
    "AdvancedBlendingSequence": "presentation",
    "VolumetricPresentationStateInputSequence": "presentation",
    "StructuredDisplayImageBoxSequence": "presentation",
}
"""Relations by a sequence anywhere on the path; the outermost one counts."""

_BY_LAST_STEP = {
    "SourceImageSequence": "source-image",
    "SourceInstanceSequence": "source-image",
    "ReferencedRTPlanSequence": "referenced-plan",
    "ReferencedStructureSetSequence": "referenced-structure-set",
    "ReferencedDoseSequence": "referenced-dose",
    "ReferencedPerformedProcedureStepSequence": "performed-procedure-step",
    "ReferencedImageSequence": "referenced-image",
}
"""Relations by the sequence that holds the reference."""


def relation_of(element_path: str, sop_class: str | None) -> str:
    """The relation of one reference.

    Args:
        element_path: keywords of the sequences from the top, joined by dots.
        sop_class: SOPClassUID of the object that refers.

    Returns:
        A name of the column `relation`.

    Example:
        >>> relation_of("DerivationImageSequence.SourceImageSequence", None)
        'source-image'
    """
    steps = element_path.split(".")
    by_any_step = next((_BY_ANY_STEP[step] for step in steps if step in _BY_ANY_STEP), None)
    if by_any_step is not None:
        return by_any_step
    if steps[-1] == "ContourImageSequence" and steps[0] in ("ReferencedFrameOfReferenceSequence", "ROIContourSequence"):
        return "structure-set-image"
    if steps[-2:] == ["ReferencedSeriesSequence", "ReferencedImageSequence"]:
        return "presentation"
    if steps[-2:] == ["ReferencedSeriesSequence", "ReferencedInstanceSequence"]:
        return "segmented-image" if sop_class in _SEGMENTATION_CLASSES else "referenced-image"
    return _BY_LAST_STEP.get(steps[-1], "other")


def with_relations(references: pa.Table, instances: pa.Table) -> pa.Table:
    """Set the column `relation`.

    Args:
        references: the table `instance_references` of a unit.
        instances: the table `instances` of the unit; each reference has the ``url`` of one of its rows.

    Returns:
        The table with its relations.
    """
    if not references.num_rows:
        return references
    of_instance = pc.index_in(references["url"], instances["url"].combine_chunks())
    pairs = pa.table({"path": references["element_path"], "sop_class": instances["SOPClassUID"].take(of_instance)})
    distinct = pairs.group_by(["path", "sop_class"], use_threads=False).aggregate([])
    relations = [relation_of(row["path"], row["sop_class"]) for row in distinct.to_pylist()]
    keys = pc.binary_join_element_wise(*_as_texts(distinct), "\n")
    found = pc.index_in(pc.binary_join_element_wise(*_as_texts(pairs), "\n"), keys.combine_chunks())
    column = references.schema.get_field_index("relation")
    return references.set_column(column, references.schema.field(column), pa.array(relations, pa.string()).take(found.combine_chunks()))


def _as_texts(pairs: pa.Table) -> list[pa.ChunkedArray]:
    return [pairs["path"], pc.fill_null(pairs["sop_class"], "")]
