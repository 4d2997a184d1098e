"""Two processes that write one lake in a bucket, for many rounds: `python benchmarks/bucket_writers.py [ROUNDS] [SECONDS]`.

It shows that no finished run is lost, that none is there twice, that snapshot numbers are unique and consecutive, and that the lake equals
a rebuild: with leases, and with nothing but the commits to tell writers apart. With SECONDS, writers are killed after about that time,
again and again. It shows nothing of speed: a round is a run over one new file, and the store is a server on the same machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import dicomlake.extract.unit
import dicomlake.run.index
from dicomlake.parts import Location

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.buckets.servers import moto_process
from tests.buckets.writer_game import Game
from tests.run.json_engine import JsonEngine
from tests.stores.servers import versitygw_command, versitygw_server


def main() -> None:
    """Play both games."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    kill_seconds = float(sys.argv[2]) if len(sys.argv) > 2 else None
    engine = JsonEngine()
    dicomlake.extract.unit.make_engine = lambda _: engine  # type: ignore[assignment, return-value]
    dicomlake.run.index.engine_version = lambda _: engine.version  # type: ignore[attr-defined]
    for leases in (True, False):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            buckets, archive = folder / "buckets", folder / "archive"
            buckets.mkdir()
            archive.mkdir()
            command = versitygw_command()
            with versitygw_server(command, buckets) if command else moto_process() as server:
                bucket = server.make_bucket("lakes")
                game = Game(f"{bucket.url}/lake", bucket.storage_options, archive, leases=leases)
                started = time.monotonic()
                game.play(rounds, kill_seconds)
                seconds = time.monotonic() - started
                game.check(Location.of(folder / "rebuilt"))
            refused = ", ".join(f"{count} {kind}" for kind, count in sorted(game.refusals.items()))
            figures = f"{len(game.finished)} finished runs in {seconds:.0f} s, refused {refused}, {game.kills} killed"
            print(f"leases {leases}: {figures}; nothing lost, nothing doubled")


if __name__ == "__main__":
    main()
