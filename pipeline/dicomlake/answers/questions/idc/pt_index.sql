-- A row for each PET series, as pt_index of the Imaging Data Commons has them.
with durations as (
    select series_key, list(distinct ActualFrameDuration::double order by ActualFrameDuration::double)
        filter (ActualFrameDuration is not null) as ActualFrameDuration
    from instances
    where Modality = 'PT'
    group by series_key
)
select
    series.SeriesInstanceUID,
    array_to_string(series.SeriesType, '\') as SeriesType,
    series.Units,
    series.DecayCorrection,
    series.CorrectedImage,
    series.RandomsCorrectionMethod,
    series.ReconstructionMethod,
    durations.ActualFrameDuration,
    series.ScatterCorrectionMethod,
    series.AttenuationCorrectionMethod,
    series.RadionuclideCode_CodeMeaning as RadionuclideCodeMeaning,
    series.RadiopharmaceuticalInformation_RadionuclideTotalDose as RadionuclideTotalDose,
    series.RadiopharmaceuticalInformation_RadiopharmaceuticalStartTime as RadiopharmaceuticalStartTime,
    series.RadiopharmaceuticalInformation_Radiopharmaceutical as Radiopharmaceutical,
    series.PixelSpacing[1] as PixelSpacing_row_mm,
    series.PixelSpacing[2] as PixelSpacing_col_mm,
    series."Rows"::bigint as "Rows",
    series."Columns"::bigint as "Columns",
    series.SliceThickness,
    series.NumberOfSlices::bigint as NumberOfSlices,
    series.NumberOfTimeSlices::bigint as NumberOfTimeSlices
from series
left join durations using (series_key)
where series.Modality = 'PT'
order by series.SeriesInstanceUID
