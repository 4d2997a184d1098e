"""The lock files agree with each other: `make demo` installs what `make test` tests."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"


def _locked(name: str) -> dict[str, str]:
    """The entries of a lock file by package: version, marker and hashes as they stand there."""
    entries = re.split(r"^(?=\w)", (FOLDER / name).read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {entry.partition("==")[0]: entry for entry in entries}


@pytest.mark.parametrize(("name", "least"), [("run.txt", 50), ("tools.txt", 2)])
def test_versions_and_hashes_are_those_of_the_lock(name: str, least: int) -> None:
    """Else run `make lock`."""
    whole, part = _locked("lock.txt"), _locked(name)
    assert len(part) >= least
    for package, entry in part.items():
        assert _version_and_hashes(entry) == _version_and_hashes(whole[package])


def test_each_file_holds_what_it_is_for() -> None:
    """What dicomlake needs to run stands in run.txt, and nothing of the extras that it does not need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[\[<>=]", requirement)[0].lower() for requirement in project["dependencies"]}
    assert names <= _locked("run.txt").keys()
    assert set(_locked("tools.txt")) == {"maturin", "uv"}
    extras = {re.split(r"[\[<>=]", one)[0].lower() for extra in project["optional-dependencies"].values() for one in extra}
    assert extras <= _locked("lock.txt").keys()
    assert not {"bokeh", "mkdocs-material", "pytest", "matplotlib"} & _locked("run.txt").keys()


def _version_and_hashes(entry: str) -> tuple[str, frozenset[str]]:
    version = re.match(r"\S+?==([^\s;\\]+)", entry)
    assert version is not None
    return version[1], frozenset(re.findall(r"sha256:[0-9a-f]{64}", entry))
