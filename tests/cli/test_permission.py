"""A lake that this user may not read: every command says so, and none takes it for absent or damaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dicomlake.cli import main
from tests.cli.conftest import Run

NOBODY = 65534
COMMANDS: list[list[str]] = [
    ["info", "LAKE"],
    ["query", "LAKE", "select count(*) from series"],
    ["diff", "LAKE"],
    ["verify", "LAKE"],
    ["optimize", "LAKE"],
    ["vacuum", "LAKE"],
    ["schema", "instances", "--lake", "LAKE"],
    ["index", "ARCHIVE", "--lake", "LAKE", "--workers", "0"],
]


@pytest.fixture(scope="module")
def _all_imported(lake: Path, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each command has imported what it needs: somebody else may not read the package."""
    copy = shutil.copytree(lake, tmp_path_factory.mktemp("lakes") / "copy")
    for command in COMMANDS:
        main(_with(command, copy, archive))


def _with(command: list[str], lake: Path, archive: Path) -> list[str]:
    return [{"LAKE": str(lake), "ARCHIVE": str(archive)}.get(word, word) for word in command]


@pytest.fixture
def shared_lake(lake: Path, _all_imported: None) -> Iterator[Path]:
    """A copy of the lake in a folder that every user may enter."""
    folder = Path("/tmp") / f"dicomlake-permission-{os.getpid()}"  # noqa: S108 - pytest's own folders are closed to other users
    folder.mkdir(mode=0o755)
    try:
        copy = Path(shutil.copytree(lake, folder / "lake"))
        for path in [copy, *copy.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        yield copy
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o700)
        shutil.rmtree(folder)


@contextmanager
def _as_a_user_without_rights() -> Iterator[None]:
    """Root may read everything, so a test that runs as root becomes somebody else."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _close(*paths: Path) -> None:
    for path in paths:
        path.chmod(0)


CLOSED: dict[str, Callable[[Path], list[Path]]] = {
    "the lake": lambda lake: [lake],
    "the folder above": lambda lake: [lake.parent],
    "a table": lambda lake: [lake / "snapshots"],
    "a log": lambda lake: [lake / "snapshots" / "_delta_log"],
    "commits": lambda lake: list((lake / "snapshots" / "_delta_log").glob("*.json")),
    "part files": lambda lake: list((lake / "snapshots").glob("*.parquet")),
}


@pytest.mark.parametrize("closed", CLOSED)
def test_lake_that_may_not_be_read(run: Run, archive: Path, shared_lake: Path, closed: str) -> None:
    """One line says that permission is wanting, and names the file or folder."""
    paths = CLOSED[closed](shared_lake)
    assert paths
    _close(*paths)
    for command in COMMANDS:
        with _as_a_user_without_rights():
            ran = run(*_with(command, shared_lake, archive))
        ran.assert_one_line_error(1, f"lake {shared_lake} can't be read: no permission for {paths[0].parent}", "run as a user who may")


@pytest.mark.parametrize("command", COMMANDS[1:4:2])
def test_table_that_may_not_be_read(run: Run, archive: Path, shared_lake: Path, command: list[str]) -> None:
    """A question about a table whose part files may not be read, and a check of the lake, say so."""
    _close(*(shared_lake / "series").glob("*.parquet"))
    with _as_a_user_without_rights():
        ran = run(*_with(command, shared_lake, archive))
    ran.assert_one_line_error(1, f"lake {shared_lake} can't be read: no permission for {shared_lake / 'series'}")


def test_lake_that_is_not_there_is_not_a_lake(run: Run, shared_lake: Path) -> None:
    """A path without a lake stays what it was: a wrong request."""
    with _as_a_user_without_rights():
        run("info", shared_lake.parent / "other").assert_one_line_error(2, "is not a lake", "dicomlake index SOURCE --lake")
