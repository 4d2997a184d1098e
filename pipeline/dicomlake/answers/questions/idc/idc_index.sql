-- A row for each series, as idc_index of the Imaging Data Commons has them.
with syntaxes as (
    select series_key, TransferSyntaxUID, transfer_syntax_name, count(*) as instances from instances group by all
),
most_frequent as (
    select distinct on (series_key) series_key, TransferSyntaxUID, transfer_syntax_name
    from syntaxes
    order by series_key, instances desc, TransferSyntaxUID
),
classes as (
    select SOPClassUID, min(sop_class_name) as sop_class_name from instances group by SOPClassUID
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
    classes.sop_class_name,
    most_frequent.TransferSyntaxUID,
    most_frequent.transfer_syntax_name,
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
left join most_frequent using (series_key)
left join classes on classes.SOPClassUID = series.SOPClassUID
order by series.PatientID, series.StudyInstanceUID, series.SeriesInstanceUID
