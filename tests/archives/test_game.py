"""Archives or not, the lake is a function of the files; see the game.

``DICOMLAKE_GAMES=100`` plays so many more games, of seeds that the suite does not play (``DICOMLAKE_FIRST_SEED`` says from which on).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.archives.game import Game

pytestmark = pytest.mark.long

DAYS = 6
SEEDS = 3

_FIRST = int(os.environ.get("DICOMLAKE_FIRST_SEED", "1000"))
_MORE = range(_FIRST, _FIRST + int(os.environ.get("DICOMLAKE_GAMES", "0")))


@pytest.mark.parametrize("seed", [*range(SEEDS), *_MORE])
def test_after_every_night_the_lake_equals_a_rebuild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Whatever happens to archives, files and runs."""
    game = Game(tmp_path, seed, monkeypatch)
    for _ in range(DAYS):
        game.play()
    assert game.ended == DAYS
