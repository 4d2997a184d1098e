-- A row for each CT series, as ct_index of the Imaging Data Commons has them.
select
    SeriesInstanceUID,
    ImageType,
    PixelSpacing[1] as PixelSpacing_row_mm,
    PixelSpacing[2] as PixelSpacing_col_mm,
    "Rows"::bigint as "Rows",
    "Columns"::bigint as "Columns",
    SliceThickness,
    KVP,
    ScanOptions,
    ConvolutionKernel,
    GantryDetectorTilt,
    XRayTubeCurrent_min::double as XRayTubeCurrent_min,
    XRayTubeCurrent_max::double as XRayTubeCurrent_max,
    array_to_string([FilterType], '') as FilterType,
    Exposure_min::double as Exposure_min,
    Exposure_max::double as Exposure_max,
    ExposureTime_min::double as ExposureTime_min,
    ExposureTime_max::double as ExposureTime_max,
    DataCollectionDiameter,
    ReconstructionDiameter,
    SpiralPitchFactor
from series
where Modality = 'CT'
order by SeriesInstanceUID
