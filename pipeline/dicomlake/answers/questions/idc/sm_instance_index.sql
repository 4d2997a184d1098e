-- A row for each slide instance, as sm_instance_index of the Imaging Data Commons has them.
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
    select SOPInstanceUID,
        list(distinct value order by value) filter (purpose = 'embedding') as embeddingMedium_CodeMeaning,
        list(distinct code order by code) filter (purpose = 'embedding') as embeddingMedium_code_designator_value_str,
        list(distinct value order by value) filter (purpose = 'fixative') as tissueFixative_CodeMeaning,
        list(distinct code order by code) filter (purpose = 'fixative') as tissueFixative_code_designator_value_str,
        list(distinct value order by value) filter (purpose = 'stain') as staining_usingSubstance_CodeMeaning,
        list(distinct code order by code) filter (purpose = 'stain') as staining_usingSubstance_code_designator_value_str
    from preparation
    group by SOPInstanceUID
),
of_frames as (
    select SOPInstanceUID, min(PixelSpacing[1]) as spacing from frames group by SOPInstanceUID
)
select
    instances.SOPInstanceUID,
    instances.SeriesInstanceUID,
    prepared.embeddingMedium_CodeMeaning,
    prepared.embeddingMedium_code_designator_value_str,
    prepared.tissueFixative_CodeMeaning,
    prepared.tissueFixative_code_designator_value_str,
    prepared.staining_usingSubstance_CodeMeaning,
    prepared.staining_usingSubstance_code_designator_value_str,
    coalesce(of_frames.spacing, instances.PixelSpacing[1]) as PixelSpacing_0,
    instances.ImageType,
    instances.TransferSyntaxUID,
    instances.file_size as instance_size,
    instances.TotalPixelMatrixColumns,
    instances.TotalPixelMatrixRows
from instances
left join prepared using (SOPInstanceUID)
left join of_frames using (SOPInstanceUID)
where instances.Modality = 'SM'
order by instances.SOPInstanceUID
