"""The lake is a function of the files: after any nights of any events it equals a rebuild."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from dicomlake.lake import Lake
from dicomlake.parts import Location
from tests.run.comparison import assert_same_lake
from tests.run.conftest import Nights

NIGHTS = 8


def _header(chance: random.Random) -> dict[str, object]:
    number = chance.randrange(25)
    header: dict[str, object] = {
        "SOPInstanceUID": f"1.{number}",
        "SeriesInstanceUID": f"2.{number // 3}",
        "StudyInstanceUID": f"3.{number // 7}",
        "PatientID": chance.choice([None, "A", "B"]) if number % 5 == 0 else f"P{number // 12}",
        "IssuerOfPatientID": chance.choice([None, "here"]),
        "Modality": chance.choice(["CT", "MR", None, "A%B =C"]),
        "KVP": chance.choice([None, 80.0, 120.0]),
        "ImageType": chance.choice([None, ["ORIGINAL", None], ["DERIVED"]]),
        "PatientName": chance.choice(["Doe^Jane", "Doe^J", None]),
    }
    if chance.random() < 0.15:
        header["code"] = "truncated"
    return header


def _play(nights: Nights, chance: random.Random) -> None:
    """One day in the life of an archive."""
    folder = nights.archive.folder
    for _ in range(chance.randrange(1, 6)):
        present = sorted(path for path in folder.rglob("*") if path.is_file())
        event = chance.choice(["new", "new", "change", "remove", "copy", "move", "text"])
        name = f"{chance.choice('abc')}/{chance.choice('de')}/{chance.randrange(30)}"
        if event == "new" or not present:
            nights.archive.write(name, **_header(chance))
        elif event == "text":
            nights.archive.write_text(name, "no JSON")
        else:
            chosen = chance.choice(present)
            if event == "change":
                nights.archive.write(str(chosen.relative_to(folder)), **_header(chance))
            elif event == "copy":
                nights.archive.write_text(name, chosen.read_text())
            elif event == "move":
                text = chosen.read_text()
                chosen.unlink()
                nights.archive.write_text(name, text)
            else:
                chosen.unlink()


@pytest.mark.parametrize("seed", range(4))
def test_after_every_night_the_lake_equals_a_rebuild(nights: Nights, tmp_path: Path, seed: int) -> None:
    """New, changed, moved, vanished and copied files, copies that conflict and headers read in part leave no trace of their order."""
    chance = random.Random(seed)
    for night in range(NIGHTS):
        _play(nights, chance)
        nights.run()
        rebuilt = Location.of(tmp_path / f"rebuilt-{night}")
        nights.run(lake=rebuilt)
        assert_same_lake(nights.lake, Lake(rebuilt.url))
        shutil.rmtree(rebuilt.url)
