"""Runs on clusters that are there already: processes that are killed, stopped, of another version, or not there."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster

import dicomlake
import dicomlake.runner.cluster
import dicomlake.runner.dask
import dicomlake.runner.readiness
from dicomlake.config import RunningSettings, Settings, load_settings
from dicomlake.errors import AccessDenied, ConfigurationError, DicomlakeError, RefusedError
from dicomlake.extract.unit import UnitTask
from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, run_index
from dicomlake.run.worker_check import DIGITS, packages, requirements_of
from dicomlake.runner import Outcome, Requirements, SerialRunner, runner_starter
from dicomlake.runner.dask import DaskOptions, DaskRunner, scheduler_runner
from tests.corpus import write_corpus
from tests.run.comparison import assert_same_lake
from tests.runner.processes import Processes, processes
from tests.stores.conftest import moto  # noqa: F401 - a fixture
from tests.stores.servers import Server

pytestmark = pytest.mark.long

FILES = 60


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Small units, so that there are several."""
    return load_settings(
        overrides={
            "listing.unit_files": 10,
            "lake.commit_units": 1,
            "running.worker_deaths_limit": 20,
        }
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few synthetic files."""
    folder = tmp_path_factory.mktemp("corpus") / "archive"
    write_corpus(folder, FILES)
    return folder


@pytest.fixture(scope="module")
def serial_lake(archive: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake that one process makes."""
    folder = tmp_path_factory.mktemp("serial") / "lake"
    run_index(_request(archive, folder, settings), SerialRunner)
    return Lake(folder)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Processes]:
    """A scheduler and four workers."""
    with processes() as cluster:
        cluster.start_workers(4)
        with Client(cluster.address, set_as_default=False) as client:
            cluster.wait_for(client, 4)
        yield cluster


@pytest.fixture(scope="module")
def threads() -> Iterator[Client]:
    """A scheduler and two workers of one thread each, all in this process: quick to start."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks around all the time."""
    monkeypatch.setattr(dicomlake.runner.dask, "LOOK_SECONDS", 0.1)


def _request(archive: Path | str, lake: Path, settings: Settings) -> IndexRequest:
    return IndexRequest((str(archive),), Location.of(lake), settings)


@dataclass(frozen=True)
class Signalling:
    """A unit's function that sends its own process a signal, once, when the unit's part files are written."""

    signal: int
    marker: Path

    def __call__(self, call: tuple[Callable[[Any], Any], Any]) -> Any:
        """Run the real function, then send the signal."""
        function, task = call
        result = function(task)
        if isinstance(task, UnitTask) and not self.marker.exists():
            self.marker.write_text(str(os.getpid()), "utf-8")
            os.kill(os.getpid(), self.signal)
        return result


def _nothing() -> None:
    """Do nothing after the first time."""


class Through:
    """A Dask runner whose tasks go through another function; ``then`` is called when the first of them has ended."""

    def __init__(self, runner: DaskRunner, function: Callable[[Any], Any], then: Callable[[], None]) -> None:
        self._runner = runner
        self._function = function
        self._then = then
        self.workers, self.dashboard, self.close = runner.workers, runner.dashboard, runner.close

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Outcome[Any, Any]]:
        """Call the function through the other one."""
        for outcome in self._runner.run(self._function, ((function, task) for task in tasks)):
            then, self._then = self._then, _nothing
            then()
            yield Outcome(outcome.task[1], outcome.result, outcome.killed)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_one_of_four_workers_is_lost_and_one_joins(
    fault: int, cluster: Processes, archive: Path, settings: Settings, serial_lake: Lake, tmp_path: Path
) -> None:
    """A worker is killed or stopped during a run, and another one joins: the lake is the same as without."""
    marker, messages = tmp_path / "process", []
    request = _request(archive, tmp_path / "lake", settings)
    is_stopped = fault == signal.SIGSTOP
    running = settings.running.model_copy(update={"unit_seconds_limit": 3.0 if is_stopped else 600.0})
    runner = scheduler_runner(cluster.address, running, DaskOptions(requirements_of(request), tell=messages.append))
    through = Through(runner, Signalling(fault, marker), _nothing if is_stopped else lambda: cluster.start_workers(1))
    try:
        summary = run_index(request, lambda: through)
    finally:
        for worker in cluster.workers:
            if marker.exists() and worker.pid == int(marker.read_text("utf-8")):
                worker.kill()
    assert summary.files_indexed == FILES
    assert_same_lake(Lake(tmp_path / "lake"), serial_lake)
    report = verify(request.lake)
    assert report.defects == []
    assert any("no version names" in note for note in report.notes)
    assert any("it is given to another" in message for message in messages) is is_stopped


def test_two_runs_share_a_scheduler(cluster: Processes, archive: Path, settings: Settings, serial_lake: Lake, tmp_path: Path) -> None:
    """Their tasks don't meet, and each lake is whole."""
    runs = [
        threading.Thread(target=dicomlake.index, args=(archive,), kwargs={"lake": folder, "config": settings, "scheduler": cluster.address})
        for folder in (tmp_path / "one", tmp_path / "two")
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    for name in ("one", "two"):
        assert_same_lake(Lake(tmp_path / name), serial_lake)


def test_a_bucket_is_read_with_what_the_workers_have(
    cluster: Processes,
    moto: Server,  # noqa: F811 - the fixture
    archive: Path,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Credentials stand in the workers' environment; workers without are found out before the first file is read.

    Of four that have them one is killed in the middle of the run: the lake is the one without.
    """
    bucket = moto.make_bucket("cluster")
    bucket.put_folder(archive, "archive/")
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    url = f"{bucket.url}/archive"
    with pytest.raises(RefusedError, match=r"worker tcp://.* can't reach what it needs: "):
        dicomlake.index(url, lake=tmp_path / "lake", config=settings, scheduler=cluster.address)
    with processes() as own:
        own.start_workers(4, environment=bucket.environment)
        request = IndexRequest((url,), Location.of(tmp_path / "lake"), settings)
        runner = scheduler_runner(own.address, settings.running, DaskOptions(requirements_of(request)))
        marker = tmp_path / "process"
        summary = run_index(request, lambda: Through(runner, Signalling(signal.SIGKILL, marker), _nothing))
        assert marker.exists()
    assert (summary.files_indexed, summary.files_failed) == (FILES, 0)
    assert verify(request.lake).defects == []
    dicomlake.index(url, lake=tmp_path / "serial", config=settings, workers=0)
    assert_same_lake(Lake(tmp_path / "lake"), Lake(tmp_path / "serial"))


UNABLE = r"^worker tcp://127\.0\.0\.1:\d+ can't load dicomlake .*No module named 'dicomlake'.*install"


def test_a_worker_of_another_kind_is_refused_before_anything_is_read(archive: Path, settings: Settings, tmp_path: Path) -> None:
    """Which worker, which package, which versions, and what to do."""
    other, without = tmp_path / "other", tmp_path / "without"
    for name, version in (("polars", "1.0.0"), ("fsspec", "2020.1.0")):
        folder = other / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    (without / "dicomlake").mkdir(parents=True)
    (without / "dicomlake" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'dicomlake'\")\n", "utf-8")
    request = _request(archive, tmp_path / "lake", settings)
    with processes() as cluster:
        cluster.start_workers(1, path_before=other)
        with pytest.raises(RefusedError, match=r"^worker tcp://127\.0\.0\.1:\d+ has polars 1\.0\.0 \(here .*\); install the same "):
            dicomlake.index(archive, lake=tmp_path / "lake", config=settings, scheduler=cluster.address)
        cluster.workers[0].kill()
        cluster.workers[0].wait()
        cluster.start_workers(1, path_before=without)
        with pytest.raises(RefusedError, match=UNABLE):
            dicomlake.index(archive, lake=tmp_path / "lake", config=settings, scheduler=cluster.address)
    assert list(request.lake.filesystem.glob(f"{request.lake.url}/files/*.parquet")) == []


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("dicomlake", "0.0.9"),
        ("dicomlake (code)", "0"),
        ("compiled core", "9"),
        ("distributed", "2020.1.0"),
        ("pyarrow", "1.0"),
        ("python", "3.9.1"),
    ],
)
def test_which_differences_matter(name: str, version: str) -> None:
    """A difference that changes rows, or breaks the exchange of data, refuses; a patch of Python does not."""
    requirements = Requirements(packages, DIGITS, requirements_of)  # type: ignore[arg-type]
    here = packages()
    assert requirements.differences({**here, name: version}) == [f"{name} {version} (here {here[name]})"]
    assert requirements.differences(here) == []
    patched = ".".join([*here["python"].split(".")[:2], "99"])
    assert requirements.differences({**here, "python": patched}) == []
    with pytest.raises(RefusedError, match="joined during the run has python"):
        replace(requirements.checked(abs), expected={"python": "3.9.1"})(-1)
    assert requirements.checked(abs)(-1) == 1


def test_a_worker_that_does_not_see_what_is_here(archive: Path, settings: Settings, tmp_path: Path) -> None:
    """An archive that is not mounted, an empty mount point, a lake of the worker's own, a lake that can't be written."""
    from dicomlake.run.worker_check import WorkerAccess, _SeenSource

    (tmp_path / "lake").mkdir()
    (tmp_path / "empty").mkdir()
    with requirements_of(_request(archive, tmp_path / "lake", settings)).access() as access:
        assert isinstance(access, WorkerAccess)
        access()
        for changed, message in (
            (replace(access, sources=(_SeenSource("/not/mounted", "/not/mounted", ("a",)),)), "source /not/mounted is not there"),
            (replace(access, sources=(_SeenSource(str(tmp_path / "empty"), str(tmp_path / "empty"), ("a",)),)), "none of the names"),
            (replace(access, lake=Location.of(tmp_path / "empty")), "is not the one that the run writes"),
        ):
            with pytest.raises(DicomlakeError, match=message):
                changed()
        assert len(list((tmp_path / "lake").iterdir())) == 1
    assert list((tmp_path / "lake").iterdir()) == []


def test_a_worker_without_access_is_named(threads: Client, settings: Settings) -> None:
    """A worker without access is one line, with its address and the reason."""

    @contextmanager
    def access() -> Iterator[Callable[[], None]]:
        yield _refusing

    with pytest.raises(RefusedError, match=r"^worker .*\(and 1 more\) can't reach what it needs: folder /archive"):
        DaskRunner(threads, settings.running, options=DaskOptions(Requirements(packages, DIGITS, access)))


def _refusing() -> None:
    raise AccessDenied("folder /archive can't be read")


def test_a_worker_that_does_not_answer_is_not_waited_for(threads: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no worker answers, the run ends."""
    monkeypatch.setattr(dicomlake.runner.readiness, "CHECK_SECONDS", 0.3)

    @contextmanager
    def access() -> Iterator[Callable[[], None]]:
        yield _hanging

    try:
        with pytest.raises(RefusedError, match=r"no worker of the Dask scheduler at .* answers"):
            DaskRunner(threads, settings.running, options=DaskOptions(Requirements(packages, DIGITS, access)))
    finally:
        _GO_ON.set()


_GO_ON = threading.Event()


def _hanging() -> None:
    _GO_ON.wait(60)


def test_a_scheduler_without_workers_is_waited_for_so_long(impatient: None) -> None:
    """It says what it waits for, and ends with what to do."""
    messages: list[str] = []
    running = RunningSettings(worker_wait_seconds=0.3)
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        address = cluster.scheduler_address
        with pytest.raises(RefusedError, match=r"has had no workers for 0\.3 s; start some"):
            scheduler_runner(address, running, DaskOptions(tell=messages.append))
        assert "waiting for one, up to 0.3 s" in messages[0]
        with Client(cluster, set_as_default=False) as client:
            cluster.scale(1)
            client.wait_for_workers(1, timeout=30)
            runner = DaskRunner(client, running)

            def tasks() -> Iterator[int]:
                yield 1
                cluster.scale(0)
                yield 2

            with pytest.raises(RefusedError, match="has had no workers"):
                list(runner.run(_slow, tasks()))


def _slow(number: int) -> int:
    return -number if threading.Event().wait(0.5) else number


@dataclass(frozen=True)
class Hanging:
    """A function that hangs for some tasks, until it is let go: so often, and then no more."""

    events: dict[int, threading.Event]
    calls: list[int]
    times: int

    def __call__(self, number: int) -> int:
        """Hang, or answer."""
        self.calls.append(number)
        if number in self.events and self.calls.count(number) <= self.times:
            self.events[number].wait(60)
        return number


_HANGING = Hanging({3: threading.Event()}, [], 1)
_STUCK = Hanging({0: threading.Event()}, [], 99)


def _hang(number: int) -> int:
    return _HANGING(number)


def _stick(number: int) -> int:
    return _STUCK(number)


def test_a_unit_that_hangs_is_given_to_another_and_counts_once(threads: Client, impatient: None) -> None:
    """The first worker ends its task too, later: nobody asks for that answer any more."""
    runner = DaskRunner(threads, RunningSettings(unit_seconds_limit=0.5))
    numbers = []
    for outcome in runner.run(_hang, range(8)):
        numbers.append(outcome.result)
        if outcome.result == 3:
            _HANGING.events[3].set()
    assert sorted(numbers) == list(range(8))
    assert _HANGING.calls.count(3) == 2


def test_a_unit_that_hangs_everywhere_ends_the_run(threads: Client, impatient: None) -> None:
    """After so many times; the run says where it hung, and which setting it was."""
    runner = DaskRunner(threads, RunningSettings(unit_seconds_limit=0.3, worker_deaths_limit=2))
    try:
        with pytest.raises(RefusedError, match=r"did not end within \d+ s, 2 times, lastly on .*running.unit_seconds_limit"):
            list(runner.run(_stick, range(1)))
    finally:
        _STUCK.events[0].set()


LOST_OR_SILENT = "start it again, then the run|has not answered for 2 s"
"""Which of the two is noticed first is chance."""


def test_a_scheduler_that_is_killed_or_is_stopped_is_one_clear_line(
    archive: Path, settings: Settings, serial_lake: Lake, tmp_path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed units stay, the run ends soon, and the next one continues from there."""
    request = _request(archive, tmp_path / "lake", settings)
    with processes() as cluster:
        cluster.start_workers(1)
        for fault, message in ((signal.SIGSTOP, "has not answered for 2 s"), (signal.SIGKILL, LOST_OR_SILENT)):
            runner = scheduler_runner(cluster.address, settings.running, DaskOptions(requirements_of(request)))
            through = Through(runner, _called, partial(cluster.scheduler.send_signal, fault))
            with monkeypatch.context() as patched:
                patched.setattr(dicomlake.runner.cluster, "ANSWER_SECONDS", 2.0)
                with pytest.raises(RefusedError, match=message):
                    run_index(request, lambda through=through: through)  # type: ignore[misc]
            cluster.scheduler.send_signal(signal.SIGCONT)
    assert run_index(request, SerialRunner).files_listed == FILES
    assert_same_lake(Lake(tmp_path / "lake"), serial_lake)


def _called(call: tuple[Callable[[Any], Any], Any]) -> Any:
    function, task = call
    return function(task)


def test_a_worker_that_lost_the_archive_is_found_out(archive: Path, settings: Settings, tmp_path: Path) -> None:
    """Where a worker can read no file of a unit, and this process can, nothing of that unit becomes rows."""
    away = archive.with_name("away")

    class Unmounting(SerialRunner):
        def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[Outcome[Any, Any]]:
            for task in tasks:
                archive.rename(away)
                try:
                    result = function(task)
                finally:
                    away.rename(archive)
                yield Outcome(task, result)

    with pytest.raises(RefusedError, match=r"a worker could read none of the 10 files of a unit.*mounts"):
        run_index(_request(archive, tmp_path / "lake", settings), Unmounting)
    with pytest.raises(DicomlakeError):
        Lake(tmp_path / "lake").files.collect()


def test_performance_report(threads: Client, archive: Path, tmp_path: Path) -> None:
    """One page that asks nothing of the network; where it can't be had, that is said before anything is read."""
    page = tmp_path / "report.html"
    summary = dicomlake.index(archive, lake=tmp_path / "lake", client=threads, performance_report=page)
    assert summary.files_indexed == FILES
    text = page.read_text("utf-8")
    assert "Dask Performance Report" in text
    assert "run_unit" in text
    assert "<script src=" not in text.replace("'", '"').replace('<script type="text/javascript" src=', "<script src=")
    assert page.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="workers=0 runs without Dask"):
        dicomlake.index(archive, lake=tmp_path / "lake", workers=0, performance_report=page)
    page.unlink()
    dicomlake.index(archive, lake=tmp_path / "lake", full=True, performance_report=page)
    assert "run_unit" in page.read_text("utf-8")
    with pytest.raises(AccessDenied, match=r"nowhere/report\.html can't be written: No such file"):
        dicomlake.index(archive, lake=tmp_path / "lake", client=threads, full=True, performance_report=tmp_path / "nowhere" / "report.html")


def test_clients_that_can_not_be_used(settings: Settings) -> None:
    """A closed client is a mistake of the call."""
    with LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        client = Client(cluster, set_as_default=False)
        client.close()
        with pytest.raises(ConfigurationError, match="client is closed"):
            runner_starter(settings.running, client)()


def test_the_scheduler_forgets_what_has_ended(threads: Client) -> None:
    """However many units a run has, scheduler and client hold those in flight alone."""
    runner = DaskRunner(threads, RunningSettings(units_in_flight_per_worker=4))
    most = 0
    for outcome in runner.run(abs, range(150)):
        assert outcome.result == outcome.task
        most = max(most, len(threads.futures))
    # What ended is forgotten a moment later, a few at a time.
    assert most < 75
    assert threads.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) < 75
