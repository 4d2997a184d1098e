-- A row for each series of microscopy bulk simple annotations, as ann_index of the Imaging Data Commons has them.
select
    series.SeriesInstanceUID,
    series.AnnotationCoordinateType,
    min(segments.source_series[1]) as referenced_SeriesInstanceUID
from series
left join segments on segments.series_key = series.series_key and segments.kind = 'annotation-group'
where series.Modality = 'ANN'
group by series.series_key, series.SeriesInstanceUID, series.AnnotationCoordinateType
order by series.SeriesInstanceUID
