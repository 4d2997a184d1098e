"""Counting files while a unit is read."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from dicomlake.errors import FileCode
from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.engines import make_engine
from dicomlake.extract.file_count import SharedCount
from dicomlake.extract.unit import scan_unit
from dicomlake.samples import write_sample
from dicomlake.schema import LakeSchema
from tests.engine.conftest import listing


@pytest.mark.parametrize("name", ["native", "pydicom"])
def test_every_file_counts_once(tmp_path: Path, name: str) -> None:
    """Good and bad ones, and those that the listing could not read; the rows are those without a count."""
    write_sample(tmp_path, studies=1)
    urls = [str(path) for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    files = listing([*urls, str(tmp_path / "absent")])
    codes = [None] * len(urls) + [FileCode.NOT_REGULAR.value]
    files = files.append_column("code", pa.array(codes)).append_column("message", pa.array([None] * len(codes), pa.string()))
    request = ScanRequest(LakeSchema.build())
    count = SharedCount()
    counted = scan_unit(make_engine(name), files, replace(request, count=count))
    assert count.files == len(codes)
    assert counted.files.equals(scan_unit(make_engine(name), files, request).files)


def test_a_count_is_pickled_by_its_name() -> None:
    """In this process a copy is the original; where there is no such count it is a new one."""
    count = SharedCount()
    assert pickle.loads(pickle.dumps(count)) is count  # noqa: S301 - our own
    text = pickle.dumps(count)
    del count
    strange = pickle.loads(text)  # noqa: S301 - our own
    strange.add(2)
    assert strange.files == 2
