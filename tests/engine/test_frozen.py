"""The native engine answers what it answered before: crafted defects in full, generated and damaged files by their digests.

Where a change is meant, ``python -m tests.engine.freeze`` writes the answers again, and the commit shows which changed.
"""

from __future__ import annotations

import json

import pytest

from tests.engine import freeze

_SHOWN_FILES = 3


def test_frozen_columns() -> None:
    """Every column of the answers is frozen; a new one is frozen by ``python -m tests.engine.freeze``."""
    columns, batches = freeze.frozen_batches()
    assert columns == freeze.present_columns()
    assert list(batches) == list(freeze.BATCHES)


def test_crafted_defects() -> None:
    """The rows of each crafted defect are those that stand in ``frozen/defects.json``."""
    crafted = freeze.defects()
    answers = freeze.rows(list(crafted.values()), freeze.DEFECT_LIMITS)
    assert {name: freeze.readable(answer) for name, answer in zip(crafted, answers, strict=True)} == freeze.frozen_defects()


@pytest.mark.parametrize("name", freeze.BATCHES)
def test_batch(name: str) -> None:
    """The rows of each file of a batch have the frozen digest; of files that differ the rows are shown."""
    columns, batches = freeze.frozen_batches()
    make, reading = freeze.BATCHES[name]
    files = make()
    assert freeze.inputs_digest(files) == batches[name]["inputs"], f"{name}: the files are others; pydicom or zlib is another version"
    answers = freeze.rows(files, reading)
    frozen = batches[name]["answers"]
    changed = [number for number, answer in enumerate(answers) if freeze.digest(answer, columns) != frozen[number]]
    shown = {number: freeze.readable(answers[number]) for number in changed[:_SHOWN_FILES]}
    told = f"{name}: the rows of {len(changed)} files changed, {changed}; of the first {len(shown)} they are now:\n"
    assert not changed, told + json.dumps(shown, indent=1, ensure_ascii=False)
