"""Runs on threads of this process, and which runner a run gets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import dicomlake.runner.dask
import dicomlake.runner.local_cluster
import dicomlake.runner.threads
from dicomlake.config import RunningSettings, load_settings
from dicomlake.lake import Lake, verify
from dicomlake.parts import Location
from dicomlake.run import IndexRequest, run_index
from dicomlake.runner import Runner, SerialRunner, ThreadRunner, runner_starter
from dicomlake.samples import write_corpus
from tests.run.comparison import assert_same_lake

FILES = 60


@pytest.fixture
def threads() -> Iterator[ThreadRunner]:
    """Two threads, and room for four tasks."""
    runner = ThreadRunner(2, 2)
    yield runner
    runner.close()


def test_threads_make_the_lake_that_one_makes(tmp_path: Path) -> None:
    """Units in any order, several at a time: the same rows."""
    write_corpus(tmp_path / "archive", FILES)
    settings = load_settings(overrides={"listing.unit_files": 7, "lake.rollup_rows": 10, "lake.commit_units": 2})
    for name, runner in (("threads", ThreadRunner(3, 2)), ("serial", SerialRunner())):
        location = Location.of(tmp_path / name)
        request = IndexRequest((str(tmp_path / "archive"),), location, settings)
        assert run_index(request, lambda runner=runner: runner).files_indexed == FILES  # type: ignore[misc]
        assert verify(location).defects == []
    assert_same_lake(Lake(tmp_path / "threads"), Lake(tmp_path / "serial"))


def test_tasks_run_side_by_side(threads: ThreadRunner) -> None:
    """Each of two tasks waits for the other."""
    meeting = threading.Barrier(2, timeout=30)
    assert threads.workers() == 2
    assert threads.dashboard() is None
    outcomes = list(threads.run(lambda _: meeting.wait(), range(4)))
    assert {outcome.task for outcome in outcomes} == {0, 1, 2, 3}
    assert not any(outcome.killed for outcome in outcomes)


def test_tasks_are_taken_only_as_there_is_room(threads: ThreadRunner) -> None:
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


def test_an_error_of_a_task_is_raised_where_the_run_is(threads: ThreadRunner) -> None:
    """Bugs and full disks end the run; tasks that wait are not begun, and the threads are there for another run."""
    started: list[int] = []
    go_on = threading.Event()

    def task(number: int) -> None:
        started.append(number)
        if number == 0:
            raise ValueError("no integer")
        go_on.wait(30)

    with pytest.raises(ValueError, match="no integer"):
        list(threads.run(task, range(10)))
    go_on.set()
    assert [outcome.result for outcome in threads.run(abs, [-1])] == [1]
    assert set(started) <= {0, 1, 2}


def test_closing_waits_for_what_is_under_way(threads: ThreadRunner) -> None:
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

    outcomes = threads.run(task, range(2))
    assert next(iter(outcomes)).task == 0
    outcomes.close()  # type: ignore[attr-defined]
    threads.close()
    assert ended.is_set()


def test_closing_does_not_wait_for_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that no longer answers doesn't keep the command from ending."""
    monkeypatch.setattr(dicomlake.runner.threads, "CLOSE_SECONDS", 0.01)
    threads = ThreadRunner(1, 2)
    answer = threading.Event()

    def interrupted() -> Iterator[int]:
        yield 1
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            list(threads.run(lambda _: answer.wait(30), interrupted()))
        threads.close()
        assert not answer.is_set()
    finally:
        answer.set()


@pytest.mark.parametrize(
    ("running", "in_threads", "expected"),
    [
        ({"workers": 3}, True, "threads 3"),
        ({}, True, f"threads {pl.thread_pool_size()}"),
        ({"workers": 3, "dashboard_address": None}, True, "threads 3"),
        ({"workers": 0}, True, "serial"),
        ({"workers": 0}, False, "serial"),
        ({"workers": 3}, False, "processes"),
        ({"workers": 3, "dashboard_address": "127.0.0.1:0"}, True, "processes"),
        ({"scheduler": "tcp://127.0.0.1:1"}, True, "scheduler"),
    ],
)
def test_who_reads(running: dict[str, object], *, in_threads: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads where the engine may run in them; processes where it may not, or where their dashboard is asked for."""
    others = {name: SerialRunner() for name in ("processes", "scheduler")}
    monkeypatch.setattr(dicomlake.runner.local_cluster, "local_runner", lambda *_: others["processes"])
    monkeypatch.setattr(dicomlake.runner.dask, "scheduler_runner", lambda *_: others["scheduler"])
    runner = runner_starter(RunningSettings.model_validate(running), in_threads=in_threads)()
    assert _kind(runner, others) == expected
    runner.close()


def _kind(runner: Runner, others: dict[str, SerialRunner]) -> str:
    if isinstance(runner, ThreadRunner):
        return f"threads {runner.workers()}"
    return next((name for name, other in others.items() if runner is other), "serial")
