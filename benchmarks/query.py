"""The time of ``dicomlake query`` from start to answer: DuckDB, against the engine before it, which was the SQL of polars.

The lake is made directly as tables, as ``nightly_scale.py`` makes it. Each query runs in a fresh process, by turns with the old engine and
with ``python -c pass``, which tells how fast the machine starts a process. The fastest run of each counts. Both engines must give the same
rows, and the sums that formulas give.

Checked target: a query takes at most 25 times what ``python -c pass`` takes, which is 0.5 s where that takes 0.02 s.

    python benchmarks/query.py [--instances 100000] [--runs 7] [--folder FOLDER]

It takes a minute or two. It leaves a dated record in ``benchmarks/records/``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from made_archive import PAIR_INSTANCES
from measure import arguments_parser, finish, parsed, print_targets, record_head, working_folder
from nightly_scale import LEAST_INSTANCES, made_lake

LIMIT_TIMES_PASS = 25.0
PACKAGES = ("duckdb", "deltalake", "polars", "pyarrow", "typer", "dicomlake")
QUERIES = {
    "series by modality": "select Modality, count(*) as n from series group by Modality order by Modality",
    "instances by modality": "select Modality, count(*) as n, max(Rows) as most from instances group by Modality order by Modality",
    "least and most of series": "select min(SeriesInstanceUID) as least, max(SeriesInstanceUID) as most, count(*) as n from series",
    "files by status": "select status, count(*) as n from files group by status order by status",
}


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 if a target is missed."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--instances", type=int, default=100_000, help="at least 100,000")
    parser.add_argument("--runs", type=int, default=7, help="the fastest of so many runs counts")
    parser.add_argument("--old", nargs=2, metavar=("LAKE", "SQL"), help=argparse.SUPPRESS)
    arguments = parsed(parser, runs=1)
    if arguments.old:
        _answer_as_before(*arguments.old)
    if arguments.instances < LEAST_INSTANCES or arguments.instances % PAIR_INSTANCES:
        parser.error(f"--instances: at least {LEAST_INSTANCES:,}, and a multiple of {PAIR_INSTANCES:,}")
    with working_folder(arguments.folder) as folder:
        record = _measure(made_lake(folder, arguments.instances), arguments.instances, arguments.runs)
    print_targets(record["targets"])
    return finish(record, arguments, passed=all(target["passed"] for target in record["targets"]))


def _measure(lake: Path, instances: int, runs: int) -> dict[str, Any]:
    figures: dict[str, dict[str, float]] = {}
    targets = []
    for name, sql in QUERIES.items():
        commands = {
            "pass": [sys.executable, "-c", "pass"],
            "query": [sys.executable, "-m", "dicomlake", "query", str(lake), sql, "--format", "json"],
            "before": [sys.executable, __file__, "--old", str(lake), sql],
        }
        answers, seconds, cpu_seconds = _by_turns(commands, runs)
        rows = json.loads(answers["query"])
        assert rows == json.loads(answers["before"]), f"{name}: the engines disagree"
        if name == "instances by modality":
            assert sum(row["n"] for row in rows) == instances, f"{name}: {rows}"
        times_pass = seconds["query"] / seconds["pass"]
        figures[name] = {
            **{f"{key}_seconds": value for key, value in seconds.items()},
            **{f"{key}_cpu_seconds": value for key, value in cpu_seconds.items()},
            "times_pass": times_pass,
            "times_faster_than_before": seconds["before"] / seconds["query"],
        }
        print(
            f"{name}: {seconds['query']:.3f} s ({times_pass:.1f} times python -c pass), before {seconds['before']:.3f} s; "
            f"CPU {cpu_seconds['query']:.3f} s, before {cpu_seconds['before']:.3f} s"
        )
        targets.append(
            {
                "what": f"{name}, times python -c pass",
                "figure": times_pass,
                "at_most": LIMIT_TIMES_PASS,
                "passed": times_pass <= LIMIT_TIMES_PASS,
            }
        )
    head = record_head("query", f"python benchmarks/query.py --instances {instances} --runs {runs}", PACKAGES)
    return {**head, "instances": instances, "runs": runs, "queries": figures, "targets": targets}


def _by_turns(commands: dict[str, list[str]], runs: int) -> tuple[dict[str, str], dict[str, float], dict[str, float]]:
    """Answers, and the least wall and CPU seconds, of commands that run by turns."""
    answers: dict[str, str] = {}
    seconds = dict.fromkeys(commands, float("inf"))
    cpu_seconds = dict.fromkeys(commands, float("inf"))
    for _ in range(runs):
        for name, command in commands.items():
            before, started = _children_cpu_seconds(), time.monotonic()
            answers[name] = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            seconds[name] = min(seconds[name], time.monotonic() - started)
            cpu_seconds[name] = min(cpu_seconds[name], _children_cpu_seconds() - before)
    return answers, seconds, cpu_seconds


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _answer_as_before(lake: str, sql: str) -> None:
    """What the command did before: the command line, a lake opened by polars, and the SQL of polars over its frames."""
    import polars as pl

    from dicomlake.cli.application import command_line
    from dicomlake.cli.output.formats import Form, FrameRows, write_rows
    from dicomlake.lake import Lake

    command_line()
    opened = Lake(lake)
    frames = {name: opened.table(name) for name in opened.tables if name in sql.lower()}
    write_rows(Form.JSON, FrameRows(pl.SQLContext(frames=frames, eager=False).execute(sql).collect()), None, None)
    sys.stdout.flush()
    os._exit(0)  # as the command ends


if __name__ == "__main__":
    sys.exit(main())
