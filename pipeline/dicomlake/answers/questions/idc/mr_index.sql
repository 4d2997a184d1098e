-- A row for each MR series, as mr_index of the Imaging Data Commons has them.
with slices as (
    select series_key, EchoTime, DiffusionBValue, NumberOfTemporalPositions from instances where Modality = 'MR'
    union all
    select series_key, EffectiveEchoTime, DiffusionBValue, null from frames
),
of_slices as (
    select series_key, list(distinct EchoTime order by EchoTime) filter (EchoTime is not null) as EchoTime,
        list(distinct DiffusionBValue order by DiffusionBValue) filter (DiffusionBValue is not null) as DiffusionBValue,
        max(NumberOfTemporalPositions) as NumberOfTemporalPositions
    from slices
    group by series_key
)
select
    series.SeriesInstanceUID,
    series.MagneticFieldStrength,
    series.ScanningSequence,
    series.SequenceVariant,
    series.MRAcquisitionType,
    of_slices.EchoTime,
    series.RepetitionTime,
    series.EchoTrainLength::bigint as EchoTrainLength,
    series.FlipAngle,
    series.PixelBandwidth,
    series.ImagingFrequency,
    series.ImagedNucleus,
    series.PixelSpacing[1] as PixelSpacing_row_mm,
    series.PixelSpacing[2] as PixelSpacing_col_mm,
    series."Rows"::bigint as "Rows",
    series."Columns"::bigint as "Columns",
    series.SliceThickness,
    series.InversionTime,
    series.ReceiveCoilName,
    series.SequenceName,
    of_slices.DiffusionBValue,
    of_slices.NumberOfTemporalPositions
from series
left join of_slices using (series_key)
where series.Modality = 'MR'
order by series.SeriesInstanceUID
