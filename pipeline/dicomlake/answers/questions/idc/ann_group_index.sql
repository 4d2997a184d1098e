-- A row for each annotation group of microscopy bulk simple annotations, as ann_group_index of the Imaging Data Commons has them.
select
    SeriesInstanceUID,
    segment_number as AnnotationGroupNumber,
    tracking_uid as AnnotationGroupUID,
    label as AnnotationGroupLabel,
    algorithm_type as AnnotationGroupGenerationType,
    contours as NumberOfAnnotations,
    graphic_type as GraphicType,
    category_code as AnnotationPropertyCategory_code,
    category_meaning as AnnotationPropertyCategory_CodeMeaning,
    type_code as AnnotationPropertyType_code,
    type_meaning as AnnotationPropertyType_CodeMeaning,
    algorithm_name as AlgorithmName
from segments
where kind = 'annotation-group'
order by SeriesInstanceUID, SOPInstanceUID, segment_number
