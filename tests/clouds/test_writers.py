"""Two processes that write one lake in Azure or Google: no finished run is lost, and nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

import dicomlake.extract.unit
from dicomlake.parts import Location
from tests.buckets.writer_game import Game
from tests.clouds.servers import CloudBucket
from tests.run.json_engine import JsonEngine

pytestmark = pytest.mark.long


@pytest.mark.parametrize("leases", [True, False], ids=["with leases", "with nothing but commits"])
def test_two_writers_lose_nothing(bucket: CloudBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, leases: bool) -> None:
    """Also where the lease keeps nobody out: then conditional commits alone tell them apart."""
    engine = JsonEngine()
    monkeypatch.setattr(dicomlake.extract.unit, "make_engine", lambda _: engine)
    for module in ("planning", "stages"):
        monkeypatch.setattr(f"dicomlake.run.{module}.engine_version", lambda _: engine.version)
    folder = tmp_path / "game"
    folder.mkdir()
    game = Game(f"{bucket.url}/lake", bucket.storage_options, folder, leases=leases)
    game.play(2)
    assert len(game.finished) == 4
    game.check(Location.of(tmp_path / "rebuilt"))
