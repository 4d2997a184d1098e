"""Two processes that write one lake in a bucket, for many rounds: a test that no commit is lost, not of speed.

In each round, both writers add a file to a source of their own and index it until a run finishes. Then the lake is checked: no finished run
is lost or there twice, snapshots are numbered without gaps, `verify` finds nothing, and the lake equals a rebuild. This is played once with
a lease, as usual, and once with commits as the only protection. With ``--kill-seconds`` writers are killed after about that time.

It does not show speed: a round is a run over one new file, and the store is a server on this machine: versitygw where it is installed, else
moto. With ``--store azure`` it is Azurite, with ``--store google`` fake-gcs-server behind the proxy of the tests (``make servers``).

    python benchmarks/bucket_writers.py [--rounds 200] [--store s3|azure|google] [--kill-seconds SECONDS] [--folder FOLDER]

It leaves a dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import dicomlake.extract.unit
import dicomlake.run.planning
import dicomlake.run.stages
from dicomlake.parts import Location

sys.path.insert(0, str(Path(__file__).parents[1]))  # the servers and the game are those of the tests

from tests.buckets.servers import moto_process
from tests.buckets.writer_game import Game
from tests.clouds.servers import Cloud, azurite, azurite_command, fake_gcs, fake_gcs_command
from tests.run.json_engine import JsonEngine
from tests.stores.servers import Server, versitygw_command, versitygw_server

from measure import arguments_parser, finish, parsed, record_head, working_folder

PACKAGES = ("deltalake", "obstore", "dicomlake")


def main() -> int:
    """Play both games, print their results, leave a record; a check that fails raises."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="of each writer")
    parser.add_argument("--kill-seconds", type=float, help="kill writers after about so long")
    parser.add_argument("--store", choices=("s3", "azure", "google"), default="s3")
    arguments = parsed(parser, rounds=1)
    engine = JsonEngine()
    setattr(dicomlake.extract.unit, "make_engine", lambda _: engine)  # noqa: B010 - modules don't export what they import
    for module in (dicomlake.run.planning, dicomlake.run.stages):
        setattr(module, "engine_version", lambda _: engine.version)  # noqa: B010 - likewise
    command = f"--rounds {arguments.rounds} --store {arguments.store}" + (
        f" --kill-seconds {arguments.kill_seconds:g}" if arguments.kill_seconds else ""
    )
    record = record_head("bucket writers", f"python benchmarks/bucket_writers.py {command}", PACKAGES)
    servers = {"s3": "versitygw" if versitygw_command() else "moto", "azure": "Azurite", "google": "fake-gcs-server behind a proxy"}
    record["store"] = servers[arguments.store]
    with working_folder(arguments.folder) as folder:
        record["games"] = [_game(folder / str(leases), arguments, leases=leases) for leases in (True, False)]
    return finish(record, arguments, passed=True)


def _game(folder: Path, arguments: argparse.Namespace, *, leases: bool) -> dict[str, Any]:
    rounds = arguments.rounds
    buckets, archive = folder / "buckets", folder / "archive"
    buckets.mkdir(parents=True)
    archive.mkdir()
    with _server(arguments.store, buckets) as server:
        bucket = server.make_bucket("lakes")
        game = Game(f"{bucket.url}/lake", bucket.storage_options, archive, leases=leases)
        started = time.monotonic()
        game.play(rounds, arguments.kill_seconds)
        seconds = time.monotonic() - started
        game.check(Location.of(folder / "rebuilt"))
    figures = {
        "leases": leases,
        "rounds": rounds,
        "finished_runs": len(game.finished),
        "refused_runs": dict(game.refusals),
        "killed_writers": game.kills,
        "seconds": round(seconds),
    }
    refused = ", ".join(f"{count} by {kind}" for kind, count in sorted(game.refusals.items()))
    print(
        f"{'with' if leases else 'without'} leases: {len(game.finished)} finished runs in {seconds:.0f} s, refused {refused}, "
        f"{game.kills} writers killed; nothing lost, nothing doubled",
        flush=True,
    )
    return figures


def _server(store: str, folder: Path) -> AbstractContextManager[Server | Cloud]:
    if store == "s3":
        command = versitygw_command()
        return versitygw_server(command, folder) if command else moto_process()
    found, server = (azurite_command(), azurite) if store == "azure" else (fake_gcs_command(), fake_gcs)
    if found is None:
        raise SystemExit("the emulator is not installed: make servers")
    return server(found, folder)


if __name__ == "__main__":
    sys.exit(main())
