-- A row for each series of slides, as sm_index of the Imaging Data Commons has them.
with preparation as (
    select series_key, SOPInstanceUID, value,
        value_scheme || ':' || value_code as code,
        case
            when concept_code = '430863003' or lower(concept_meaning) = 'embedding medium' then 'embedding'
            when concept_code = '430864009' or lower(concept_meaning) = 'tissue fixative' then 'fixative'
            when concept_code = '424361007' or lower(concept_meaning) = 'using substance' then 'stain'
        end as purpose
    from content_items
    where element_path like '%SpecimenPreparationStepContentItemSequence' and ValueType = 'CODE'
),
prepared as (
    select series_key,
        list(distinct value order by value) filter (purpose = 'embedding') as embeddingMedium_CodeMeaning,
        list(distinct code order by code) filter (purpose = 'embedding') as embeddingMedium_code_designator_value_str,
        list(distinct value order by value) filter (purpose = 'fixative') as tissueFixative_CodeMeaning,
        list(distinct code order by code) filter (purpose = 'fixative') as tissueFixative_code_designator_value_str,
        list(distinct value order by value) filter (purpose = 'stain') as staining_usingSubstance_CodeMeaning,
        list(distinct code order by code) filter (purpose = 'stain') as staining_usingSubstance_code_designator_value_str
    from preparation
    group by series_key
),
of_instances as (
    select series_key, max(TotalPixelMatrixColumns) as widest, max(TotalPixelMatrixRows) as highest,
        max(OpticalPath_ObjectiveLensPower)::bigint as lens_power
    from instances
    where Modality = 'SM'
    group by series_key
),
of_frames as (
    select series_key, min(PixelSpacing[1]) as finest from frames group by series_key
)
select
    series.SeriesInstanceUID,
    series.ContainerIdentifier,
    prepared.embeddingMedium_CodeMeaning,
    prepared.embeddingMedium_code_designator_value_str,
    prepared.tissueFixative_CodeMeaning,
    prepared.tissueFixative_code_designator_value_str,
    prepared.staining_usingSubstance_CodeMeaning,
    prepared.staining_usingSubstance_code_designator_value_str,
    case when coalesce(of_frames.finest, series.PixelSpacing[1]) > 0
        then round(coalesce(of_frames.finest, series.PixelSpacing[1]),
            (1 - floor(log10(coalesce(of_frames.finest, series.PixelSpacing[1]))))::integer) end as min_PixelSpacing_2sf,
    of_instances.widest as max_TotalPixelMatrixColumns,
    of_instances.highest as max_TotalPixelMatrixRows,
    of_instances.lens_power as ObjectiveLensPower,
    series.PrimaryAnatomicStructure_CodingSchemeDesignator || ':' || series.PrimaryAnatomicStructure_CodeValue
        as primaryAnatomicStructure_code_designator_value_str,
    series.PrimaryAnatomicStructure_CodeMeaning as primaryAnatomicStructure_CodeMeaning,
    series.PrimaryAnatomicStructureModifier_CodingSchemeDesignator || ':' || series.PrimaryAnatomicStructureModifier_CodeValue
        as primaryAnatomicStructureModifier_code_designator_value_str,
    series.PrimaryAnatomicStructureModifier_CodeMeaning as primaryAnatomicStructureModifier_CodeMeaning,
    series.IlluminationTypeCode_CodingSchemeDesignator || ':' || series.IlluminationTypeCode_CodeValue
        as illuminationType_code_designator_value_str,
    series.IlluminationTypeCode_CodeMeaning as illuminationType_CodeMeaning,
    studies.AdmittingDiagnosesCode_CodingSchemeDesignator || ':' || studies.AdmittingDiagnosesCode_CodeValue
        as admittingDiagnosis_code_designator_value_str,
    studies.AdmittingDiagnosesCode_CodeMeaning as admittingDiagnosis_CodeMeaning
from series
join studies using (study_key)
left join prepared using (series_key)
left join of_instances using (series_key)
left join of_frames using (series_key)
where series.Modality = 'SM'
order by series.SeriesInstanceUID
