"""The frozen answers of the native engine: rows of crafted defects in full, and a digest for each generated or damaged file.

``python -m tests.engine.freeze`` writes them again, and says how many answers changed in the columns that were frozen before.
``python -m tests.engine.freeze --show made-3 17`` prints the rows of file 17 of batch made-3; run it on two commits to compare them.

A digest leaves out url, modified time and cost of reading, so it depends on the bytes of a file alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.limits import ReadingLimits
from tests.engine import user_columns
from tests.engine.builder import keys, parents, part10
from tests.engine.conftest import listing
from tests.engine.mutation import mutated
from tests.engine.random_files import FileMaker
from tests.engine.test_defects import FILES, FINDINGS, PARTLY
from tests.engine.test_sequences import AFTER, BROKEN

FOLDER = Path(__file__).with_name("frozen")
DEFECTS_JSON = FOLDER / "defects.json"
BATCHES_JSON = FOLDER / "batches.json"
FILES_A_BATCH = 250
SMALL_READS = ReadingLimits(first_read=256)
DEFECT_LIMITS = ReadingLimits(first_read=512, header_limit=8192)

_LEFT_OUT = {"url", "modified", "bytes_read", "requests"}
_DIGEST_CHARACTERS = 12

Rows = dict[str, list[dict[str, Any]]]
"""The rows of one file by table."""

Columns = dict[str, list[str]]
"""The columns that digests cover, by table."""


def made(seed: int) -> list[bytes]:
    """Files made at random, sound in most places and wrong in some."""
    random = Random(f"made {seed}")
    return [FileMaker(random, user_columns.MADE_COLUMNS, random.choice([4, 14, 30])).file() for _ in range(FILES_A_BATCH)]


def damaged(seed: int) -> list[bytes]:
    """Files made at random and crafted defects, with damage at random."""
    random = Random(f"damaged {seed}")
    sources = [*made(seed), *defects().values()]
    return [mutated(random, random.choice(sources), random.choice(sources)[:4000]) for _ in range(FILES_A_BATCH)]


BATCHES: dict[str, tuple[Callable[[], list[bytes]], ReadingLimits]] = {
    f"{make.__name__}-{seed}": (lambda make=make, seed=seed: make(seed), SMALL_READS if seed % 2 else ReadingLimits())  # type: ignore[misc]
    for make in (made, damaged)
    for seed in range(6)
}
"""Each batch: what makes its files, and how they are read."""


def defects() -> dict[str, bytes]:
    """The crafted defects by name."""
    return {
        **{f"file {code}": data for code, data in FILES.items()},
        **{f"file kept in part {code}": data for code, (data, _) in PARTLY.items()},
        **{f"finding {code}": data for code, data in FINDINGS.items()},
        **{f"sequence {name}": part10(keys() + parents() + sequence + AFTER) for name, (sequence, _) in BROKEN.items()},
    }


def rows(files: Sequence[bytes], reading: ReadingLimits) -> list[Rows]:
    """The rows that the native engine answers for files of these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        urls = [f"{folder}/{number:04}" for number in range(len(files))]
        for url, data in zip(urls, files, strict=True):
            Path(url).write_bytes(data)
        scanned = make_engine("native").scan(listing(urls), ScanRequest(user_columns.SCHEMA, reading, headers=True))
    answers: dict[str, Rows] = {url: {table: [] for table in scanned.tables} for url in urls}
    for table, answered in scanned.tables.items():
        for row in answered.to_pylist():
            answers[row["url"]][table].append({name: value for name, value in row.items() if name not in _LEFT_OUT})
    return list(answers.values())


def present_columns() -> Columns:
    """The columns that digests would cover if the answers were frozen now."""
    request = ScanRequest(user_columns.SCHEMA)
    tables = ("files", "instances", "findings")
    return {table: sorted(set(request.scanned_schema(table).names) - _LEFT_OUT) for table in tables}


def digest(answer: Rows, columns: Columns) -> str:
    """A short digest of the rows of one file over these columns."""
    covered = {table: [{name: row.get(name) for name in names} for row in answer[table]] for table, names in columns.items()}
    text = json.dumps(covered, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def inputs_digest(files: Sequence[bytes]) -> str:
    """A digest of a batch's files: another pydicom (whose dictionary they are made from) or another zlib makes other files."""
    return hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in files)).hexdigest()[:_DIGEST_CHARACTERS]


def readable(answer: Rows) -> dict[str, Any]:
    """The rows of one file as JSON has them, without nulls."""
    return {
        table: [{name: json.loads(json.dumps(value, default=str)) for name, value in row.items() if value is not None} for row in found]
        for table, found in answer.items()
    }


def frozen_defects() -> dict[str, Any]:
    """The frozen rows of the crafted defects by name."""
    return dict(json.loads(DEFECTS_JSON.read_text("utf-8")))


def frozen_batches() -> tuple[Columns, Mapping[str, Mapping[str, Any]]]:
    """The frozen columns, and of each batch the digest of its inputs and that of each answer."""
    found = json.loads(BATCHES_JSON.read_text("utf-8"))
    return found["columns"], found["batches"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Freeze the answers, or show those of one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", nargs=2, metavar=("BATCH", "FILE"), help="print the rows of one file of a batch, and write nothing")
    parsed = parser.parse_args(arguments)
    if parsed.show:
        make, reading = BATCHES[parsed.show[0]]
        sys.stdout.write(_json(readable(rows([make()[int(parsed.show[1])]], reading)[0])))
    else:
        _freeze()


def _freeze() -> None:
    columns = present_columns()
    before_columns, before = frozen_batches() if BATCHES_JSON.exists() else (columns, {})
    batches = {}
    for name, (make, reading) in BATCHES.items():
        files = make()
        answers = rows(files, reading)
        batches[name] = {"inputs": inputs_digest(files), "answers": [digest(answer, columns) for answer in answers]}
        old = before.get(name, {"answers": []})["answers"]
        changed = sum(digest(answer, before_columns) != was for answer, was in zip(answers, old, strict=False))
        sys.stdout.write(f"{name}: {len(files)} files, {changed} changed in the columns that were frozen before\n")
    FOLDER.mkdir(exist_ok=True)
    BATCHES_JSON.write_text(_json({"columns": columns, "batches": batches}), "utf-8")
    crafted = defects()
    answers = rows(list(crafted.values()), DEFECT_LIMITS)
    DEFECTS_JSON.write_text(_json({name: readable(answer) for name, answer in zip(crafted, answers, strict=True)}), "utf-8")


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
