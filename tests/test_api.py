"""The package as Python programs see it: `index`, `scan`, `Lake`, `errors`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Self

import pytest

import dicomlake
import dicomlake.runner.local_cluster
from dicomlake.config import Settings, load_settings
from dicomlake.extract.engine import Scanned
from dicomlake.run import Progress
from dicomlake.samples import write_sample


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample archive."""
    folder = tmp_path_factory.mktemp("api") / "archive"
    write_sample(folder)
    return folder


def test_names_are_those_of_the_contract() -> None:
    """What the package offers is a promise."""
    assert {"Lake", "__version__", "errors", "index", "scan", "open_url"} <= set(dicomlake.__all__)
    assert dir(dicomlake) == dicomlake.__all__ == sorted(dicomlake.__all__)
    for name in dicomlake.__all__:
        assert getattr(dicomlake, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = dicomlake.nothing


def test_importing_costs_nothing() -> None:
    """Heavy packages wait until something is asked of them."""
    code = (
        "import sys, dicomlake; "
        "heavy = {'polars', 'pyarrow', 'pydicom', 'dask', 'deltalake', 'typer'} & set(sys.modules); assert not heavy, heavy"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_index_then_lake(archive: Path, tmp_path: Path) -> None:
    """A lake that `index` made is one that `Lake` reads, and the progress says how far it came."""
    progress = Progress()
    summary = dicomlake.index(archive, lake=tmp_path / "lake", workers=0, progress=progress)
    lake = dicomlake.Lake(tmp_path / "lake")
    assert lake.snapshot == summary.snapshot == 1
    assert lake.sql("select count(*) as n from files").collect()["n"][0] == summary.files_listed == progress.files_read
    assert lake.summary == summary.as_dict()


def test_index_of_several_sources_with_settings(archive: Path, tmp_path: Path) -> None:
    """Sources come as a list, and settings as an object that arguments go over."""
    folders = [path for path in sorted(archive.iterdir()) if path.is_dir()][:2]
    settings = load_settings(overrides={"columns": [{"path": "PatientBirthTime"}], "running.workers": 3})
    dicomlake.index(folders, lake=tmp_path / "lake", config=settings, workers=0, headers=True)
    lake = dicomlake.Lake(tmp_path / "lake")
    assert lake.row["sources"] == [str(folder) for folder in folders]
    instances = lake.instances.select("PatientBirthTime", "header_json").collect()
    assert instances["header_json"].null_count() == 0


def test_index_takes_one_place_to_run(tmp_path: Path) -> None:
    """Workers here and workers there exclude each other."""
    with pytest.raises(dicomlake.errors.ConfigurationError, match="exclude"):
        dicomlake.index(tmp_path, lake=tmp_path / "lake", workers=0, scheduler="tcp://127.0.0.1:1")


def test_workers_go_over_the_scheduler_of_a_configuration(archive: Path, tmp_path: Path) -> None:
    """What the caller says is nearer than what a file says."""
    settings = Settings.model_validate({"running": {"scheduler": "tcp://127.0.0.1:1"}})
    assert dicomlake.index(archive / "manifest.json", lake=tmp_path / "lake", config=settings, workers=0).files_not_dicom == 1


def test_dry_run_needs_no_workers(archive: Path, tmp_path: Path) -> None:
    """Where nothing is read, no worker is started: a scheduler that is not there is not missed."""
    summary = dicomlake.index(archive, lake=tmp_path / "lake", scheduler="tcp://127.0.0.1:1", dry_run=True)
    assert summary.files_new == summary.files_listed > 0


class _Cluster:
    """A cluster that is interrupted while it starts."""

    def __init__(self) -> None:
        self.is_closed = False

    def start(self, *_: object, **__: object) -> Self:
        """Stand in for ``local_runner``; a second signal would act at once."""
        os.kill(os.getpid(), signal.SIGINT)
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        return self

    def close(self) -> None:
        """Note that it was closed."""
        self.is_closed = True


def test_interrupt_while_workers_start_waits_until_they_can_be_closed(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers never see the signal, and the cluster is closed before it acts; handlers are what they were."""
    cluster = _Cluster()
    monkeypatch.setattr(dicomlake.runner.local_cluster, "local_runner", cluster.start)
    # A job in the background of a shell is started with SIGINT ignored.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            dicomlake.index(archive, lake=tmp_path / "lake", workers=2, engine="pydicom")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, former)
    assert cluster.is_closed
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_workers_that_do_not_start_are_a_refusal(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script without the usual guard is told of it."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(dicomlake.runner.local_cluster, "local_runner", broken)
    with pytest.raises(dicomlake.errors.RefusedError, match="__main__"):
        dicomlake.index(archive, lake=tmp_path / "lake", workers=2, engine="pydicom")


def test_scan_answers_for_every_path_in_order(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths become absolute, a path that is not there is unreadable, and a path given twice has two rows."""
    monkeypatch.chdir(archive)
    images = sorted(path.relative_to(archive) for path in archive.rglob("*.dcm") if "P001" in path.parts)[:2]
    os.mkfifo(tmp_path / "fifo")
    paths = [images[1], "manifest.json", "nowhere.dcm", images[0], images[1], tmp_path / "fifo", "a\0b"]
    scanned = dicomlake.scan(paths)
    rows = scanned.files.to_pylist()
    urls = [str(archive / path) for path in (images[1], "manifest.json", "nowhere.dcm", images[0], images[1])]
    assert [row["url"] for row in rows[:5]] == urls
    assert [row["status"] for row in rows[:5]] == ["indexed", "not_dicom", "failed", "indexed", "indexed"]
    assert [row["code"] for row in rows] == [None, "not-dicom", "unreadable", None, None, "not-regular", "unreadable"]
    assert scanned.instances["url"].to_pylist() == [urls[0], urls[3], urls[0]]
    assert rows[0]["file_size"] == (archive / images[1]).stat().st_size


def test_scan_of_one_path_and_of_none(archive: Path) -> None:
    """A path alone is a list of one; nothing is nothing, in the same schema."""
    alone = dicomlake.scan(str(archive / "manifest.json"))
    nothing = dicomlake.scan([])
    assert alone.files.num_rows == 1
    assert nothing.files.num_rows == 0
    assert nothing.files.schema == alone.files.schema
    assert nothing.instances.schema == alone.instances.schema


def _rows_of(scanned: Scanned) -> list[tuple[str, str, str | None]]:
    return sorted((row["url"], row["status"], row["code"]) for row in scanned.files.to_pylist())


def test_scan_of_a_folder_lists_it_as_index_does(archive: Path, tmp_path: Path) -> None:
    """Folders, archives in them, globs and lists: a row for each file that `index` has, with its status."""
    folder = tmp_path / "folder"
    images = sorted(archive.rglob("*.dcm"))
    (folder / "deep").mkdir(parents=True)
    for number, image in enumerate(images[:3]):
        (folder / "deep" / f"{number}.dcm").write_bytes(image.read_bytes())
    with zipfile.ZipFile(folder / "more.zip", "w") as packed:
        packed.write(images[3], "in.dcm")
        packed.writestr("notes.txt", "not DICOM")
    (folder / "dangling").symlink_to(folder / "nowhere")
    dicomlake.index(folder, lake=tmp_path / "lake", workers=0)
    files = dicomlake.Lake(tmp_path / "lake").files.select("url", "status", "code").collect()
    scanned = dicomlake.scan(folder)
    assert _rows_of(scanned) == sorted(files.iter_rows())
    assert scanned.instances.num_rows == 4
    assert _rows_of(dicomlake.scan(str(folder / "de*" / "*.dcm"))) == _rows_of(dicomlake.scan(folder / "deep"))
    assert dicomlake.scan([folder / "more.zip"]).files["status"].to_pylist() == ["indexed", "not_dicom", "skipped"]
    (tmp_path / "list.csv").write_text(f"url\n{folder}/deep/1.dcm\n", "utf-8")
    several = dicomlake.scan([folder / "deep" / "2.dcm", f"@{tmp_path}/list.csv", folder / "deep" / "0.dcm"])
    assert [Path(url).stem for url in several.files["url"].to_pylist()] == ["2", "1", "0"]


def test_scan_of_what_is_not_there(tmp_path: Path) -> None:
    """An empty folder has no rows; a glob that matches nothing is most likely misspelt, and a list must be there."""
    assert dicomlake.scan(tmp_path).files.num_rows == 0
    for missing in (f"{tmp_path}/*.dcm", f"{tmp_path}/nowhere/*.dcm", f"@{tmp_path}/list.csv"):
        with pytest.raises(dicomlake.errors.SourceNotFound, match=re.escape(str(tmp_path))):
            dicomlake.scan(missing)


def test_scan_with_a_configuration(archive: Path, tmp_path: Path) -> None:
    """Columns of the user's are there without a lake too."""
    config = tmp_path / "my.yaml"
    config.write_text("columns: [{path: PatientBirthTime}]\n", "utf-8")
    assert "PatientBirthTime" in dicomlake.scan([], config=config).instances.schema.names


def test_names_that_are_no_text_can_be_scanned(archive: Path, tmp_path: Path) -> None:
    """A byte of a name that is no UTF-8 is written out in the url."""
    name = os.fsdecode(b"caf\xe9.dcm")
    image = next(iter(sorted(archive.rglob("*.dcm"))))
    (tmp_path / name).write_bytes(image.read_bytes())
    row = dicomlake.scan([tmp_path / name]).files.to_pylist()[0]
    assert row["url"] == f"{tmp_path}/caf\\xe9.dcm"
    assert row["code"] != "unreadable"
