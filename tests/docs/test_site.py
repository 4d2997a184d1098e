"""The site is built without a complaint, and a reader's browser loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly."""
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--config-file",
        str(ROOT / "mkdocs.yml"),
        "--site-dir",
        str(folder),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")
    return folder


def test_every_page_is_there(site: Path) -> None:
    """Each Markdown file has a page, and scripts stay out."""
    for page in DOCS.rglob("*.md"):
        below = page.relative_to(DOCS)
        folder = below.parent if below.name == "README.md" else below.with_suffix("")
        assert (site / folder / "index.html").is_file(), below
    assert not list(site.rglob("*.py"))


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """Links lead out; pictures, styles, fonts and scripts don't."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]* src=\"?([^\"\s>]+)", text)
        loaded += re.findall(r"<link[^>]* rel=\"?(?:stylesheet|preload|preconnect|icon)\"?[^>]* href=\"?([^\"\s>]+)", text)
        loaded += re.findall(r"<link[^>]* href=\"?([^\"\s>]+)[^>]* rel=\"?(?:stylesheet|preload|preconnect|icon)", text)
        assert loaded
        assert [url for url in loaded if re.match(r"(https?:)?//", url)] == [], page


def test_search_finds_a_column(site: Path) -> None:
    """The index of the search is local, and holds the generated reference."""
    index = (site / "search" / "search_index.json").read_text("utf-8")
    assert "RadiopharmaceuticalInformation_RadionuclideTotalDose" in index
