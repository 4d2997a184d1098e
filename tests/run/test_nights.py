"""The lake is a function of the files: after any nights of any events it equals a rebuild.

``DICOMLAKE_GAMES=100`` plays so many more games, of seeds that the suite does not play (``DICOMLAKE_FIRST_SEED`` says from which on).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.run.conftest import Nights
from tests.run.game import Game

pytestmark = pytest.mark.long

NIGHTS = 25
SEEDS = 8

_FIRST = int(os.environ.get("DICOMLAKE_FIRST_SEED", "1000"))
MORE_SEEDS = range(_FIRST, _FIRST + int(os.environ.get("DICOMLAKE_GAMES", "0")))


@pytest.mark.parametrize("seed", [*range(SEEDS), *MORE_SEEDS])
def test_after_every_night_the_lake_equals_a_rebuild(nights: Nights, tmp_path: Path, seed: int) -> None:
    """Whatever happens to files, settings, runs and upkeep: see the game."""
    game = Game(nights, tmp_path, seed)
    for night in range(1, NIGHTS + 1):
        game.play(night)
    assert game.compared >= NIGHTS // 2
