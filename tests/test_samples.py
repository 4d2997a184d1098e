"""The synthetic archive holds what its manifest says, and the corpus is plain, readable and unique."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import warnings
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

import dicomlake.samples as samples_package
from dicomlake.errors import ConfigurationError, FileStatus
from dicomlake.samples import Defect, Manifest, write_sample, write_special
from dicomlake.samples.elements import decimal, item
from tests.corpus import write_corpus

_FIXED_STUDIES = 11
_COLUMNS = Path(samples_package.__file__).parent.parent / "schema" / "columns.csv"
_META_DAMAGED = {"no-preamble", "no-file-meta", "bare-data-set", "cut-header"}


@dataclass(frozen=True)
class Sample:
    """A sample as written, and its manifest as returned."""

    root: Path
    manifest: Manifest

    def defect(self, kind: str) -> Defect:
        """Answer the one defect of a kind."""
        (found,) = [defect for defect in self.manifest.defects if defect.kind == kind]
        return found

    def content(self, kind: str) -> bytes:
        """Answer the bytes of the file with the one defect of a kind."""
        return (self.root / self.defect(kind).path).read_bytes()

    def read(self, path: str, *, force: bool = False) -> Dataset:
        """Answer the header of a file."""
        return dcmread(self.root / path, stop_before_pixels=True, force=force)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Write the default sample once for all tests; a value that pydicom finds wrong is an error."""
    root = tmp_path_factory.mktemp("sample") / "archive"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Sample(root, write_sample(root))


@pytest.fixture(scope="module")
def headers(sample: Sample) -> dict[str, Dataset]:
    """Read the header of every instance once, by path."""
    return {instance.path: sample.read(instance.path, force=True) for instance in sample.manifest.instances}


def _tree_digest(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _values(dataset: Dataset, path: str) -> list[object]:
    """Answer what stands at a path of ``columns.csv``."""
    found: list[object] = [dataset]
    for step in path.split("."):
        keyword, _, index = step.partition("[")
        values = [parent.get(keyword) for parent in found if isinstance(parent, Dataset)]
        values = [value for value in values if value is not None and value != ""]
        if index:
            values = [child for value in values for child in (value if index == "*]" else value[:1])]
        found = values
    return found


def _columns() -> list[dict[str, str]]:
    with _COLUMNS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_same_seed_same_bytes(sample: Sample, tmp_path: Path) -> None:
    """A sample written again by another process, with other hashes and another clock zone, has the same bytes."""
    again = tmp_path / "again"
    script = "import sys; from pathlib import Path; from dicomlake.samples import write_sample as w; w(Path(sys.argv[1]))"
    source = str(Path(samples_package.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", script, str(again)], check=True, env=environment)
    assert _tree_digest(again) == _tree_digest(sample.root)


def test_other_seed_shares_no_identifier(sample: Sample, tmp_path: Path) -> None:
    """Samples of two seeds can lie in one lake: no UID and no PatientID is in both."""
    other = write_sample(tmp_path / "other", seed=1)
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"):
        here, there = ({getattr(i, keyword) for i in manifest.instances} for manifest in (sample.manifest, other))
        assert not here & there
    assert other.counts.status.keys() == sample.manifest.counts.status.keys()


def test_every_file_is_listed(sample: Sample) -> None:
    """The manifest lists the files that are there, itself among them, and no other."""
    there = {path.relative_to(sample.root).as_posix() for path in sample.root.rglob("*") if path.is_file()}
    listed = [file.path for file in sample.manifest.files]
    assert sorted(there) == listed
    assert "manifest.json" in there


def test_manifest_on_disk(sample: Sample) -> None:
    """The file manifest.json says what write_sample answered."""
    text = (sample.root / "manifest.json").read_text(encoding="utf-8")
    assert text == sample.manifest.to_json()
    assert json.loads(text)["counts"]["files"] == sample.manifest.counts.files


def test_counts(sample: Sample) -> None:
    """The counts are those of the lists, and manifest.json is one more row of the table files."""
    manifest, counts = sample.manifest, sample.manifest.counts
    assert counts.files == len(manifest.files) - 1 == sum(counts.status.values()) - 1
    assert counts.instances == len(manifest.instances) == counts.status["indexed"]
    assert counts.studies == manifest.studies == len({instance.StudyInstanceUID for instance in manifest.instances})
    assert set(counts.status) == {"indexed", "duplicate", "not_dicom", "skipped", "failed"}


def test_sample_is_small(sample: Sample) -> None:
    """The default sample is a few hundred files of a few megabytes at most."""
    assert 100 < sample.manifest.counts.files < 600
    assert sum(path.stat().st_size for path in sample.root.rglob("*") if path.is_file()) < 10_000_000


def test_pydicom_reads_every_instance(sample: Sample, headers: dict[str, Dataset]) -> None:
    """An independent reader finds in each instance what the manifest says, names decoded."""
    damaged = {defect.path for defect in sample.manifest.defects if defect.kind in _META_DAMAGED}
    for instance in sample.manifest.instances:
        header = headers[instance.path]
        if instance.path not in damaged:
            sample.read(instance.path)
        for keyword in ("SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"):
            assert header[keyword].value == getattr(instance, keyword)
        assert str(header.PatientName) == instance.PatientName
        assert (header.IssuerOfPatientID, header.Modality) == (instance.IssuerOfPatientID, instance.Modality)
        assert header.file_meta.get("TransferSyntaxUID") == instance.TransferSyntaxUID
        assert int(header.get("NumberOfFrames", 1)) == instance.number_of_frames


def test_names_are_decoded_from_their_own_script(sample: Sample, headers: dict[str, Dataset]) -> None:
    """Names in six encodings are stored in those encodings, not only declared."""
    encoded = {}
    for instance in sample.manifest.instances:
        header = headers[instance.path]
        sets = header.get("SpecificCharacterSet")
        label = sets if isinstance(sets, str) else "\\".join(sets)
        encoded[label] = (sample.root / instance.path).read_bytes(), instance.PatientName
    codecs = {"ISO_IR 100": "latin-1", "ISO_IR 126": "iso8859-7", "GB18030": "gb18030", "ISO_IR 192": "utf-8"}
    for label, codec in codecs.items():
        content, name = encoded[label]
        assert name.encode(codec) in content
    # PS3.5 H.3.1 and I.2: JIS X 0208 is escaped in and out, KS X 1001 announced before each part of a name.
    assert b"\x1b$B9g@.\x1b(B^\x1b$BB@O:\x1b(B" in encoded["\\ISO 2022 IR 87"][0]
    assert b"\x1b$)C\xc7\xd5\xbc\xba^\x1b$)C\xb1\xe6\xb5\xbf" in encoded["\\ISO 2022 IR 149"][0]


def test_every_kind_is_there(sample: Sample) -> None:
    """Each modality and each kind of transfer syntax that a reader must know is in the sample."""
    modalities = set(sample.manifest.counts.modalities)
    assert modalities >= {"CT", "MR", "PT", "CR", "US", "MG", "SM", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "DOC"}
    names = " ".join(UID(i.TransferSyntaxUID).name for i in sample.manifest.instances if i.TransferSyntaxUID)
    for kind in ("Implicit", "Explicit VR Little", "Big Endian", "Deflated", "RLE", "JPEG Baseline", "JPEG 2000"):
        assert kind in names
    classes = {UID(instance.SOPClassUID).name for instance in sample.manifest.instances}
    assert {"Enhanced CT Image Storage", "Enhanced MR Image Storage"} <= classes


def test_every_standard_column_is_filled(headers: dict[str, Dataset], tmp_path: Path) -> None:
    """Each column of the standard set has a value in at least one instance of the default sample or of the special studies."""
    special = [dcmread(tmp_path / "special" / one.path) for one in write_special(tmp_path / "special").instances]
    every = [*headers.values(), *special]
    empty = [
        column["name"]
        for column in _columns()
        if not any(_values(header.file_meta if column["group"] == "file meta" else header, column["path"]) for header in every)
    ]
    assert empty == []


def test_entities_agree_with_themselves(headers: dict[str, Dataset]) -> None:
    """Inside a patient, study or series nothing differs that must not, but for the planted birth date."""
    keys = {
        "patient": ("PatientID", "IssuerOfPatientID"),
        "study": ("StudyInstanceUID",),
        "series": ("SeriesInstanceUID",),
        "equipment": ("SeriesInstanceUID",),
    }
    seen: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for header in headers.values():
        for column in _columns():
            if column["group"] in keys and (values := _values(header, column["path"])):
                entity = tuple(header[key].value for key in keys[column["group"]])
                seen[column["name"], *entity].add(str(values))
    assert {name for (name, *_), values in seen.items() if len(values) > 1} == {"PatientBirthDate"}


def test_references_are_real(sample: Sample, headers: dict[str, Dataset]) -> None:
    """Every reference is to an instance of the sample, and each derived kind has one."""
    instances = {instance.SOPInstanceUID: instance for instance in sample.manifest.instances}
    assert all(reference.ReferencedSOPInstanceUID in instances for reference in sample.manifest.references)
    sources = {instances[reference.SOPInstanceUID].Modality for reference in sample.manifest.references}
    assert sources == {"CT", "MR", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "DOC"}
    written = {
        (header.SOPInstanceUID, element.value)
        for header in headers.values()
        for element in header.iterall()
        if element.keyword == "ReferencedSOPInstanceUID" and element.value != header.StudyInstanceUID
    }
    assert written == {(link.SOPInstanceUID, link.ReferencedSOPInstanceUID) for link in sample.manifest.references}


def test_private_creators_move(headers: dict[str, Dataset]) -> None:
    """One private creator stands in different blocks, so that only a reader that looks it up finds the b-value."""
    found = set()
    for header in headers.values():
        if "SIEMENS MR HEADER" in header.private_creators(0x0019):
            block = header.private_block(0x0019, "SIEMENS MR HEADER")
            found.add((block.get_tag(0x0C).element, int(block[0x0C].value)))
            if "SYNTHETIC ROUTER 1.0" in header.private_creators(0x0019):
                assert header[0x0019, 0x100C].value == b"not a b-value "  # implicit: a creator unknown to pydicom is UN
    assert found == {(0x100C, 0), (0x110C, 800)}


def test_compressed_frames_are_fragments(sample: Sample) -> None:
    """Encapsulated pixel data has undefined length, and the tiles of a slide an extended offset table before it."""
    for instance in sample.manifest.instances:
        syntax = UID(instance.TransferSyntaxUID) if instance.TransferSyntaxUID else None
        if syntax is not None and syntax.is_encapsulated:
            dataset = dcmread(sample.root / instance.path)
            assert dataset["PixelData"].is_undefined_length
            if instance.Modality == "SM" and syntax.name.startswith("JPEG 2000"):
                assert len(dataset.ExtendedOffsetTable) == 8 * instance.number_of_frames


def test_defects_agree_with_files(sample: Sample) -> None:
    """Status and code of each defect's file are those of the list, and kinds are unique."""
    files = {file.path: file for file in sample.manifest.files}
    for defect in sample.manifest.defects:
        if defect.status is None:
            assert (sample.root / defect.path).is_dir()
        else:
            assert (files[defect.path].status, files[defect.path].code) == (defect.status, defect.code)
    kinds = [defect.kind for defect in sample.manifest.defects]
    assert len(set(kinds)) == len(kinds)


def test_cut_header(sample: Sample) -> None:
    """The cut file ends inside the value it names, and its keys can be read."""
    defect = sample.defect("cut-header")
    whole = sample.read(defect.path)
    assert all(keyword in whole for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID"))
    assert sample.content("cut-header")[-9:-1] == b"\x28\x00\x50\x10DS\x04\x00"
    assert "WindowWidth" not in whole


def test_no_dicom_at_all(sample: Sample) -> None:
    """The text file is text, the empty one empty, and pydicom takes neither."""
    assert sample.content("text-file").decode("ascii").startswith("Scans of the synthetic patient")
    assert sample.content("empty-file") == b""
    for kind in ("text-file", "empty-file"):
        with pytest.raises(InvalidDicomError):
            sample.read(sample.defect(kind).path)


def test_missing_preamble_and_meta(sample: Sample) -> None:
    """One file begins with its file meta, one with its data set, and one has a preamble but no file meta."""
    assert sample.content("no-preamble").startswith(b"\x02\x00\x00\x00UL")
    assert sample.content("bare-data-set").startswith(b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100")
    assert sample.content("no-file-meta")[:138] == bytes(128) + b"DICM\x08\x00\x05\x00CS"


def test_no_instance_uid(sample: Sample) -> None:
    """The file without a key is sound but for the two UIDs that it lacks."""
    header = sample.read(sample.defect("no-instance-uid").path)
    assert "SOPInstanceUID" not in header
    assert "MediaStorageSOPInstanceUID" not in header.file_meta
    assert header.Modality == "CR"
    assert 144 + header.file_meta.FileMetaInformationGroupLength == sample.content("no-instance-uid").index(b"\x08\x00\x05\x00CS")


def test_invalid_date(sample: Sample) -> None:
    """The invalid date stands in the file as the manifest says."""
    defect = sample.defect("invalid-date")
    assert defect.raw is not None
    assert b"\x08\x00\x22\x00DA\x08\x00" + defect.raw.encode() in sample.content("invalid-date")


def test_dicomdir(sample: Sample) -> None:
    """The DICOMDIR says in its file meta what it is."""
    assert sample.read("DICOMDIR").file_meta.MediaStorageSOPClassUID.name == "Media Storage Directory Storage"


def test_copies(sample: Sample) -> None:
    """Of two copies the smallest path is kept; one pair is identical, the other differs in its header."""
    files = [file for file in sample.manifest.files if file.status is FileStatus.DUPLICATE]
    pairs = {file.path: file.duplicate_of for file in files}
    assert set(pairs) == {sample.defect(kind).path for kind in ("duplicate", "conflicting-duplicate")}
    same = sample.defect("duplicate").path
    other = sample.defect("conflicting-duplicate").path
    for path, kept in pairs.items():
        assert kept is not None
        assert kept < path
        assert sample.read(kept).SOPInstanceUID == sample.read(path).SOPInstanceUID
        assert ((sample.root / kept).read_bytes() == (sample.root / path).read_bytes()) is (path == same)
    kept = pairs[other]
    assert kept is not None
    assert sample.read(kept).WindowCenter != sample.read(other).WindowCenter


def test_only_one_series_has_a_gap(sample: Sample, headers: dict[str, Dataset]) -> None:
    """Slices of a series stand at equal distances, but for the series that misses one."""
    locations = defaultdict(list)
    for path, header in headers.items():
        if "SliceLocation" in header:
            locations[header.SeriesInstanceUID].append((float(header.SliceLocation), path))
    uneven = set()
    for slices in locations.values():
        places = sorted(place for place, _ in slices)
        if len({round(after - before, 3) for before, after in pairwise(places)}) > 1:
            uneven.add(slices[0][1].rpartition("/")[0])
    assert uneven == {sample.defect("missing-slice").path}


def test_patients(headers: dict[str, Dataset]) -> None:
    """One patient has two birth dates, one PatientID has two issuers, one name is markup."""
    dates, issuers, names = defaultdict(set), defaultdict(set), set()
    for header in headers.values():
        dates[header.PatientID, header.IssuerOfPatientID].add(header.PatientBirthDate)
        issuers[header.PatientID].add(header.IssuerOfPatientID)
        names.add(str(header.PatientName))
    assert [found for found in dates.values() if len(found) > 1] == [{"19500312", "19501203"}]
    assert sorted(len(found) for found in issuers.values())[-2:] == [1, 2]
    assert sum("<script>" in name for name in names) == 1


def test_every_name_is_synthetic(sample: Sample) -> None:
    """No name could be taken for a person's: each says that it is made up."""
    synthetic = re.compile("synth|Συνθετικός|<script>", re.IGNORECASE)
    assert all(synthetic.search(instance.PatientName) for instance in sample.manifest.instances)


@pytest.mark.parametrize(("asked", "there"), [(1, _FIXED_STUDIES), (20, 20)])
def test_number_of_studies(sample: Sample, tmp_path: Path, asked: int, there: int) -> None:
    """Fewer studies than the fixed ones are the fixed ones; more are ordinary ones beside the same defects."""
    manifest = write_sample(tmp_path / "sized", studies=asked)
    assert manifest.counts.studies == there
    assert manifest.defects == sample.manifest.defects


def test_refuses_a_folder_in_use(tmp_path: Path) -> None:
    """Nothing is written where something is: a folder with a file, or a file."""
    (tmp_path / "used").mkdir()
    occupied = tmp_path / "used" / "notes.txt"
    occupied.write_text("mine", encoding="utf-8")
    for destination in (tmp_path / "used", occupied):
        with pytest.raises(ConfigurationError, match="not an empty folder") as refusal:
            write_sample(destination)
        assert "\n" not in str(refusal.value)
        with pytest.raises(ConfigurationError, match="not an empty folder"):
            write_corpus(destination, 1)
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["notes.txt"]


def test_refuses_none(tmp_path: Path) -> None:
    """A sample of no study and a corpus of no file are refused before anything is made."""
    with pytest.raises(ConfigurationError, match="at least 1"):
        write_sample(tmp_path / "none", studies=0)
    with pytest.raises(ConfigurationError, match="at least 1"):
        write_corpus(tmp_path / "none", files=0)
    assert not (tmp_path / "none").exists()


def test_takes_an_empty_folder(tmp_path: Path) -> None:
    """An empty folder is as good as none."""
    write_corpus(tmp_path, 3)
    assert len(list(tmp_path.rglob("*.dcm"))) == 3


def test_corpus(tmp_path: Path) -> None:
    """A corpus has the number of files asked for, in small folders, each readable, unique and where it says it is."""
    write_corpus(tmp_path / "corpus", 700)
    paths = sorted((tmp_path / "corpus").rglob("*.dcm"))
    assert len(paths) == 700
    uids, sizes, modalities, places = set(), set(), set(), set()
    for path in paths:
        dataset = dcmread(path)
        assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert UID(dataset.SOPInstanceUID).is_valid
        assert int(path.stem) == dataset.InstanceNumber
        assert dataset.ImagePositionPatient[2] == dataset.SliceLocation
        assert len(dataset.PixelData) == dataset.Rows * dataset.Columns * 2
        uids.add(dataset.SOPInstanceUID)
        places.add((dataset.SeriesInstanceUID, float(dataset.SliceLocation)))
        modalities.add(dataset.Modality)
        sizes.add(path.stat().st_size // 1000)
    assert len(uids) == len(places) == 700
    assert modalities == {"CT", "MR"}
    assert {3, 4} & sizes
    assert max(sizes) in range(70, 80)
    assert all(len(list(folder.iterdir())) <= 200 for folder in (tmp_path / "corpus").rglob("*") if folder.is_dir())


def test_corpus_is_deterministic(tmp_path: Path) -> None:
    """The same arguments write the same corpus, another seed another one."""
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_corpus(tmp_path / name, 150, seed)
    one, two, three = (_tree_digest(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two != three


def test_builders_refuse_what_would_be_lost() -> None:
    """A misspelt keyword and a number too long for DS are errors of the sample's author."""
    with pytest.raises(ValueError, match="not a keyword"):
        item(PatientNmae="Synthetic^Nobody")
    with pytest.raises(ValueError, match="decimal string"):
        decimal(123456789012.123456, 6)
    assert [decimal(value) for value in (-0.00001, 1.5, 100)] == ["0", "1.5", "100"]
