"""Codes never change their names, and exceptions pass between processes."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dicomlake
from dicomlake import errors
from dicomlake.errors import STATUS_OF_CODE, DicomlakeError, FileCode, FileStatus, FindingCode, RefusedError, UsageError

# DESIGN section 4, written out: a code that is renamed or dropped breaks whoever filters by it.
STATUS_OF_PROMISED_CODE = {
    "empty-file": "not_dicom",
    "not-dicom": "not_dicom",
    "dicomdir": "skipped",
    "not-regular": "skipped",
    "truncated": "failed",
    "missing-key": "failed",
    "unsupported-transfer-syntax": "failed",
    "corrupt-element": "failed",
    "corrupt-deflate": "failed",
    "header-too-large": "failed",
    "nesting-too-deep": "failed",
    "unreadable": "failed",
    "timed-out": "failed",
    "corrupt-archive": "failed",
}
ADDED_STATUS_OF_CODE = {"worker-killed": "failed", "archive": "skipped", "unsupported-member": "failed"}

PROMISED_FINDING_CODES = {
    "missing-preamble",
    "missing-file-meta",
    "wrong-transfer-syntax",
    "invalid-date",
    "invalid-time",
    "invalid-datetime",
    "invalid-number",
    "invalid-uid",
    "too-many-values",
    "undecodable-text",
    "undeclared-character-set",
    "wrong-vr",
    "odd-length",
    "out-of-order",
    "missing-required",
    "conflicting-duplicate",
    "inconsistent-attribute",
    "dangling-reference",
    "irregular-geometry",
    "invalid-code-string",
    "invalid-age",
    "implausible-age",
    "nonstandard-character-set",
    "trailing-bytes",
    "frame-count",
    "repeated-number",
    "too-many-rows",
}


def classes_below(base: type[DicomlakeError]) -> Iterator[type[DicomlakeError]]:
    """A class and every class derived from it."""
    yield base
    for derived in base.__subclasses__():
        yield from classes_below(derived)


EXCEPTIONS = sorted(set(classes_below(DicomlakeError)), key=lambda exception: exception.__name__)


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_exception_pickles(exception: type[DicomlakeError]) -> None:
    """A worker's exception arrives at the driver as what it was, message and all."""
    arrived = pickle.loads(pickle.dumps(exception("the disk is full; free some of it")))  # noqa: S301 - made in the line itself
    assert type(arrived) is exception
    assert str(arrived) == "the disk is full; free some of it"
    assert arrived.exit_code == exception.exit_code


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_exception_stands_in_the_tree(exception: type[DicomlakeError]) -> None:
    """The tree in the module's docstring, where people look for what to catch, names every class."""
    assert exception.__name__ in (errors.__doc__ or "")


def test_exit_codes() -> None:
    """A wrong request ends with 2, a refused one with 1."""
    assert {exception.exit_code for exception in classes_below(UsageError)} == {2}
    assert {exception.exit_code for exception in classes_below(RefusedError)} == {1}
    assert DicomlakeError.exit_code == 1


@pytest.mark.parametrize("code", [*FileCode, *FindingCode])
def test_code_is_kebab_case(code: FileCode | FindingCode) -> None:
    """A code is lower-case words joined by hyphens, and its Python name says the same."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code.value)
    assert code.name == code.value.upper().replace("-", "_")


def test_file_codes_are_those_promised() -> None:
    """File codes are DESIGN's and those added since."""
    assert {code.value for code in FileCode} == STATUS_OF_PROMISED_CODE.keys() | ADDED_STATUS_OF_CODE.keys()


def test_finding_codes_are_those_promised() -> None:
    """Finding codes are DESIGN's."""
    assert {code.value for code in FindingCode} == PROMISED_FINDING_CODES


def test_a_code_means_one_thing() -> None:
    """No code is both a file code and a finding code: `findings` holds the two side by side."""
    assert not {code.value for code in FileCode} & {code.value for code in FindingCode}


def test_every_file_code_has_its_status() -> None:
    """The status of a file of which nothing was kept follows from its code."""
    assert {code.value: status.value for code, status in STATUS_OF_CODE.items()} == STATUS_OF_PROMISED_CODE | ADDED_STATUS_OF_CODE


def test_statuses_are_those_of_the_files_table() -> None:
    """The statuses of `files` are the six that tables.csv promises."""
    assert [status.value for status in FileStatus] == ["indexed", "duplicate", "not_dicom", "skipped", "failed", "missing"]


def test_every_code_is_raised() -> None:
    """The sources name every code: one that nothing raises would be an option without a use."""
    core = Path(__file__).parents[1] / "pipeline" / "core" / "src"
    paths = [*Path(dicomlake.__file__).parent.rglob("*.py"), *core.rglob("*.rs")]
    named = set()
    for path in paths:
        if path.name not in ("errors.py", "defects.py"):
            named.update(re.findall(r"(?:FileCode|FindingCode)(?:\.|::)(\w+)", path.read_text("utf-8")))
    unnamed = {code for code in (*FileCode, *FindingCode) if not {code.name, code.name.title().replace("_", "")} & named}
    assert unnamed == set()
