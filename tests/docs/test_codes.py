"""The page of codes: an entry for every code that something raises, and none for another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dicomlake
from dicomlake.errors import STATUS_OF_CODE, FileCode, FindingCode
from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "reference" / "codes.md").read_text("utf-8")
CORE = ROOT / "pipeline" / "core" / "src"
PACKAGE = Path(dicomlake.__file__).parent
_ROW = re.compile(r"^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def _entries(heading: str) -> dict[str, tuple[str, str, str]]:
    """The rows below a heading: what follows the code, its meaning, and what to do."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = _ROW.findall(section)
    assert len({code for code, *_ in rows}) == len(rows)
    return {code: (first.replace("`", ""), meaning, advice) for code, first, meaning, advice in rows}


OF_FILES = _entries("Codes of files")
OF_FINDINGS = _entries("Codes of findings")


def _raised(kind: str) -> set[str]:
    """The names of the codes that Rust or Python uses outside the lists of codes, in Python's spelling.

    The sample plants a defect whose code is reserved, so it does not count.
    """
    rust = [path.read_text("utf-8") for path in CORE.rglob("*.rs") if path.name != "error.rs"]
    python = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if path.name != "errors.py" and path.parent.name != "samples"]
    in_rust = {name for text in rust for name in re.findall(rf"{kind}::([A-Z]\w+)", text)}
    in_python = {name for text in python for name in re.findall(rf"{kind}\.([A-Z_]+)\b", text)}
    return in_python | {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() for name in in_rust}


def test_each_code_of_a_file_has_an_entry() -> None:
    """With the status of a file of which nothing could be kept."""
    raised = {code for code in FileCode if code.name in _raised("FileCode")}
    assert {code: first for code, (first, *_) in OF_FILES.items()} == {code.value: STATUS_OF_CODE[code].value for code in raised}


def test_each_code_of_a_finding_has_an_entry() -> None:
    """A code that is reserved, and that nothing raises, has none."""
    assert set(OF_FINDINGS) == {code.value for code in FindingCode if code.name in _raised("FindingCode")}


def test_entries_say_what_it_means_and_what_to_do() -> None:
    """In whole sentences."""
    for code, (_, meaning, advice) in {**OF_FILES, **OF_FINDINGS}.items():
        assert re.fullmatch(r"[A-Z].+\.", meaning), code
        assert re.fullmatch(r"[A-Z].+\.", advice), code


def test_levels_are_those_of_real_findings(real_files_folder: Path) -> None:
    """Findings of real files have the level that stands beside their code."""
    files = sorted(path for path in real_files_folder.rglob("*") if path.is_file())
    findings = dicomlake.scan(files).findings
    seen = set(zip(findings["code"].to_pylist(), findings["level"].to_pylist(), strict=True))
    assert len(seen) > 10
    for code, level in sorted(seen):
        assert level in (OF_FINDINGS[code][0].split(", ") if code in OF_FINDINGS else ["file"]), code
        assert code in OF_FINDINGS or code in OF_FILES


@pytest.mark.parametrize("code", ["inconsistent-attribute", "conflicting-duplicate"])
def test_codes_of_entities_have_their_levels(code: str) -> None:
    """These are found by a run, and not by a scan."""
    assert OF_FINDINGS[code][0] in ("file", "series, study, patient")
