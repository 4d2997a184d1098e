"""What happens to the files of an archive in a day, drawn at random; and what a listing of them says."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dicomlake.errors import FileCode
from dicomlake.sources import name_of_source
from tests.run.conftest import Nights

SOURCES = ("one", "two", "one/a", "@")
"""Two folders, one inside the first, and a list of files of the second."""

Signature = tuple[int, int] | None
"""The size and modified time of a file; None where a listing can't tell."""


class Days:
    """The files of an archive.

    ``failing`` of the engine holds the files that can't be read today, ``hidden`` is the folder that can't be listed today.
    """

    def __init__(self, nights: Nights, folder: Path, chance: random.Random) -> None:
        self._archive = nights.archive
        self._engine = nights.engine
        self._chance = chance
        self._list = folder / "list.parquet"
        self._graveyard = folder / "graveyard"
        self._graveyard.mkdir()
        self.folder = nights.archive.folder
        self.hidden: Path | None = None
        for name in ("one/a", "two"):
            (self.folder / name).mkdir(parents=True)
        self._events: list[tuple[str, Callable[[Path], None], int]] = [
            ("new", lambda _: self._write(self._name()), 3),
            ("changes", lambda path: self._write(str(path.relative_to(self.folder))), 2),
            ("same size, newer", self._touch, 1),
            ("copied", lambda path: self._write_text(self._name(), path.read_text("utf-8")), 2),
            ("moves", lambda path: self._move(path, self.folder / self._name()), 1),
            ("vanishes", self._bury, 2),
            ("reappears", lambda _: self._reappear(), 1),
            ("no DICOM", lambda _: self._write_text(self._name(), "no JSON"), 1),
            ("unreadable", lambda path: self._fail(path, FileCode.UNREADABLE), 1),
            ("times out", lambda path: self._fail(path, FileCode.TIMED_OUT), 1),
            ("dangling link", lambda _: self._link(self.folder / self._name()), 1),
            ("hidden folder", lambda _: self._hide(), 1),
        ]

    def begin(self) -> None:
        """What failed yesterday is whole today."""
        self._engine.failing.clear()
        self.hidden = None

    def event(self, kept: list[Path]) -> str:
        """One event, told; ``kept`` are files of which the lake has copies."""
        chance = self._chance
        plain = [path for path in self.files() if not path.is_symlink()]
        if kept and chance.random() < 0.1:
            path = chance.choice(kept)
            self._bury(path)
            return f"kept copy {path.relative_to(self.folder)} vanishes"
        name, act, _ = chance.choices(self._events, [weight for _, _, weight in self._events])[0]
        path = chance.choice(plain) if plain else self._write("one/first")
        act(path)
        return f"{path.relative_to(self.folder)} {name}"

    def files(self) -> list[Path]:
        """Every file and link, in order."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file() or path.is_symlink())

    # ---- listings ----------------------------------------------------------------------------------------------------------------

    def text(self, source: str) -> str:
        """A source as a user names it."""
        return f"@{self._list}" if source == "@" else str(self.folder / source)

    def name(self, source: str) -> str:
        """Its name in `files`."""
        return name_of_source(self.text(source))

    def write_list(self) -> None:
        """An inventory of one folder that may have gaps: a list is not whole unless it is said to be."""
        files = [path for path in self.files() if path.is_relative_to(self.folder / "two") and not path.is_symlink()]
        files = [path for path in files if self._chance.random() < 0.9]
        stats = [path.stat() for path in files]
        columns = {
            "url": [str(path) for path in files],
            "file_size": [stat.st_size for stat in stats],
            "modified": [stat.st_mtime_ns // 1000 for stat in stats],
        }
        schema = {"url": pl.String, "file_size": pl.Int64, "modified": pl.Datetime("us", "UTC")}
        pl.DataFrame(columns, schema=schema).write_parquet(self._list)

    def listing(self, source: str, hidden: Path | None) -> dict[str, Signature]:
        """What a source lists, where a folder can't be."""
        if source == "@":
            rows = pl.read_parquet(self._list).with_columns(pl.col("modified").to_physical())
            return {url: (size, modified) for url, size, modified in rows.iter_rows()}
        listed: dict[str, Signature] = {}
        for path in self.files():
            if path.is_relative_to(self.folder / source) and not (hidden is not None and path.is_relative_to(hidden)):
                listed[str(path)] = None if path.is_symlink() else (path.stat().st_size, path.stat().st_mtime_ns // 1000)
        if hidden is not None and hidden.is_dir() and hidden.is_relative_to(self.folder / source):
            listed[str(hidden)] = None
        return listed

    @contextmanager
    def as_listed(self) -> Iterator[None]:
        """The hidden folder can't be listed; permissions would not keep root from it."""
        scandir, hidden = os.scandir, None if self.hidden is None else str(self.hidden)

        def refusing(path: Any) -> Any:
            if hidden is not None and path == hidden:
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        with pytest.MonkeyPatch.context() as patch:
            if hidden is not None:
                patch.setattr("dicomlake.sources.local.folder.look_at_folder", lambda _: (None, False))  # Python looks instead
            patch.setattr(os, "scandir", refusing)
            yield

    # ---- events ------------------------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        folder = self._chance.choice(["one", "one/a", "one/a/x", "two", "two/y"])
        return f"{folder}/{self._chance.choice('!bC~é')}{self._chance.randrange(6)}"

    def _write(self, name: str) -> Path:
        (self.folder / name).unlink(missing_ok=True)
        return self._archive.write(name, **_header(self._chance))

    def _write_text(self, name: str, text: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        self._archive.write_text(name, text)

    def _touch(self, path: Path) -> None:
        text = path.read_text("utf-8")
        self._write_text(str(path.relative_to(self.folder)), text.replace("Doe^J", "Roe^J"))

    def _move(self, path: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)

    def _bury(self, path: Path) -> None:
        os.replace(path, self._graveyard / str(path.relative_to(self.folder)).replace("/", "|"))

    def _reappear(self) -> None:
        if buried := sorted(self._graveyard.iterdir()):
            path = self._chance.choice(buried)
            self._move(path, self.folder / path.name.replace("|", "/"))

    def _fail(self, path: Path, code: FileCode) -> None:
        self._engine.failing[str(path)] = code

    def _link(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to("/nowhere")

    def _hide(self) -> None:
        self.hidden = self.folder / self._chance.choice(["one/a/x", "two/y"])


def _header(chance: random.Random) -> dict[str, Any]:
    number = chance.randrange(25)
    header: dict[str, Any] = {
        "SOPInstanceUID": f"1.{number}",
        "SeriesInstanceUID": f"2.{number // 3}",
        "StudyInstanceUID": f"3.{number // 7}",
        "PatientID": chance.choice([None, "A", "B"]) if number % 5 == 0 else f"P{number // 12}",
        "IssuerOfPatientID": chance.choice([None, "here"]),
        "Modality": chance.choice(["CT", "MR", None, "A%B =C"]),
        "KVP": chance.choice([None, 80.0, 120.0]),
        "ImageType": chance.choice([None, ["ORIGINAL", None], ["DERIVED"]]),
        "PatientName": chance.choice(["Doe^Jane", "Doe^J", None]),
        "PatientBirthTime": chance.choice(["10:00:00.000000", None]),
    }
    if chance.random() < 0.8:
        header |= _geometry(chance)
    # Two copies of an instance may differ in how many items they have, and in each of these.
    header["Items"] = [{"label": f"{number} {header['KVP']} {item}"} for item in range((number + int(header["KVP"] or 0) // 40) % 4)]
    if chance.random() < 0.15:
        header["code"] = "truncated"
    return header


def _geometry(chance: random.Random) -> dict[str, Any]:
    """A slice, or an enhanced object of a few frames. There are few positions and orientations, so that stacks are numbered again."""
    orientation = chance.choice([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]])
    position = [0.0, 0.0, float(chance.randrange(3))]
    echo = chance.choice([10.0, 20.0])
    if chance.random() < 0.7:
        return {"ImageOrientationPatient": orientation, "ImagePositionPatient": position, "EchoTime": echo}
    frames = [
        {
            "ImageOrientationPatient": orientation,
            "ImagePositionPatient": [0.0, 0.0, float(z)],
            "EffectiveEchoTime": chance.choice([echo, 30.0]),
        }
        for z in range(chance.randrange(1, 4))
    ]
    return {"NumberOfFrames": len(frames), "is_multiframe": True, "Frames": frames}
