-- A row for each series, as idc_index of the Imaging Data Commons has them.
with of_instances as (
    select series_key, mode(sop_class_name) as sop_class_name, mode(TransferSyntaxUID) as TransferSyntaxUID,
        mode(transfer_syntax_name) as transfer_syntax_name
    from instances
    group by series_key
)
select
    series.PatientID,
    series.SeriesInstanceUID,
    series.StudyInstanceUID,
    studies.PatientAge,
    patients.PatientSex,
    studies.StudyDate::varchar as StudyDate,
    studies.StudyDescription,
    series.BodyPartExamined,
    series.Modality,
    series.SOPClassUID,
    of_instances.sop_class_name,
    of_instances.TransferSyntaxUID,
    of_instances.transfer_syntax_name,
    series.PhotometricInterpretation,
    series.PixelRepresentation::varchar as PixelRepresentation,
    series.Manufacturer,
    series.ManufacturerModelName,
    series.SeriesDate::varchar as SeriesDate,
    series.SeriesDescription,
    series.SeriesNumber::varchar as SeriesNumber,
    series.NumberOfSeriesRelatedInstances as instanceCount,
    round(series.total_file_size / 1e6, 2) as series_size_MB
from series
join studies using (study_key)
join patients on patients.patient_key = series.patient_key
left join of_instances using (series_key)
order by series.PatientID, series.StudyInstanceUID, series.SeriesInstanceUID
