"""A small archive of JSON headers, and a lake of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

import dicomlake.extract.unit
import dicomlake.run.planning
import dicomlake.run.stages
from dicomlake import Lake
from dicomlake.config import Settings, load_settings
from dicomlake.lake import verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, Summary, run_index
from dicomlake.run.time_limit import Clock
from dicomlake.runner import Runner, SerialRunner
from tests.run.json_engine import JsonEngine


class Archive:
    """Files below a folder, whose modified times ascend with every write so that a change is always seen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = 1_700_000_000

    def write(self, name: str, **header: Any) -> Path:
        """Write a header."""
        return self.write_text(name, json.dumps(header))

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of any text."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        self.clock += 1
        os.utime(path, (self.clock, self.clock))
        return path


class Nights:
    """An archive, its lake, and runs over them."""

    def __init__(self, folder: Path, engine: JsonEngine) -> None:
        self.archive = Archive(folder / "archive")
        self.archive.folder.mkdir()
        self.location = Location.of(folder / "lake")
        self.engine = engine
        self.verifies = True
        self.overrides: dict[str, Any] = {"listing.unit_files": 3, "lake.commit_units": 2, "lake.missing_limit": 1, "lake.rollup_rows": 4}

    @property
    def settings(self) -> Settings:
        """The settings of a run."""
        return load_settings(overrides=self.overrides)

    @property
    def lake(self) -> Lake:
        """The lake as it is now."""
        return Lake(self.location.url)

    def run(
        self,
        *,
        sources: tuple[str, ...] | None = None,
        lake: Location | None = None,
        runner: Runner | None = None,
        clock: Clock = time.monotonic,
        is_verified: bool = True,
        **flags: bool,
    ) -> Summary:
        """Run once; the lake must be sound afterwards, unless ``verifies`` leaves that to the test."""
        self.engine.read_urls.clear()
        request = IndexRequest(sources or (str(self.archive.folder),), lake or self.location, self.settings, **flags)
        summary = run_index(request, lambda: runner or SerialRunner(), clock=clock)
        if self.verifies and is_verified and not flags.get("dry_run"):
            report = verify(lake or self.location)
            assert report.defects == []
        return summary


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """An empty archive and no lake yet; headers are JSON."""
    return nights_with(JsonEngine(), tmp_path, monkeypatch)


def nights_with(engine: JsonEngine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """An empty archive and no lake yet; the engine reads headers."""
    monkeypatch.setattr(dicomlake.extract.unit, "make_engine", lambda _: engine)
    for module in (dicomlake.run.stages, dicomlake.run.planning):
        monkeypatch.setattr(module, "engine_version", lambda _: engine.version)
    return Nights(folder, engine)
