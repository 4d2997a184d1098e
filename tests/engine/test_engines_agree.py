"""The two engines answer the same tables, cell by cell: over real files, samples, crafted defects, and files made or damaged at random.

There are no known differences, so there is no list of them: whatever differs is a bug in one of the two, and DICOM or DESIGN section 4 says
in which. What reading cost (`bytes_read`, `requests`) is aside, since each engine reads in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.limits import ReadingLimits
from dicomlake.samples import write_sample
from dicomlake.schema import LakeSchema
from tests.engine import user_columns
from tests.engine.agreement import Difference, differences
from tests.engine.conftest import ENGINES, SCHEMA, listing
from tests.engine.mutation import mutated
from tests.engine.random_files import FileMaker
from tests.engine.test_defects import FILES, FINDINGS, PARTLY

_SMALL_READS = ReadingLimits(first_read=256)


def _differences(paths: Sequence[Path], schema: LakeSchema = user_columns.SCHEMA, reading: ReadingLimits | None = None) -> list[Difference]:
    request = ScanRequest(schema, reading or ReadingLimits(), headers=True)
    one, other = (make_engine(name).scan(listing([str(path) for path in paths]), request) for name in ENGINES)
    return differences(one, other)


def _written(folder: Path, files: Sequence[bytes]) -> list[Path]:
    paths = [folder / f"{number:04}" for number in range(len(files))]
    for path, data in zip(paths, files, strict=True):
        path.write_bytes(data)
    return paths


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of a sample archive, its planted defects among them."""
    folder = tmp_path_factory.mktemp("samples") / "archive"
    write_sample(folder)
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def real_files(real_files_folder: Path) -> list[Path]:
    """Every real file."""
    return sorted(path for path in real_files_folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("schema", [SCHEMA, user_columns.SCHEMA], ids=["standard", "user"])
def test_real_files(real_files: list[Path], schema: LakeSchema) -> None:
    """Over the real files, with the standard columns and with a user's."""
    assert _differences(real_files, schema) == []


@pytest.mark.parametrize("schema", [SCHEMA, user_columns.SCHEMA], ids=["standard", "user"])
def test_samples(samples: list[Path], schema: LakeSchema) -> None:
    """Over a sample archive."""
    assert _differences(samples, schema) == []


def test_crafted_defects(tmp_path: Path) -> None:
    """Over the crafted input of each code, under limits that raise it."""
    crafted = [*FILES.values(), *(data for data, _ in PARTLY.values()), *FINDINGS.values()]
    assert _differences(_written(tmp_path, crafted), reading=ReadingLimits(first_read=512, header_limit=8192)) == []


@pytest.mark.parametrize("seed", range(8))
def test_files_made_at_random(tmp_path: Path, seed: int) -> None:
    """Over files made at random, sound in most places and wrong in some; every other batch read in small steps, and damaged as well."""
    random = Random(f"made {seed}")
    files = [FileMaker(random, user_columns.SCHEMA.columns, random.choice([4, 14, 30])).file() for _ in range(250)]
    if seed % 2:
        files = [mutated(random, data, random.choice(files)) for data in files]
    assert _differences(_written(tmp_path, files), reading=_SMALL_READS if seed % 4 > 1 else None) == []


@pytest.mark.parametrize("seed", range(3))
def test_damaged_samples(tmp_path: Path, samples: list[Path], seed: int) -> None:
    """Over samples with damage at random."""
    _check_damaged(tmp_path, samples, Random(f"samples {seed}"), 200)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_real_files(tmp_path: Path, real_files: list[Path], seed: int) -> None:
    """Over real files with damage at random; those over 100 KB are left out, since nearly all of that is pixels."""
    small = [path for path in real_files if path.stat().st_size <= 100_000]
    _check_damaged(tmp_path, small, Random(f"real {seed}"), 200)


def _check_damaged(folder: Path, paths: Sequence[Path], random: Random, count: int) -> None:
    files = [mutated(random, random.choice(paths).read_bytes(), random.choice(paths).read_bytes()[:4000]) for _ in range(count)]
    assert _differences(_written(folder, files), reading=random.choice([None, _SMALL_READS])) == []


@given(st.randoms(use_true_random=False), st.booleans())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
)
def test_files_that_hypothesis_chooses(tmp_path_factory: pytest.TempPathFactory, random: Random, damaged: bool) -> None:  # noqa: FBT001
    """Over files in which Hypothesis makes the choices, so that what differs is made small."""
    data = FileMaker(random, user_columns.SCHEMA.columns, 4).file()
    path = tmp_path_factory.getbasetemp() / "hypothesis"
    path.write_bytes(mutated(random, data) if damaged else data)
    assert _differences([path]) == []
