"""An archive that exists only as formulas: its files, their headers, and the changes of a night.

Any row follows from its place, so a listing of ten million files and the headers of some of them take no memory. Two patients have five
studies together, each study four series, each series a hundred instances; nine series of twenty are CT.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from dicomlake.schema import entity_key
from dicomlake.sources.listing import LISTING_SCHEMA

SOURCE = "/archive"
SERIES_INSTANCES = 100
STUDY_SERIES = 4
PAIR_STUDIES = 5
PAIR_INSTANCES = SERIES_INSTANCES * STUDY_SERIES * PAIR_STUDIES
BATCH_SERIES = 80

CHANGED_SERIES, CHANGED_OF_SERIES = 500, 10
THINNED_SERIES, GONE_OF_THINNED = 100, 10
GONE_SERIES = 10
COPIED_SERIES, COPIES_OF_SERIES = 100, 10
NEW_SERIES = 120
FULL_NIGHT_INSTANCES = 1_000_000
"""An archive that is smaller has fewer changes in a night."""

_ROOT = "1.2.826.0.1.3680043.10.1338."
_MODALITIES = ("CT",) * 4 + ("MR",) * 4 + ("PT", "PT", "CT", "PT") + ("CT",) * 4 + ("MR", "MR", "XA", "DX")
_PLACE = {"patient": pl.Int64, "study": pl.Int64, "series": pl.Int64, "number": pl.Int64, "kind": pl.Int64}
_LISTED, _CHANGED, _COPY_BEFORE, _COPY_AFTER = range(4)
_FIRST_MODIFIED = 1_500_000_000
_CHANGED_MODIFIED = 1_790_000_000


@dataclass(frozen=True)
class Archive:
    """An archive of so many instances, a multiple of ``PAIR_INSTANCES``."""

    instances: int

    @property
    def series(self) -> int:
        """The number of series."""
        return self.instances // SERIES_INSTANCES

    def places(self, first_series: int, last_series: int) -> pl.DataFrame:
        """The files of a range of series, in the order of their urls."""
        series = np.repeat(np.arange(first_series, last_series), SERIES_INSTANCES)
        numbers = np.tile(np.arange(1, SERIES_INSTANCES + 1), last_series - first_series)
        return _places(series // STUDY_SERIES, series, numbers, _LISTED)

    def listing(self) -> Iterator[pa.RecordBatch]:
        """The files of the archive, as a source lists them."""
        for first in range(0, self.series, BATCH_SERIES):
            yield _listed(self.places(first, min(first + BATCH_SERIES, self.series)))


@dataclass(frozen=True)
class Night:
    """The changes of an archive until the next night: 20,000, spread over all of it.

    12,000 files in 120 new series, half of them in known studies; 5,000 changed files, 10 in each of 500 series; 2,000 vanished files, 10
    whole series and 10 files in each of 100 others; 1,000 copies, half of them with a smaller url than the kept one, one in ten with
    another header.
    """

    archive: Archive

    def listing(self) -> Iterator[pa.RecordBatch]:
        """The files after the night."""
        for first in range(0, self.archive.series, BATCH_SERIES):
            last = min(first + BATCH_SERIES, self.archive.series)
            there = self.archive.places(first, last).filter(~self.is_gone())
            there = there.with_columns(kind=pl.when(self.is_changed()).then(_CHANGED).otherwise("kind"))
            added = pl.concat([_of_range(self._copies, first, last), _of_range(self._new_in_old_studies, first, last)])
            yield _listed(pl.concat([there, added]) if added.height else there)
        for start in range(0, self._new_patients.height, 8192):
            yield _listed(self._new_patients.slice(start, 8192))

    def is_changed(self) -> pl.Expr:
        """The places that were written again."""
        return pl.col("series").is_in(self._spread(self._scaled(CHANGED_SERIES), 0)) & (pl.col("number") <= CHANGED_OF_SERIES)

    def is_gone(self) -> pl.Expr:
        """The places that vanished."""
        thinned = pl.col("series").is_in(self._spread(self._scaled(THINNED_SERIES), 3)) & (
            pl.col("number") > SERIES_INSTANCES - GONE_OF_THINNED
        )
        return thinned | pl.col("series").is_in(self._spread(self._scaled(GONE_SERIES), 6))

    @property
    def files_new(self) -> int:
        """New series, and copies."""
        return NEW_SERIES * SERIES_INSTANCES + self._scaled(COPIED_SERIES) * COPIES_OF_SERIES

    @property
    def files_changed(self) -> int:
        """Files that were written again."""
        return self._scaled(CHANGED_SERIES) * CHANGED_OF_SERIES

    @property
    def files_missing(self) -> int:
        """Files that vanished."""
        return self._scaled(THINNED_SERIES) * GONE_OF_THINNED + self._scaled(GONE_SERIES) * SERIES_INSTANCES

    def summary_expected(self) -> tuple[int, ...]:
        """Files new, changed, missing, unchanged, indexed, duplicate."""
        # Half of the copies take the place of the kept one, so they are not duplicates.
        duplicates = self._scaled(COPIED_SERIES) * COPIES_OF_SERIES // 2
        unchanged = self.archive.instances - self.files_changed - self.files_missing
        read = self.files_new + self.files_changed
        return self.files_new, self.files_changed, self.files_missing, unchanged, read - duplicates, duplicates

    def rows_expected(self) -> dict[str, int]:
        """The rows of tables after the night."""
        # Every tenth instance of a series has a finding, and so has its copy; of each series that has copies one conflicts.
        thinned = self._scaled(THINNED_SERIES) * (GONE_OF_THINNED // 10)
        findings = (
            (self.archive.instances + (NEW_SERIES - self._scaled(GONE_SERIES)) * SERIES_INSTANCES) // 10
            - thinned
            + 2 * self._scaled(COPIED_SERIES)
        )
        studies = self.archive.series // STUDY_SERIES + NEW_SERIES // 2 // STUDY_SERIES
        return {
            "files": self.archive.instances + self.files_new,
            "instances": self.archive.instances + NEW_SERIES * SERIES_INSTANCES - self.files_missing,
            "findings": findings,
            "series": self.archive.series + NEW_SERIES - self._scaled(GONE_SERIES),
            "studies": studies,
            "patients": studies // PAIR_STUDIES * 2,
        }

    def duplicates(self) -> pl.Series:
        """The urls of the copies that are not kept."""
        before = pl.col("kind") == _COPY_BEFORE
        return file_rows(self._copies.with_columns(kind=pl.when(before).then(_LISTED).otherwise("kind")))["url"]

    def sample(self) -> pl.DataFrame:
        """Places of this night's files, with their urls: all that changed or came, and some of the others."""
        batches = []
        for batch in self.listing():
            listed = pl.DataFrame(batch).select("url", "modified")
            places = pl.concat([listed.select("url"), places_of_urls(listed["url"], listed["modified"])], how="horizontal")
            wanted = (pl.col("kind") != _LISTED) | (pl.col("series") % 997 == 0) | (pl.col("series") >= self.archive.series)
            batches.append(places.filter(wanted))
        return pl.concat(batches)

    def _scaled(self, series: int) -> int:
        """A small archive has fewer changes."""
        return max(1, series * min(self.archive.instances, FULL_NIGHT_INSTANCES) // FULL_NIGHT_INSTANCES)

    def _spread(self, count: int, offset: int) -> list[int]:
        """So many series, of every Modality, over the whole archive; different offsets up to 9 share none."""
        step = self.archive.series // count
        return [number * step + offset + 10 * (number % max(1, step // 10)) for number in range(count)]

    @cached_property
    def _copies(self) -> pl.DataFrame:
        series = np.repeat(self._spread(self._scaled(COPIED_SERIES), 9), COPIES_OF_SERIES)
        numbers = np.tile(np.arange(1, COPIES_OF_SERIES + 1), self._scaled(COPIED_SERIES))
        return _places(series // STUDY_SERIES, series, numbers, np.where(numbers % 2, _COPY_BEFORE, _COPY_AFTER))

    @cached_property
    def _new_in_old_studies(self) -> pl.DataFrame:
        studies = np.repeat(np.array(self._spread(NEW_SERIES // 2, 8)) // STUDY_SERIES, SERIES_INSTANCES)
        return self._new(studies, 0)

    @cached_property
    def _new_patients(self) -> pl.DataFrame:
        rows = NEW_SERIES // 2 * SERIES_INSTANCES
        first_study = -(-self.archive.series // STUDY_SERIES)
        return self._new(first_study + np.arange(rows) // (SERIES_INSTANCES * STUDY_SERIES), NEW_SERIES // 2)

    def _new(self, studies: np.ndarray, offset: int) -> pl.DataFrame:
        series = self.archive.series + offset + np.arange(len(studies)) // SERIES_INSTANCES
        return _places(studies, series, np.arange(len(studies)) % SERIES_INSTANCES + 1, _LISTED)


def places_of_urls(urls: pl.Series, modified: pl.Series) -> pl.DataFrame:
    """The places of files that were listed."""
    parts = urls.str.split("/").to_frame("parts").select(*(pl.col("parts").list.get(index).alias(str(index)) for index in range(2, 6)))
    name = pl.col("5")
    kind = (
        pl.when(name.str.starts_with("0000-"))
        .then(_COPY_BEFORE)
        .when(name.str.starts_with("copy-"))
        .then(_COPY_AFTER)
        .when(modified.dt.epoch("s") >= _CHANGED_MODIFIED)
        .then(_CHANGED)
        .otherwise(_LISTED)
    )
    return parts.select(
        patient=pl.col("2").cast(pl.Int64),
        study=pl.col("3").cast(pl.Int64),
        series=pl.col("4").cast(pl.Int64),
        number=name.str.extract(r"(\d{4})\.dcm$").cast(pl.Int64),
        kind=kind.cast(pl.Int64),
    )


def instances_table(places: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """The rows of `instances` that these files have, in the order given; about sixty columns have a value."""
    files = file_rows(places)
    of_series = places.select("patient", "study", "series").unique(maintain_order=True).with_row_index("row")
    rows = places.join(of_series.select("series", "row"), on="series", how="left", maintain_order="left")["row"]
    series = _series_rows(of_series)[rows]
    frame = pl.concat([series, _instance_rows(places, series["seconds"], files)], how="horizontal").drop("seconds")
    frame = frame.with_columns(_by_modality(frame["Modality"]))
    return filled(frame, schema)


def file_rows(places: pl.DataFrame) -> pl.DataFrame:
    """The columns of a listing (``url``, ``file_size``, ``modified``), and of headers ``SOPInstanceUID`` and ``header_digest``."""
    number = pl.col("number").cast(pl.String).str.zfill(4)
    before = pl.when(pl.col("kind") == _COPY_BEFORE).then(pl.lit("0000-")).when(pl.col("kind") == _COPY_AFTER).then(pl.lit("copy-"))
    folder = [pl.col(name).cast(pl.String).str.zfill(width) for name, width in (("patient", 8), ("study", 9), ("series", 10))]
    key = (places["series"] * 1000 + places["number"]).to_numpy()
    conflicts = (places["kind"] >= _COPY_BEFORE) & (places["number"] == 1)
    content = _mixed(key, 5) + ((places["kind"] == _CHANGED) | conflicts).cast(pl.UInt64).to_numpy()
    seconds = pl.when(pl.col("kind") == _CHANGED).then(_CHANGED_MODIFIED).otherwise(_FIRST_MODIFIED) + pl.Series(key % 100_000_000)
    return places.select(
        url=pl.concat_str(pl.lit(SOURCE), *folder, pl.concat_str(before.otherwise(pl.lit("")), number, pl.lit(".dcm")), separator="/"),
        file_size=526_000 + pl.Series((_mixed(key, 6) % 5_000).astype(np.int64)),
        modified=pl.from_epoch(seconds, "s").cast(pl.Datetime("us", "UTC")),
        SOPInstanceUID=_uids(key, 4),
        header_digest=_hexadecimal(content),
    )


def files_table(places: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """The rows of `files` for indexed files, as far as the formulas give them."""
    frame = file_rows(places).with_columns(
        source=pl.lit(SOURCE), status=pl.lit("indexed"), bytes_read=pl.lit(16_384, pl.Int64), requests=pl.lit(1, pl.Int64)
    )
    return filled(frame, schema)


def modalities(places: pl.DataFrame) -> pl.Series:
    """The Modality of each file."""
    series = places["series"].to_numpy()
    # Shifted from pair to pair of patients, so that steps of whole pairs reach every Modality.
    turned = (series + STUDY_SERIES * (series // len(_MODALITIES))) % len(_MODALITIES)
    return pl.Series(_MODALITIES).gather(pl.Series(turned))


def findings_table(places: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """The rows of `findings` for these files: every tenth instance of a series has one."""
    places = places.filter(pl.col("number") % 10 == 0)
    of_series = _series_rows(places).select("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "patient_key", "study_key", "series_key")
    frame = pl.concat([of_series, file_rows(places).select("url", "SOPInstanceUID")], how="horizontal").with_columns(
        level=pl.lit("value"),
        code=pl.lit("invalid-number"),
        element_path=pl.lit("WindowCenter"),
        tag=pl.lit("(0028,1050)"),
        raw=pl.lit("40,5"),
        message=pl.lit("it is not a number"),
    )
    return filled(frame, schema)


def filled(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """Rows with every column of a schema; those that are absent are null."""
    table = frame.to_arrow()
    names = set(table.schema.names)
    columns = [table[field.name].cast(field.type) if field.name in names else pa.nulls(table.num_rows, field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _listed(places: pl.DataFrame) -> pa.RecordBatch:
    rows = file_rows(places).select("url", "file_size", "modified").sort("url")
    table = rows.with_columns(*(pl.lit(None, pl.String).alias(name) for name in ("etag", "code", "message"))).to_arrow()
    (batch,) = table.cast(LISTING_SCHEMA).combine_chunks().to_batches()
    return batch


def _places(studies: np.ndarray, series: np.ndarray, numbers: np.ndarray, kind: np.ndarray | int) -> pl.DataFrame:
    patients = studies // PAIR_STUDIES * 2 + (studies % PAIR_STUDIES >= 2)
    kinds = np.broadcast_to(kind, len(numbers))
    return pl.DataFrame({"patient": patients, "study": studies, "series": series, "number": numbers, "kind": kinds}, schema=_PLACE)


def _of_range(places: pl.DataFrame, first_series: int, last_series: int) -> pl.DataFrame:
    studies = pl.col("study").is_between(first_series // STUDY_SERIES, last_series // STUDY_SERIES, closed="left")
    return places.filter(studies)


def _series_rows(places: pl.DataFrame) -> pl.DataFrame:
    patient, study, series = (places[name].to_numpy() for name in ("patient", "study", "series"))
    modality = modalities(places)
    date = pl.Series(_mixed(study, 7) % 5_000).cast(pl.Int32) + 12_000
    seconds = pl.Series(_mixed(study, 8) % 80_000).cast(pl.Int64)
    number = pl.Series(series % STUDY_SERIES + 1)
    rows = pl.DataFrame({"patient": patient, "study": study, "modality": modality, "seconds": seconds, "days": date, "n": number}).select(
        "seconds",
        PatientID=pl.format("P{}", pl.col("patient").cast(pl.String).str.zfill(8)),
        IssuerOfPatientID=pl.lit("HOSPITAL"),
        PatientName=pl.format("Family{}^Given{}", pl.col("patient") % 5_003, pl.col("patient") % 1_009),
        PatientBirthDate=(3_650 - pl.col("patient") % 20_000).cast(pl.Int32).cast(pl.Date),
        PatientSex=pl.when(pl.col("patient") % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M")),
        StudyInstanceUID=_uids(study, 2),
        StudyID=pl.col("study").cast(pl.String),
        StudyDate=pl.col("days").cast(pl.Date),
        StudyTime=_time(pl.col("seconds")),
        AccessionNumber=pl.format("A{}", pl.col("study")),
        StudyDescription=pl.format("Study of kind {}", pl.col("study") % 211),
        ReferringPhysicianName=pl.format("Physician{}^Of", pl.col("study") % 97),
        SeriesInstanceUID=_uids(series, 3),
        SeriesNumber=pl.col("n").cast(pl.Int64),
        SeriesDate=pl.col("days").cast(pl.Date),
        SeriesTime=_time(pl.col("seconds") + pl.col("n") * 300),
        Modality="modality",
        SeriesDescription=pl.format("{} protocol {}", pl.col("modality"), pl.col("study") % 307),
        ProtocolName=pl.format("Protocol {}", pl.col("study") % 307),
        BodyPartExamined=pl.when(pl.col("study") % 3 == 0).then(pl.lit("CHEST")).otherwise(pl.lit("ABDOMEN")),
        FrameOfReferenceUID=_uids(study, 9),
        Manufacturer=pl.lit("MAKER"),
        ManufacturerModelName=pl.format("Model {}", pl.col("study") % 17),
        DeviceSerialNumber=pl.format("{}", pl.col("study") % 41 + 100_000),
        SoftwareVersions=pl.concat_list(pl.lit("syngo 1"), pl.format("{}", pl.col("study") % 5)),
        InstitutionName=pl.lit("HOSPITAL"),
        StationName=pl.format("STATION{}", pl.col("study") % 41),
        SpecificCharacterSet=pl.concat_list(pl.lit("ISO_IR 100")),
        study_year=pl.col("days").cast(pl.Date).dt.year(),
        study_datetime=pl.col("days").cast(pl.Date).cast(pl.Datetime("us")) + pl.duration(seconds=pl.col("seconds")),
        patient_age_years=(pl.col("patient") % 900 / 10.0).cast(pl.Float64),
    )
    return rows.with_columns(_keys(rows))


def _keys(rows: pl.DataFrame) -> list[pl.Series]:
    """The columns by which tables join."""
    attributes = {
        "patient_key": ("IssuerOfPatientID", "PatientID"),
        "study_key": ("StudyInstanceUID",),
        "series_key": ("StudyInstanceUID", "SeriesInstanceUID"),
    }
    return [pl.Series(name, [entity_key(*values) for values in rows.select(names).iter_rows()]) for name, names in attributes.items()]


def _instance_rows(places: pl.DataFrame, seconds: pl.Series, files: pl.DataFrame) -> pl.DataFrame:
    number = pl.col("number")
    time = _time(seconds + number)
    return files.with_columns(number=places["number"]).select(
        *files.columns,
        MediaStorageSOPInstanceUID="SOPInstanceUID",
        TransferSyntaxUID=pl.lit("1.2.840.10008.1.2.1"),
        ImplementationVersionName=pl.lit("MAKER_1"),
        transfer_syntax_name=pl.lit("Explicit VR Little Endian"),
        InstanceNumber=number,
        AcquisitionNumber=pl.lit(1, pl.Int64),
        AcquisitionTime=time,
        ContentTime=time,
        InstanceCreationTime=time,
        ImageType=pl.concat_list(pl.lit("ORIGINAL"), pl.lit("PRIMARY"), pl.lit("AXIAL")),
        ImagePositionPatient=pl.concat_list(pl.lit(-250.0), pl.lit(-250.0), number * 2.5),
        ImageOrientationPatient=pl.concat_list(*(pl.lit(value) for value in (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))),
        SliceLocation=number * 2.5,
        SliceThickness=pl.lit(2.5),
        PixelSpacing=pl.concat_list(pl.lit(0.9765625), pl.lit(0.9765625)),
        SamplesPerPixel=pl.lit(1, pl.Int32),
        PhotometricInterpretation=pl.lit("MONOCHROME2"),
        Rows=pl.lit(512, pl.Int32),
        Columns=pl.lit(512, pl.Int32),
        BitsAllocated=pl.lit(16, pl.Int32),
        BitsStored=pl.lit(12, pl.Int32),
        HighBit=pl.lit(11, pl.Int32),
        PixelRepresentation=pl.lit(0, pl.Int32),
        SmallestImagePixelValue=(pl.col("file_size") % 40).cast(pl.Int32),
        LargestImagePixelValue=(pl.col("file_size") % 3_000).cast(pl.Int32),
        WindowCenter=pl.concat_list((pl.col("file_size") % 80).cast(pl.Float64)),
        WindowWidth=pl.concat_list(pl.lit(400.0)),
        header_bytes=pl.lit(1_700, pl.Int64),
        is_compressed=pl.lit(value=False),
        is_lossy=pl.lit(value=False),
        is_multiframe=pl.lit(value=False),
        pixel_data_keyword=pl.lit("PixelData"),
        pixel_data_offset=pl.lit(1_712, pl.Int64),
        pixel_data_length=pl.lit(524_288, pl.Int64),
        content_datetime=pl.lit(_FIRST_MODIFIED * 10**6).cast(pl.Datetime("us")) + pl.duration(seconds=seconds + number),
    )


def _by_modality(modality: pl.Series) -> list[pl.Expr]:
    """Columns that only some Modalities have."""
    name = pl.lit(modality)

    def of(wanted: str, value: pl.Expr) -> pl.Expr:
        return pl.when(name == wanted).then(value)

    classes = {"CT": "2", "MR": "4", "PT": "128", "XA": "12.1", "DX": "1.1"}
    sop_class = pl.format("1.2.840.10008.5.1.4.1.1.{}", name.replace_strict(classes, return_dtype=pl.String))
    slope = pl.when(name.is_in(["CT", "PT"]))
    return [
        sop_class.alias("SOPClassUID"),
        sop_class.alias("MediaStorageSOPClassUID"),
        pl.format("{} Image Storage", name).alias("sop_class_name"),
        slope.then(1.0).alias("RescaleSlope"),
        slope.then(-1024.0).alias("RescaleIntercept"),
        of("CT", pl.lit(120.0)).alias("KVP"),
        of("CT", pl.col("file_size") % 300).alias("XRayTubeCurrent"),
        of("CT", pl.lit(500.0)).alias("ReconstructionDiameter"),
        of("CT", pl.concat_list(pl.lit("B30f"))).alias("ConvolutionKernel"),
        of("MR", pl.lit(1.5)).alias("MagneticFieldStrength"),
        of("MR", pl.lit(90.0)).alias("EchoTime"),
        of("MR", pl.lit(4000.0)).alias("RepetitionTime"),
        of("MR", pl.lit(90.0)).alias("FlipAngle"),
        of("MR", pl.concat_list(pl.lit("SE"))).alias("ScanningSequence"),
        of("PT", pl.lit(6586.2)).alias("RadiopharmaceuticalInformation_RadionuclideHalfLife"),
        of("PT", pl.lit("BQML")).alias("Units"),
        of("DX", pl.lit("AP")).alias("ViewPosition"),
    ]


def _time(seconds: pl.Expr) -> pl.Expr:
    return pl.from_epoch(seconds % 86_400, "s").dt.strftime("%H:%M:%S.000000")


def _uids(numbers: np.ndarray, salt: int) -> pl.Series:
    return pl.Series(_mixed(numbers, salt)).cast(pl.String).to_frame("n").select(uid=pl.concat_str(pl.lit(_ROOT), "n"))["uid"]


def _hexadecimal(numbers: np.ndarray) -> pl.Series:
    text = np.stack([numbers, _mixed(numbers, 10)], axis=1).tobytes().hex().encode()
    offsets = np.arange(0, len(text) + 1, 32, dtype=np.int32)
    return pl.Series(pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(text)))


def _mixed(numbers: np.ndarray, salt: int) -> np.ndarray:
    """Numbers that look random: the finaliser of splitmix64 (Steele, Lea, Flood 2014), which maps different numbers to different ones."""
    mixed = np.asarray(numbers).astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
