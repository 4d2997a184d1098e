"""Runs on threads of this process, and which runner a run gets."""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import dicomlake.runner.dask
import dicomlake.runner.local_cluster
from dicomlake.config import RunningSettings, load_settings
from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, run_index
from dicomlake.runner import Runner, SerialRunner, runner_starter
from dicomlake.runner.dask import DaskRunner
from tests.corpus import write_corpus
from tests.run.comparison import assert_same_lake
from tests.runner.processes import thread_runner

FILES = 60

_FUNCTIONS: dict[int, Callable[[Any], Any]] = {}


@dataclass(frozen=True)
class Here:
    """A function with locks and lists of this process: Dask sends its number, since it sends nothing that can't be pickled."""

    number: int

    @classmethod
    def of(cls, function: Callable[[Any], Any]) -> Here:
        """Keep a function."""
        _FUNCTIONS[id(function)] = function
        return cls(id(function))

    def __call__(self, task: Any) -> Any:
        """Call it."""
        return _FUNCTIONS[self.number](task)


@pytest.fixture
def threads() -> Iterator[DaskRunner]:
    """Two threads, and room for four tasks."""
    runner = thread_runner(2)
    yield runner
    runner.close()


def test_threads_make_the_lake_that_one_makes(tmp_path: Path) -> None:
    """Units in any order, several at a time: the same rows."""
    write_corpus(tmp_path / "archive", FILES)
    settings = load_settings(overrides={"listing.unit_files": 7, "lake.rollup_rows": 10, "lake.commit_units": 2})
    for name, runner in (("threads", thread_runner(3)), ("serial", SerialRunner())):
        location = Location.of(tmp_path / name)
        request = IndexRequest((str(tmp_path / "archive"),), location, settings)
        assert run_index(request, lambda runner=runner: runner).files_indexed == FILES  # type: ignore[misc]
        assert verify(location).defects == []
    assert_same_lake(Lake(tmp_path / "threads"), Lake(tmp_path / "serial"))


def test_tasks_run_side_by_side(threads: DaskRunner) -> None:
    """Each of two tasks waits for the other."""
    meeting = threading.Barrier(2, timeout=30)
    assert threads.workers() == 2
    assert threads.dashboard() is None
    outcomes = list(threads.run(Here.of(lambda _: meeting.wait()), range(4)))
    assert {outcome.task for outcome in outcomes} == {0, 1, 2, 3}
    assert not any(outcome.killed for outcome in outcomes)


def test_tasks_are_taken_only_as_there_is_room(threads: DaskRunner) -> None:
    """A bounded number of tasks is in flight, however many there are."""
    taken: list[int] = []
    ended = 0

    def tasks() -> Iterator[int]:
        for number in range(40):
            taken.append(number)
            yield number

    for _ in threads.run(abs, tasks()):
        ended += 1
        assert len(taken) - ended < 4
    assert ended == 40


def test_an_error_of_a_task_is_raised_where_the_run_is(threads: DaskRunner) -> None:
    """Bugs and full disks end the run; nothing more is taken than was in flight, and the threads are there for another run."""
    started: list[int] = []
    go_on = threading.Event()

    def task(number: int) -> None:
        started.append(number)
        if number == 0:
            raise ValueError("no integer")
        go_on.wait(30)

    with pytest.raises(ValueError, match="no integer"):
        list(threads.run(Here.of(task), range(10)))
    go_on.set()
    assert [outcome.result for outcome in threads.run(abs, [-1])] == [1]
    assert set(started) <= {0, 1, 2, 3}


def test_closing_waits_for_what_is_under_way(threads: DaskRunner) -> None:
    """A unit that is being written ends before the lake is given back."""
    begun, ended = threading.Event(), threading.Event()

    def task(number: int) -> int:
        if number:
            begun.set()
            ended.wait(0.2)
            ended.set()
        else:
            begun.wait(30)
        return number

    outcomes = threads.run(Here.of(task), range(2))
    assert next(iter(outcomes)).task == 0
    outcomes.close()  # type: ignore[attr-defined]
    threads.close()
    assert ended.is_set()


def test_closing_does_not_wait_for_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that no longer answers doesn't keep the command from ending."""
    monkeypatch.setattr(dicomlake.runner.local_cluster, "CLOSE_SECONDS", 0.01)
    threads = thread_runner(1)
    answer = threading.Event()

    def interrupted() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            list(threads.run(Here.of(lambda _: answer.wait(30)), interrupted()))
        threads.close()
        assert not answer.is_set()
    finally:
        answer.set()


def test_the_dashboard_is_shown_where_it_is_asked_for() -> None:
    """The link is known at once, on the loopback; the pages come when bokeh is loaded."""
    running = RunningSettings(workers=1, dashboard_address="127.0.0.1:0")
    runner = runner_starter(running, in_threads=True)()
    try:
        link = runner.dashboard()
        assert link is not None
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/status", link)
        assert _status_of(link, until=200) == 200
    finally:
        runner.close()


def _status_of(link: str, *, until: int) -> int:
    end = time.monotonic() + 30
    status = 0
    while status != until and time.monotonic() < end:
        try:
            with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 - a page of this test's own cluster
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
            error.close()
    return status


@pytest.mark.parametrize(
    ("running", "in_threads", "expected"),
    [
        ({"workers": 3}, True, "threads"),
        ({}, True, "threads"),
        ({"workers": 3, "dashboard_address": "127.0.0.1:0"}, True, "threads"),
        ({"workers": 0}, True, "serial"),
        ({"workers": 0}, False, "serial"),
        ({"workers": 3}, False, "processes"),
        ({"scheduler": "tcp://127.0.0.1:1"}, True, "scheduler"),
    ],
)
def test_which_runner_is_started(running: dict[str, object], *, in_threads: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads where the engine may run in them; processes where it may not."""
    others = {name: SerialRunner() for name in ("processes", "threads", "scheduler")}
    monkeypatch.setattr(
        dicomlake.runner.local_cluster, "local_runner", lambda *_, in_threads: others["threads" if in_threads else "processes"]
    )
    monkeypatch.setattr(dicomlake.runner.dask, "scheduler_runner", lambda *_: others["scheduler"])
    runner: Runner = runner_starter(RunningSettings.model_validate(running), in_threads=in_threads)()
    assert next((name for name, other in others.items() if runner is other), "serial") == expected
