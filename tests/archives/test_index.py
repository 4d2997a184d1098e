"""Archives as sources: the rows of a folder, each read once, whatever night changes what."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import dicomlake
from dicomlake.api import header_tree
from dicomlake.archives import MEMBER_SCHEMA, ArchiveListing
from dicomlake.config import load_settings
from dicomlake.errors import FileCode, MissingLimitExceeded
from dicomlake.fetch.local import LocalSource
from dicomlake.lake import Lake, optimize, verify
from dicomlake.parts import Location
from dicomlake.run import Progress, Summary
from tests.archives.making import KINDS, TIME, dicom, write_archive, write_folder
from tests.engine.agreement import differing_instances
from tests.run.comparison import assert_same_lake

FILES = {f"patient {number % 3}/I{number:04}": dicom(number) for number in range(23)} | {
    "readme.txt": b"no DICOM",
    "cut": dicom(99)[:300],
    "empty": b"",
    "inner.zip": b"PK\x05\x06" + bytes(18),
}


def index(source: Path | list[Path] | str, lake: Path, **choices: Any) -> Summary:
    """Run once, in units of few files; the lake must be sound."""
    settings = load_settings(overrides={"listing.unit_files": 7, "lake.missing_limit": 1.0} | choices)
    sources = [str(place) for place in source] if isinstance(source, list) else str(source)
    summary = dicomlake.index(sources, lake=lake, config=settings, workers=0)
    assert verify(Location.of(lake)).defects == []
    return summary


def rows_by_name(lake: Path, table: str) -> pl.DataFrame:
    """Rows of a table without what depends on where a file lies."""
    name = pl.col("url").str.extract(r"(?:://|/tree/)(.*?)(?:::.*)?$", 1)
    frame = Lake(lake).table(table).filter(~pl.col("url").str.contains(r"^/.*\.(?:zip|tar|gz|zst)$")).collect()
    frame = frame.with_columns(url=name)
    if "duplicate_of" in frame.columns:
        frame = frame.drop("duplicate_of")
    apart = ["source", "modified", "etag", "bytes_read", "requests"]
    return frame.drop(apart, strict=False).sort("url", *(["code", "element_path"] if table == "findings" else []))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_those_of_the_folder(tmp_path: Path, kind: str) -> None:
    """An archive as a source brings the rows that its files bring as a folder, and one of its own; the second run reads nothing."""
    archive = write_archive(tmp_path / kind, FILES)
    first = index(archive, tmp_path / "lake")
    index(write_folder(tmp_path / "tree", {name: content for name, content in FILES.items() if name != "inner.zip"}), tmp_path / "lake 2")
    for table in ("files", "instances", "findings"):
        found = rows_by_name(tmp_path / "lake", table).filter(pl.col("url") != "inner.zip")
        assert_frame_equal(found, rows_by_name(tmp_path / "lake 2", table))
    own = Lake(tmp_path / "lake").files.filter(pl.col("url") == str(archive)).collect().row(0, named=True)
    assert (own["status"], own["code"], own["file_size"]) == ("skipped", "archive", archive.stat().st_size)
    assert own["bytes_read"] > 0
    nested = Lake(tmp_path / "lake").files.filter(pl.col("url").str.contains("inner.zip", literal=True)).collect()
    assert nested["status"].to_list() == ["not_dicom"]
    assert (first.files_listed, first.files_new) == (len(FILES) + 1, len(FILES) + 1)
    archive.chmod(0)  # unchanged, it is not even opened
    again = index(archive, tmp_path / "lake")
    assert (again.files_listed, again.files_unchanged, again.bytes_read, again.requests) == (len(FILES) + 1, len(FILES) + 1, 0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree(tmp_path: Path, kind: str) -> None:
    """Both engines answer the same of every member, however it lies in its archive."""
    archive = write_archive(tmp_path / kind, FILES)
    scheme = "zip" if kind.endswith("zip") else "tar"
    urls = [f"{scheme}://{name}::{archive}" for name in [*FILES, "not there"]]
    native, pydicom = (dicomlake.scan(urls, engine=engine) for engine in ("native", "pydicom"))
    assert differing_instances(native, pydicom) == []
    assert native.files["code"].to_pylist() == pydicom.files["code"].to_pylist()
    assert native.files["status"].to_pylist().count("indexed") == 24
    assert native.files.to_pylist()[-1]["message"] == "the archive has no such member"
    assert header_tree(urls[0]).complete


@pytest.mark.long
def test_nights(tmp_path: Path) -> None:
    """Members change, archives are replaced, moved and vanish: each night reads what is new alone, and the lake equals a rebuild."""
    tree, lake = tmp_path / "tree", tmp_path / "lake"
    tree.mkdir()
    read_of_night = []

    def night() -> Summary:
        summary = index(tree, lake)
        read_of_night.append(summary.files_indexed + summary.files_duplicate + summary.files_not_dicom)
        index(tree, tmp_path / f"rebuilt {len(read_of_night)}")
        assert_same_lake(Lake(lake), Lake(tmp_path / f"rebuilt {len(read_of_night)}"))
        return summary

    members = {f"m{number}": dicom(number) for number in range(10)}
    for kind in KINDS:
        write_archive(tree / kind, {f"{kind[:4]} {name}": content for name, content in members.items()})
    write_folder(tree, {"plain.dcm": dicom(50), "stored.zip.txt": b"text", "stored/x": dicom(51)})
    night()
    changed = {name: dicom(60) if name == "m3" else content for name, content in members.items()} | {"added": dicom(61)}
    for kind in KINDS:
        write_archive(tree / kind, {f"{kind[:4]} {name}": content for name, content in changed.items()})
        os.utime(tree / kind, (TIME, TIME + 100))
    (tree / "stored.zip").rename(tree / "moved.zip")
    (tree / "plain.tar").unlink()
    summary = night()
    assert summary.files_missing == 11 + 11  # the archive that moved, and the one that is gone, each with its members
    (tree / "packed.tar.gz").write_bytes((tree / "packed.tar.gz").read_bytes()[:-200])
    (tree / "packed.tar.zst").unlink()
    (tree / "deflated.zip").write_bytes(b"no longer an archive")
    night()
    assert night().bytes_read == 0
    # The zip that moved is read again. In the other archives one member changed and one came (in a tar, by size and time).
    assert read_of_night[0] == 10 * len(KINDS) + 3
    assert read_of_night[1] == 11 + 2 * (len(KINDS) - 2)
    assert read_of_night[3] == 0


def test_archive_that_can_not_be_read_hides_its_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No one has looked: its members stay as they are, and the next night looks again."""
    archive = write_archive(tmp_path / "a.zip", FILES)
    index(tmp_path, tmp_path / "lake")
    os.utime(archive, (TIME, TIME + 100))
    with monkeypatch.context() as patched:
        refused = ArchiveListing(MEMBER_SCHEMA.empty_table(), FileCode.UNREADABLE, "no", 0, 0)
        patched.setattr("dicomlake.run.planning.list_archive", lambda *_: refused)
        summary = index(tmp_path, tmp_path / "lake")
    assert (summary.files_missing, summary.files_failed) == (0, 1)
    again = index(tmp_path, tmp_path / "lake")
    assert (again.files_missing, again.files_indexed, again.files_skipped) == (0, 0, 1)


def test_archive_is_vouched_for_by_its_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that dies between the members and the archive's own row leaves them to the next, which reads none twice."""
    write_archive(tmp_path / "a.zip", FILES)
    with monkeypatch.context() as patched:
        patched.setattr("dicomlake.plan.Planner.archive_units", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            dicomlake.index(tmp_path / "a.zip", lake=tmp_path / "lake", workers=0)
    summary = index(tmp_path / "a.zip", tmp_path / "lake")
    assert (summary.files_new, summary.files_unchanged, summary.files_skipped, summary.files_indexed) == (1, len(FILES), 1, 0)


def test_archive_that_vanishes_is_held_against_the_missing_limit(tmp_path: Path) -> None:
    """Its members count, not the one file that it is."""
    (tmp_path / "tree").mkdir()
    for name in ("a.zip", "b.zip"):
        write_archive(tmp_path / "tree" / name, {f"{name} {number}": dicom(number) for number in range(9)})
    index(tmp_path / "tree", tmp_path / "lake")
    (tmp_path / "tree" / "b.zip").unlink()
    with pytest.raises(MissingLimitExceeded, match="10 of 20 files"):
        index(tmp_path / "tree", tmp_path / "lake", **{"lake.missing_limit": 0.1})


@pytest.mark.long
@pytest.mark.parametrize("kind", ["plain.tar", "packed.tar.gz", "packed.tar.zst"])
def test_archive_whose_rest_comes_later(tmp_path: Path, kind: str) -> None:
    """The member that was cut is read again, though its time and what its header says of its size are the same."""
    archive = write_archive(tmp_path / kind, {f"m{number}": dicom(number) + random.Random(number).randbytes(3000) for number in range(6)})
    whole = archive.read_bytes()
    read = 0
    for part in (0.2, 0.5, 0.77, 1):
        archive.write_bytes(whole[: int(len(whole) * part)])
        os.utime(archive, (TIME, TIME + int(part * 100)))
        read += index(archive, tmp_path / "lake").files_listed > 0
        index(archive, tmp_path / f"rebuilt {part}")
        assert_same_lake(Lake(tmp_path / "lake"), Lake(tmp_path / f"rebuilt {part}"))
    assert read == 4
    assert Lake(tmp_path / "lake").instances.collect().height == 6


def test_members_that_a_list_names_beside_their_archive(tmp_path: Path) -> None:
    """The archive answers for them: none is read or counted twice, tonight or on another night."""
    archive = write_archive(tmp_path / "a.zip", FILES)
    names = [f"zip://{name}::{archive}" for name in FILES]
    (tmp_path / "list.csv").write_text("\n".join(["url", *names, str(archive)]) + "\n")
    first = index([f"@{tmp_path / 'list.csv'}", archive], tmp_path / "lake")
    assert (first.files_listed, first.files_new) == (len(FILES) + 1, len(FILES) + 1)
    assert Lake(tmp_path / "lake").files.collect()["url"].is_unique().all()
    again = index([f"@{tmp_path / 'list.csv'}", archive], tmp_path / "lake")
    assert (again.files_unchanged, again.bytes_read) == (len(FILES) + 1, 0)


def test_full_run_and_changed_settings_open_archives_again(tmp_path: Path) -> None:
    """Archives are read again once, and the run after that reads nothing. Turned off, archives are files."""
    archive = write_archive(tmp_path / "packed.tar.gz", FILES)
    index(archive, tmp_path / "lake")
    columns = {"columns": [{"path": "DateOfSecondaryCapture"}]}
    assert index(archive, tmp_path / "lake", **columns).files_indexed == 24
    assert index(archive, tmp_path / "lake", **columns).bytes_read == 0
    assert index(archive, tmp_path / "lake 2", **{"listing.archives": False}).files_not_dicom == 1


def test_optimize_keeps_ledger_in_the_order_of_archives(tmp_path: Path) -> None:
    """Part files of `files` that were merged are still read in one pass: the next run finds all unchanged."""
    for number in range(4):
        write_archive(tmp_path / f"{number}.zip", {f"IM{n:03}": dicom(n + 100 * number) for n in range(9)})
    index([tmp_path / f"{number}.zip" for number in range(4)], tmp_path / "lake")
    assert optimize(Location.of(tmp_path / "lake")).snapshot is not None
    again = index([tmp_path / f"{number}.zip" for number in range(4)], tmp_path / "lake")
    assert (again.files_unchanged, again.bytes_read) == (40, 0)


def test_packed_archive_is_unpacked_once_for_all_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units of one packed tar go on where the one before ended: its file is opened to be listed, and once to be read."""
    archive = write_archive(tmp_path / "packed.tar.gz", FILES)
    opened = []

    def counted(path: bytes) -> Any:
        opened.append(path)
        return LocalSource(path)

    monkeypatch.setattr("dicomlake.fetch.opener.LocalSource", counted)
    index(archive, tmp_path / "lake")
    assert opened == [os.fsencode(archive)] * 2


def test_dicomdir_is_a_list(tmp_path: Path) -> None:
    """Its records name files below it, whatever case the medium shows; what is named and gone is a row, what is not named a message."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

    write_folder(tmp_path, {"dicom/im1": dicom(1), "DICOM2/IM2": dicom(2), "readme": b"text"})
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.DirectoryRecordSequence = []
    for file_id in (["DICOM", "IM1"], ["DICOM2", "IM2"], ["DICOM2", "GONE"], None, ["ZZ", "ETC"]):
        record = Dataset()
        record.RecordInUseFlag = 0xFFFF
        if file_id is not None:
            record.ReferencedFileID = file_id
        directory.DirectoryRecordSequence.append(record)
    directory.save_as(tmp_path / "DICOMDIR", enforce_file_format=True)
    (tmp_path / "DICOMDIR").write_bytes((tmp_path / "DICOMDIR").read_bytes().replace(b"ZZ\\ETC", b"..\\ETC"))
    progress = Progress()
    dicomlake.index(f"@{tmp_path / 'DICOMDIR'}", lake=tmp_path / "lake", workers=0, progress=progress)
    files = Lake(tmp_path / "lake").files.sort("url").collect()
    assert dict(zip(files["url"], files["code"], strict=True)) == {
        f"{tmp_path}/DICOM2/GONE": "unreadable",
        f"{tmp_path}/DICOM2/IM2": None,
        f"{tmp_path}/dicom/im1": None,
    }
    told = " ".join(progress.messages)
    assert "1 files beside DICOMDIR are not named in it" in told
    assert "1 of its file IDs do not name files below its folder" in told
