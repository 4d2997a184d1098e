-- A row for each series of structure sets, as rtstruct_index of the Imaging Data Commons has them.
select
    series.SeriesInstanceUID,
    count(segments.segment_number) as total_rois,
    list(segments.label order by segments.SOPInstanceUID, segments.segment_number) filter (segments.label is not null) as ROINames,
    list(distinct segments.algorithm_type order by segments.algorithm_type)
        filter (segments.algorithm_type is not null) as ROIGenerationAlgorithms,
    list(distinct segments.interpreted_type order by segments.interpreted_type)
        filter (segments.interpreted_type is not null) as RTROIInterpretedTypes,
    min(segments.source_series[1]) as referenced_SeriesInstanceUID
from series
left join segments on segments.series_key = series.series_key and segments.kind = 'roi'
where series.Modality = 'RTSTRUCT'
group by series.series_key, series.SeriesInstanceUID
order by series.SeriesInstanceUID
