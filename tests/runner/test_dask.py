"""Runs on a real Dask cluster of this machine, whose workers are killed."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import polars as pl
import pytest
from distributed import Client, LocalCluster

from dicomlake.config import Settings, load_settings
from dicomlake.errors import AccessDenied, ConfigurationError, RefusedError
from dicomlake.extract.unit import UnitTask
from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, Summary, run_index
from dicomlake.runner import Outcome, Runner, SerialRunner, runner_starter
from dicomlake.runner.dask import DaskOptions, DaskRunner, scheduler_runner
from dicomlake.runner.dask_log import SilentDaskLog
from dicomlake.runner.local_cluster import local_runner
from tests.corpus import write_corpus
from tests.run.comparison import assert_same_lake
from tests.runner.processes import wait_until

pytestmark = pytest.mark.long

FILES = 60


@dataclass(frozen=True)
class Deadly:
    """A unit's function that kills its worker: once, after the unit's part files are written; or whenever it meets a file."""

    marker: Path | None = None
    poison: str | None = None

    def __call__(self, call: tuple[Callable[[Any], Any], Any]) -> Any:
        """Run the real function, and die."""
        function, task = call
        if isinstance(task, UnitTask) and self.poison is not None and self.poison in task.files["url"].to_pylist():
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(task)
        if isinstance(task, UnitTask) and self.marker is not None and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return result


class DeadlyRunner:
    """A Dask runner whose workers meet a deadly function."""

    def __init__(self, runner: DaskRunner, deadly: Deadly) -> None:
        self._runner = runner
        self._deadly = deadly
        self.killed = 0

    def workers(self) -> int:
        """As the real runner."""
        return self._runner.workers()

    def dashboard(self) -> str | None:
        """As the real runner."""
        return self._runner.dashboard()

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Outcome[Any, Any]]:
        """Call the function through the deadly one."""
        for outcome in self._runner.run(self._deadly, ((function, task) for task in tasks)):
            self.killed += outcome.killed
            yield Outcome(outcome.task[1], outcome.result, outcome.killed)

    def close(self) -> None:
        """The cluster is the fixture's."""


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Small units, so that there are several."""
    return load_settings(overrides={"running.workers": 2, "listing.unit_files": 20, "running.worker_deaths_limit": 3})


@pytest.fixture(scope="module")
def cluster(settings: Settings) -> Iterator[DaskRunner]:
    """Two workers of this machine."""
    runner = local_runner(settings.running, DaskOptions(), in_threads=False)
    yield runner
    runner.close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few synthetic files."""
    folder = tmp_path_factory.mktemp("corpus") / "archive"
    write_corpus(folder, FILES)
    return folder


def _index(archive: Path, lake: Path, settings: Settings, runner: Runner) -> Summary:
    summary = run_index(IndexRequest((str(archive),), Location.of(lake), settings), lambda: runner)
    assert verify(Location.of(lake)).defects == []
    return summary


@pytest.fixture(scope="module")
def serial_lake(archive: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake that one process makes."""
    folder = tmp_path_factory.mktemp("serial") / "lake"
    _index(archive, folder, settings, SerialRunner())
    return Lake(folder)


class _Borrowed(DaskRunner):
    """The module's cluster; a run closes its runner, and the cluster stays."""

    def close(self) -> None:
        """The fixture closes it."""


def _borrow(cluster: DaskRunner, settings: Settings) -> DaskRunner:
    return _Borrowed(cluster._client, settings.running)


def test_workers_make_the_lake_that_one_process_makes(
    cluster: DaskRunner, archive: Path, settings: Settings, serial_lake: Lake, tmp_path: Path
) -> None:
    """Two processes, units in any order: the same rows."""
    summary = _index(archive, tmp_path / "lake", settings, _borrow(cluster, settings))
    assert summary.files_indexed == FILES
    assert_same_lake(Lake(tmp_path / "lake"), serial_lake)


def test_a_unit_whose_worker_is_killed_is_done_by_another(
    cluster: DaskRunner, archive: Path, settings: Settings, serial_lake: Lake, tmp_path: Path
) -> None:
    """The worker dies after it wrote its part files; the lake is the same, and what it wrote is a note of `verify`."""
    runner = DeadlyRunner(_borrow(cluster, settings), Deadly(marker=tmp_path / "killed"))
    summary = _index(archive, tmp_path / "lake", settings, runner)
    assert (tmp_path / "killed").exists()
    assert summary.files_indexed == FILES
    assert_same_lake(Lake(tmp_path / "lake"), serial_lake)
    assert any("no version names" in note for note in verify(Location.of(tmp_path / "lake")).notes)


@pytest.mark.long
def test_a_file_that_kills_every_worker_is_one_failed_row(cluster: DaskRunner, archive: Path, settings: Settings, tmp_path: Path) -> None:
    """The unit is cut until the one file is found; every other file is indexed."""
    poison = str(sorted(path for path in archive.rglob("*") if path.is_file())[33])
    runner = DeadlyRunner(_borrow(cluster, settings), Deadly(poison=poison))
    summary = _index(archive, tmp_path / "lake", settings, runner)
    assert (summary.files_indexed, summary.files_failed) == (FILES - 1, 1)
    assert runner.killed >= 2
    row = Lake(tmp_path / "lake").files.filter(pl.col("status") == "failed").collect().row(0, named=True)
    assert (row["url"], row["code"]) == (poison, "worker-killed")


def test_workers_that_dask_gave_up_are_replaced() -> None:
    """Dask closes the nanny of a killed worker that is not there again in time (15 s), and starts no other. A slow machine needs longer."""
    running = load_settings(overrides={"running.workers": 2, "running.worker_wait_seconds": 60}).running
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1ms"}):
        runner = local_runner(running, DaskOptions(), in_threads=False)
        try:
            cluster = runner._client.cluster
            for nanny in list(cluster.workers.values()):
                cluster.sync(nanny.close)
            wait_until(lambda: not cluster.workers and not runner._cluster.threads())
            assert [outcome.result for outcome in runner.run(abs, [-1, -1])] == [1, 1]
        finally:
            runner.close()


def test_tasks_are_taken_only_as_there_is_room(cluster: DaskRunner, settings: Settings) -> None:
    """A bounded number of tasks is in flight, however many there are."""
    taken: list[int] = []
    ended = 0

    def tasks() -> Iterator[int]:
        for number in range(40):
            taken.append(number)
            yield number

    room = 2 * settings.running.units_in_flight_per_worker
    for _ in _borrow(cluster, settings).run(abs, tasks()):
        ended += 1
        assert len(taken) - ended < room
    assert ended == 40


def test_an_error_of_a_task_is_raised_where_the_run_is(cluster: DaskRunner, settings: Settings) -> None:
    """Bugs and full disks don't turn into failed files."""
    with pytest.raises(ValueError, match="invalid literal"):
        list(_borrow(cluster, settings).run(int, ["no integer"]))


def test_a_cluster_that_is_there_already_is_used_and_left_running(archive: Path, settings: Settings, tmp_path: Path) -> None:
    """``--scheduler ADDR`` connects, runs, and goes."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        runner = scheduler_runner(cluster.scheduler_address, settings.running)
        assert _index(archive, tmp_path / "lake", settings, runner).files_indexed == FILES
        with Client(cluster) as client:
            assert client.submit(abs, -1).result() == 1


def test_no_scheduler_is_one_clear_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the address and says what to check."""
    monkeypatch.setattr("dicomlake.runner.dask.CONNECT_SECONDS", 1)
    with pytest.raises(AccessDenied, match=r"tcp://127\.0\.0\.1:1.*check the address"):
        scheduler_runner("tcp://127.0.0.1:1", settings.running)


def test_an_asynchronous_client_is_refused(settings: Settings) -> None:
    """A run waits for its answers."""

    class Asynchronous:
        asynchronous = True

    with pytest.raises(ConfigurationError, match="asynchronous=False"):
        runner_starter(settings.running, Asynchronous())  # type: ignore[arg-type]


def test_a_cluster_that_is_restarted_is_one_clear_line(archive: Path, settings: Settings) -> None:
    """Committed units stay, and the run can be started again."""
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        runner = DaskRunner(client, settings.running)

        def tasks() -> Iterator[int]:
            yield 1
            client.restart(wait_for_workers=False)
            yield 2

        with pytest.raises(RefusedError, match="start it again"):
            list(runner.run(abs, tasks()))


def test_nothing_of_a_cluster_is_left(settings: Settings) -> None:
    """Neither settings of dask nor the level of its log nor a default client stay changed."""
    import dask
    from distributed import default_client

    before = (dask.config.get("distributed.worker.profile.enabled"), logging.getLogger("distributed").level)
    runner = local_runner(settings.running, DaskOptions(), in_threads=False)
    assert next(iter(runner.run(abs, [-1]))).result == 1
    runner.close()
    assert (dask.config.get("distributed.worker.profile.enabled"), logging.getLogger("distributed").level) == before
    with pytest.raises(ValueError, match="No clients"):
        default_client()


@pytest.mark.parametrize("name", ["distributed", "distributed.client", "distributed.scheduler"])
def test_dask_is_silent_while_the_run_tells_what_happens(name: str) -> None:
    """The client's log too, whose level is its own; its tracebacks would stand before the one line that a lost scheduler is."""
    logger = logging.getLogger(name)
    before = logger.getEffectiveLevel()
    silent_log = SilentDaskLog()
    assert not logger.isEnabledFor(logging.ERROR)
    silent_log.close()
    assert logger.getEffectiveLevel() == before
