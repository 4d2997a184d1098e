"""What is answered for a file depends on that file alone: not on its neighbours, their order, or how many bytes came at a time."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pyarrow as pa
import pytest

from dicomlake.extract.engine import Scanned
from dicomlake.limits import ReadingLimits
from tests.engine import user_columns
from tests.engine.agreement import differences
from tests.engine.conftest import both_engines, scan
from tests.engine.mutation import mutated
from tests.engine.random_files import FileMaker

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Files of which many share a value, or have one that differs from their neighbour's in VR, byte order or character set alone."""
    folder = tmp_path_factory.mktemp("unit")
    random = Random("unit")
    files = [FileMaker(random, user_columns.MADE_COLUMNS).file() for _ in range(60)]
    files += [mutated(random, data) for data in files[:30]] + files[:10]
    paths = [folder / f"{number:03}" for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return [str(path) for path in paths]


def _scan(paths: Sequence[str], first_read: int = 16 * 1024) -> Scanned:
    return scan(paths, headers=True, reading=ReadingLimits(first_read=first_read), schema=user_columns.SCHEMA)


def _in_order(scanned: Scanned, paths: Sequence[str]) -> Scanned:
    """The same tables as of a unit in which the files stand in this order."""
    place = {path: number for number, path in enumerate(paths)}

    def ordered(table: pa.Table) -> pa.Table:
        urls = table["url"].to_pylist()
        return table.take(pa.array(sorted(range(len(urls)), key=lambda row: place[urls[row]]), pa.int64()))

    return Scanned({name: ordered(rows) for name, rows in scanned.tables.items()})


@both_engines
@pytest.mark.parametrize("seed", range(3))
def test_order_of_a_unit(paths: list[str], seed: int) -> None:
    """The rows of a file are the same wherever in a unit it stands."""
    shuffled = Random(seed).sample(paths, len(paths))
    assert differences(_scan(paths), _in_order(_scan(shuffled), paths)) == []


@both_engines
def test_file_by_file(paths: list[str]) -> None:
    """A unit answers what its files answer one by one."""
    alone = [_scan([path]) for path in paths]
    joined = Scanned({name: pa.concat_tables([one.tables[name] for one in alone]) for name in alone[0].tables})
    assert differences(_scan(paths), joined) == []


@both_engines
@pytest.mark.parametrize("first_read", [256, 257, 1000, 4096, 1 << 20])
def test_first_read(paths: list[str], first_read: int) -> None:
    """How many bytes are read at a time makes no difference."""
    assert differences(_scan(paths), _scan(paths, first_read)) == []
