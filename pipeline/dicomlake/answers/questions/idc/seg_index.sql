-- A row for each series of segmentations, as seg_index of the Imaging Data Commons has them.
with algorithms as (
    select series_key, algorithm_type, algorithm_name, count(*) as segments from segments where kind = 'segment' group by all
),
most_frequent as (
    select distinct on (series_key) series_key, algorithm_type, algorithm_name
    from algorithms
    order by series_key, segments desc, algorithm_type, algorithm_name
),
of_segments as (
    select series_key, count(*) as total_segments,
        min(source_series[1]) as segmented_SeriesInstanceUID,
        list(distinct category_meaning order by category_meaning) filter (category_meaning is not null) as categories,
        list(distinct type_meaning order by type_meaning) filter (type_meaning is not null) as types,
        list(distinct anatomic_region_meaning order by anatomic_region_meaning) filter (anatomic_region_meaning is not null) as regions
    from segments
    where kind = 'segment'
    group by series_key
)
select
    series.SeriesInstanceUID,
    series.SegmentationType,
    of_segments.total_segments,
    most_frequent.algorithm_type as AlgorithmType,
    most_frequent.algorithm_name as AlgorithmName,
    of_segments.segmented_SeriesInstanceUID,
    of_segments.categories as SegmentedPropertyCategory_CodeMeanings,
    of_segments.types as SegmentedPropertyType_CodeMeanings,
    of_segments.regions as AnatomicRegion_CodeMeanings
from series
left join of_segments using (series_key)
left join most_frequent using (series_key)
where series.Modality = 'SEG'
order by series.SeriesInstanceUID
