"""Fixtures for readers of pages: a folder to work in, the command, and the files that a page begins with."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import dicomlake
from dicomlake.lake.write import lease
from dicomlake.samples import write_sample
from tests.buckets.servers import moto_process
from tests.docs.pages import Page

Begin = Callable[[Page], dict[str, str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose ``dicomlake`` is the one under test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "dicomlake"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dicomlake "$@"\n', "utf-8")
    script.chmod(0o755)
    path = os.pathsep.join(path for path in sys.path if path)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path, "LC_ALL": "C.UTF-8"}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``made``, which holds the sample archive and its lake, as they are when they stand in its folder ``work``."""
    folder = tmp_path_factory.mktemp("pages")
    with contextlib.chdir(folder):
        Path("work").mkdir()
        with contextlib.chdir("work"):
            write_sample(Path("archive"))
            dicomlake.index("archive", lake="lake", workers=0)
        Path("work").rename("made")
    return folder


@pytest.fixture
def begin(environment: dict[str, str], prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """A function that goes to a folder with what a page begins with, and answers the environment for its commands."""
    work = prepared / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    monkeypatch.chdir(work)
    with ExitStack() as stack:

        def begin(page: Page) -> dict[str, str]:
            for name in page.begins_with & {"archive", "lake"}:
                shutil.copytree(prepared / "made" / name, name)
            if "bucket" in page.begins_with:
                bucket = stack.enter_context(moto_process()).make_bucket("hospital")
                bucket.put_folder(Path("archive/P009"), "archive/")
                for name, value in bucket.environment.items():
                    monkeypatch.setenv(name, value)
                # moto reads the condition and then writes, so on a busy machine two puts at once can both pass.
                monkeypatch.setattr(lease, "_RACES", 0)
                environment.update(bucket.environment)
            return environment

        yield begin
