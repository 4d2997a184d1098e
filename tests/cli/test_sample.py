"""``sample``: the archives that it writes."""

from __future__ import annotations

import json
from pathlib import Path

from dicomlake.samples import MANIFEST_NAME, SPECIAL_KINDS
from tests.cli.conftest import Run


def test_special_studies(run: Run, tmp_path: Path) -> None:
    """They are written instead of the ordinary ones, one of each kind, and the seed counts."""
    ran = run("sample", tmp_path / "special", "--special", "--seed", 3)
    assert ran.code == 0
    manifest = json.loads((tmp_path / "special" / MANIFEST_NAME).read_text("utf-8"))
    assert manifest["seed"] == 3
    assert [defect["kind"] for defect in manifest["defects"]] == list(SPECIAL_KINDS)
    assert f"{len(SPECIAL_KINDS)} patients, {len(SPECIAL_KINDS)} studies" in ran.out


def test_special_studies_have_no_number(run: Run, tmp_path: Path) -> None:
    """A number of studies beside them would mean nothing, so it is refused and nothing is written."""
    ran = run("sample", tmp_path / "special", "--special", "--studies", 3)
    ran.assert_one_line_error(2, "leave out --studies")
    assert not (tmp_path / "special").exists()
