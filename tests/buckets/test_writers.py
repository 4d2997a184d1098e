"""Two processes that write one lake in a bucket: whichever is refused, no finished run is lost and nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomlake.parts import Location
from tests.buckets.conftest import BucketNights
from tests.buckets.writer_game import Game

pytestmark = pytest.mark.long


@pytest.mark.parametrize("leases", [True, False], ids=["with leases", "with nothing but commits"])
def test_two_writers_lose_nothing(nights: BucketNights, tmp_path: Path, *, leases: bool) -> None:
    """Also where the lease keeps nobody out: then their commits alone tell them apart."""
    folder = tmp_path / "game"
    folder.mkdir()
    game = Game(nights.location.url, dict(nights.location.storage_options), folder, leases=leases)
    game.play(2)
    assert len(game.finished) == 4
    game.check(Location.of(tmp_path / "rebuilt"))
