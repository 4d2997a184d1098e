"""The name of a source: the same each night, however it was typed, and free of credentials."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dicomlake.config import ListingSettings
from dicomlake.errors import ConfigurationError, SourceNotFound
from dicomlake.sources import name_of_source, open_source


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{here}/a", "{here}/a"),
        ("a/", "{here}/a"),
        ("./x/../a//", "{here}/a"),
        ("/{here}/a", "{here}/a"),
        ("file://{here}/a/", "{here}/a"),
        ("*/x.dcm", "{here}/*/x.dcm"),
        ("link", "{here}/link"),
        ("a\\b", "{here}/a\\\\b"),
        ("/", "/"),
        ("s3://bucket/a/", "s3://bucket/a"),
        ("S3A://bucket", "s3://bucket"),
        ("gcs://bucket/*.dcm", "gs://bucket/*.dcm"),
        ("https://host/a/", "https://host/a"),
        ("https://host", "https://host"),
        ("https://me:hush@host/a", "https://host/a"),
        ("https://host/a?sig=hush&x=1", "https://host/a"),
        ("https://host/a?page=1", "https://host/a?page=1"),
        ("github://owner:repository@branch/a", "github://owner:repository@branch/a"),
        ("abfs://container@account/a", "abfs://container@account/a"),
        ("zip://*.dcm::a.zip", "zip://*.dcm::{here}/a.zip"),
        ("@list.csv", "@{here}/list.csv"),
        ("@file://{here}/list.csv", "@{here}/list.csv"),
        ("@s3a://bucket/list.csv", "@s3://bucket/list.csv"),
        ("@-", "@-"),
    ],
)
def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str) -> None:
    """Nothing of it needs to be there."""
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to("a")
    assert name_of_source(text.replace("{here}", str(tmp_path))) == name.replace("{here}", str(tmp_path))


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde that no shell expanded."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert name_of_source("~/a") == f"{tmp_path}/a"
    assert name_of_source("@~/a") == f"@{tmp_path}/a"


def test_names_are_those_of_opened_sources(tmp_path: Path) -> None:
    """All but lists are listed whole."""
    (tmp_path / "a").mkdir()
    for text in (f"{tmp_path}/a", f"{tmp_path}/a/*.dcm"):
        source = open_source(text, ListingSettings(), {})
        assert (source.name, source.whole) == (text, True)


@pytest.mark.parametrize("text", ["", "a\0b", "half\ud800"])
def test_what_can_be_no_source(text: str) -> None:
    """Is refused in one line."""
    with pytest.raises(ConfigurationError):
        name_of_source(text)


def test_a_missing_source_is_named_in_one_line(tmp_path: Path) -> None:
    """Whatever letters its name has."""
    with pytest.raises(SourceNotFound) as caught:
        open_source(f"{tmp_path}/a\n\x1b[31mb", ListingSettings(), {})
    assert str(caught.value) == f"source {tmp_path}/a \\x1b[31mb is not there; check its spelling, and that its disk is mounted"


def test_a_link_to_nothing_is_a_missing_source(tmp_path: Path) -> None:
    """The link is there; what was meant is not."""
    (tmp_path / "link").symlink_to("nothing")
    with pytest.raises(SourceNotFound):
        open_source(f"{tmp_path}/link", ListingSettings(), {})


def test_a_relative_path_from_a_removed_folder(tmp_path: Path) -> None:
    """Has no absolute form."""
    here = Path.cwd()
    (tmp_path / "a").mkdir()
    os.chdir(tmp_path / "a")
    try:
        (tmp_path / "a").rmdir()
        with pytest.raises(SourceNotFound, match="current folder"):
            open_source("x", ListingSettings(), {})
    finally:
        os.chdir(here)
