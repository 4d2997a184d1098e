"""The cost of reading headers from a bucket: dicomlake against s3fs, used as people write it and tuned, on one server on this machine.

It does not show your network or your store: versitygw serves synthetic files over the loopback, plain HTTP, and takes a part of the same
cores. Files a second are of two threads; CPU is that of the client's process alone, user and system, from before the first request to the
last row. Every reader runs in a process of its own, in turns, and each one's SOPInstanceUIDs are checked against pydicom's on the files
themselves; rows of dicomlake's engine are checked against those that it reads from the folder. The main job is measured over the late
store, from the call to the snapshot: listing, reading, writing. A last part has headers of 4 KB to 2 MB, and a first run over 5,000 files
of 25 folders, a quarter of them with headers of 74 KB. Its own server counts requests and bytes.

    python benchmarks/object_store.py [--files 20000] [--rounds 3] [--latency 20] [--folder FOLDER]

It needs versitygw (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0), and Go for the proxy that adds the latency. It leaves a
dated record in ``benchmarks/records/``, and ends with 1 where a target is missed (docs/benchmarks).
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the servers are those of the tests

from tests.stores.long_headers import archive_of_long_headers, archive_of_mixed_folders
from tests.stores.servers import Bucket
from tests.stores.web_server import WebServer

from bucket_readers import READERS, THREADS, Work, unit_of
from measure import arguments_parser, corpus, finish, parsed, paths_below, print_targets, record_head, working_folder
from readers import uids_by_pydicom, uids_hash
from served import late, served

TIMES_S3FS_LEAST = 8.0
LATE_LEAST = 3000.0
REQUESTS_A_FILE_MOST = 1.05
HEADERS_A_FILE_MOST = 2.0
FIRST_RUN_HEADERS_MOST = 1.5
FIRST_UNIT_FILES = 1024
PYDICOM_STEP = 20
PACKAGES = ("dicomlake", "s3fs", "aiobotocore", "pydicom", "pyarrow")


def main() -> int:
    """Run the benchmark, print its figures, leave a record; exit status 1 where a target is missed."""
    parser = arguments_parser(__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=int, default=20, help="milliseconds that each answer takes longer in the second part")
    arguments = parsed(parser, files=40, rounds=1, latency=0)
    arguments.load_before = round(os.getloadavg()[0], 1)
    with working_folder(arguments.folder) as folder:
        archive = corpus(folder, arguments.files)
        with served(archive, folder / "served", toy=arguments.toy) as bucket:
            record = _measure(bucket, archive, folder / "lake", arguments)
    _print(record)
    return finish(record, arguments, passed=record["passed"])


def _measure(bucket: Bucket, archive: Path, lake: Path, arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - argparse's
    paths = paths_below(archive)
    urls = [f"{bucket.url}/{Path(path).relative_to(archive).as_posix()}" for path in paths]
    sizes = [os.path.getsize(path) for path in paths]
    uids = uids_by_pydicom(paths)
    figures, cost = _rounds(Work(urls, sizes, bucket.storage_options), uids, arguments.rounds)
    header_bytes = _compare(paths, Work(urls, sizes, bucket.storage_options))
    milliseconds = arguments.latency
    with late(bucket, milliseconds) as far_bucket:
        far, _ = _rounds(Work(urls, sizes, far_bucket.storage_options), uids, arguments.rounds, ["dicomlake"])
        far += [_indexed(far_bucket, lake, sorted(uids), arguments.rounds)]
    alike, differing = (_counted(archive_of_long_headers(alike=alike)) for alike in (True, False))
    mixed = _counted(archive_of_mixed_folders(), FIRST_UNIT_FILES)
    least = {figure["name"]: figure["least_cpu_microseconds_a_file"] for figure in figures}
    targets = [
        _target("times the files a CPU second of s3fs cat_ranges", least["s3fs cat_ranges"] / least["dicomlake"], TIMES_S3FS_LEAST),
        *(_target(f"files a second, {one['name']}, {milliseconds} ms late", one["most_files_a_second"], LATE_LEAST) for one in far),
        _target("requests a file", cost["requests"] / len(urls), REQUESTS_A_FILE_MOST, most=True),
        _target("times the header's bytes", cost["bytes_read"] / header_bytes, HEADERS_A_FILE_MOST, most=True),
        _target("requests a file, headers of 4 KB to 2 MB", alike["requests_a_file"], REQUESTS_A_FILE_MOST, most=True),
        _target("times the header's bytes, likewise", alike["times_the_headers_bytes"], HEADERS_A_FILE_MOST, most=True),
        _target(
            "requests a file, first run, headers of 4 and 74 KB in each folder", mixed["requests_a_file"], REQUESTS_A_FILE_MOST, most=True
        ),
        _target("times the header's bytes, likewise", mixed["times_the_headers_bytes"], FIRST_RUN_HEADERS_MOST, most=True),
    ]
    command = f"python benchmarks/object_store.py --files {len(urls)} --rounds {arguments.rounds} --latency {milliseconds}"
    return {
        **record_head("object store", command, PACKAGES),
        "load_before": arguments.load_before,
        "passed": all(target["passed"] for target in targets),
        "targets": targets,
        "readers": figures,
        f"readers_{milliseconds}_ms_late": far,
        "bytes_a_file": round(cost["bytes_read"] / len(urls)),
        "header_bytes_a_file": round(header_bytes / len(urls)),
        "first_run_over_mixed_folders": mixed,
        "headers_of_4_kb_to_2_mb": {
            "folders of files alike": alike,
            "files that differ": {**differing, "because": "some further requests cost less than bytes too many for all"},
        },
    }


def _rounds(work: Work, uids: list[str], rounds: int, names: Sequence[str] = ()) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The cost of each reader, each time in a new process.

    Raises:
        SystemExit: a reader found other SOPInstanceUIDs than pydicom.
    """
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names or READERS}
    cost: dict[str, int] = {}
    for _ in range(rounds):
        for name, of_reader in taken.items():
            step = PYDICOM_STEP if name == "pydicom over s3fs" else 1
            own = Work(work.urls[::step], work.sizes[::step], work.storage_options)
            seconds, cpu_seconds, found, spent = _in_a_process(_run, name, own)
            if found != uids_hash(uids[::step]):
                raise SystemExit(f"{name}: other SOPInstanceUIDs than pydicom's")
            of_reader.append((seconds / len(own.urls), cpu_seconds / len(own.urls)))
            cost |= spent
    return [_figure(name, of_reader) for name, of_reader in taken.items()], cost


def _figure(name: str, taken: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The best of what one reader took in each round, in seconds a file: of wall time, and of CPU."""
    return {
        "name": name,
        "rounds": len(taken),
        "most_files_a_second": round(1 / min(seconds for seconds, _ in taken), 1),
        "least_cpu_microseconds_a_file": round(min(cpu for _, cpu in taken) * 1e6, 1),
    }


def _indexed(bucket: Bucket, lake: Path, uids: list[str], rounds: int) -> dict[str, Any]:
    """The cost of the main job, from listing the bucket to the snapshot, each time in a new process and into a new lake.

    Raises:
        SystemExit: the lake has other SOPInstanceUIDs than pydicom found.
    """
    taken = []
    for _ in range(rounds):
        shutil.rmtree(lake, ignore_errors=True)
        seconds, cpu_seconds, found = _in_a_process(_index, bucket.url, bucket.storage_options, lake)
        if found != uids_hash(uids):
            raise SystemExit("dicomlake index: other SOPInstanceUIDs than pydicom's")
        taken.append((seconds, cpu_seconds))
    shutil.rmtree(lake)
    return _figure("dicomlake index", [(seconds / len(uids), cpu_seconds / len(uids)) for seconds, cpu_seconds in taken])


def _index(url: str, storage_options: dict[str, Any], lake: Path) -> tuple[float, float, str]:
    import dicomlake

    seconds, cpu_seconds, _ = _timed(lambda: dicomlake.index(url, lake=lake, storage_options=storage_options, workers=THREADS))
    instances = dicomlake.Lake(lake).instances.select("SOPInstanceUID").collect()
    return seconds, cpu_seconds, uids_hash(instances["SOPInstanceUID"].sort().to_list())


def _counted(objects: dict[str, bytes], first_unit_files: int = 0) -> dict[str, float]:
    """The requests that a web server counts; units double from the first one on, as in a first run, or one unit holds all."""
    from dicomlake.extract.engine import ScanRequest
    from dicomlake.extract.engines import make_engine
    from dicomlake.schema import LakeSchema

    engine, request, header_bytes = make_engine("native"), ScanRequest(LakeSchema.build()), 0
    with WebServer(objects) as server:
        work = Work([server.endpoint + path for path in objects], [len(data) for data in objects.values()], {})
        start, files = 0, first_unit_files or len(objects)
        while start < len(objects):
            scanned = engine.scan(unit_of(work, slice(start, start + files)), request)
            header_bytes += sum(scanned.instances["header_bytes"].to_pylist())
            start, files = start + files, 2 * files
    return {
        "files": len(objects),
        "header_bytes_a_file": round(header_bytes / len(objects)),
        "requests_a_file": round(len(server.bytes_sent) / len(objects), 3),
        "times_the_headers_bytes": round(sum(server.bytes_sent) / header_bytes, 3),
    }


def _in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - whatever it answers
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(function, arguments, sender))
    process.start()
    sender.close()
    try:
        answer = receiver.recv()
    except EOFError:
        raise SystemExit(f"the process of {function.__name__} died") from None
    process.join()
    return answer


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...], sender: Any) -> None:  # noqa: ANN401 - a connection of multiprocessing
    sender.send(function(*arguments))


def _run(name: str, work: Work) -> tuple[float, float, str, dict[str, int]]:
    seconds, cpu_seconds, (uids, cost) = _timed(READERS[name](work))
    return seconds, cpu_seconds, uids_hash(uids), cost


def _timed(function: Callable[[], Any]) -> tuple[float, float, Any]:
    """The wall and CPU seconds of a call, and its answer."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    answer = function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = time.perf_counter() - started
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, answer


def _compare(paths: list[str], work: Work) -> int:
    """The rows from the bucket against those from the folder; answers the bytes of all headers.

    Raises:
        SystemExit: they differ.
    """
    from dicomlake.extract.engine import ScanRequest
    from dicomlake.extract.engines import make_engine
    from dicomlake.schema import LakeSchema

    engine, request = make_engine("native"), ScanRequest(LakeSchema.build(), storage_options=work.storage_options)
    found = engine.scan(unit_of(work, slice(None)), request)
    expected = engine.scan(unit_of(Work(paths, work.sizes, {}), slice(None)), request)
    aside = ["url", "bytes_read", "requests"]
    if not found.instances.drop_columns(["url"]).equals(expected.instances.drop_columns(["url"])):
        raise SystemExit("dicomlake: instances differ from those of the folder")
    if not found.files.drop_columns(aside).equals(expected.files.drop_columns(aside)):
        raise SystemExit("dicomlake: files differ from those of the folder")
    return sum(expected.instances["header_bytes"].to_pylist())


def _target(what: str, figure: float, limit: float, *, most: bool = False) -> dict[str, Any]:
    passed = figure <= limit if most else figure >= limit
    return {"what": what, "figure": round(figure, 3), "at_most" if most else "at_least": limit, "passed": passed}


def _print(record: dict[str, Any]) -> None:
    late = next(key for key in record if key.endswith("_late"))
    for title, key in (("over the loopback", "readers"), (late.removeprefix("readers_").replace("_", " "), late)):
        print(f"{title:<40}{'files/s':>12}{'CPU µs a file':>16}")
        for row in record[key]:
            print(f"{row['name']:<40}{row['most_files_a_second']:>12,.0f}{row['least_cpu_microseconds_a_file']:>16,.0f}")
    print()
    print_targets(record["targets"])


if __name__ == "__main__":
    sys.exit(main())
