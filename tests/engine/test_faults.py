"""Faults of headers in real files, each kind in many variants, and the crafted cases of other hands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.engine import faults
from tests.engine.builder import E
from tests.engine.conftest import ScanBytes, ScannedFile, scan, scan_one

CASES = Path(__file__).parents[3] / "shared" / "cases"


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _scanned(folder: Path, variants: list[faults.Variant]) -> list[ScannedFile]:
    """The variants, scanned together: each as a file."""
    paths = [folder / f"{number:05}" for number in range(len(variants))]
    for path, variant in zip(paths, variants, strict=True):
        path.write_bytes(variant.data)
    scanned = scan([str(path) for path in paths])
    instances = {row["url"]: row for row in scanned.instances.to_pylist()}
    findings: dict[str, list[dict[str, Any]]] = {}
    for row in scanned.findings.to_pylist():
        findings.setdefault(row["url"], []).append(row)
    return [ScannedFile(row, instances.get(row["url"]), findings.get(row["url"], [])) for row in scanned.files.to_pylist()]


def _wrong(scanned: ScannedFile, variant: faults.Variant) -> list[str]:
    if scanned.instance is None or scanned.file["code"] is not None:
        return [f"{variant}: {scanned.file['status']} {scanned.file['code']} {scanned.file['message']}"]
    cells = {name: _shown(scanned.value(name)) for name in variant.cells}
    codes = scanned.codes()
    wrong = [f"{variant}: {name} is {cells[name]!r}, not {cell!r}" for name, cell in variant.cells.items() if cells[name] != cell]
    wrong += [f"{variant}: no finding {code}" for code in variant.codes - codes]
    wrong += [f"{variant}: a finding {code}" for code in variant.forbidden & codes]
    return wrong


@pytest.mark.parametrize("kind", faults.KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.usefixtures("engine")
def test_each_variant_of_a_fault_is_read(tmp_path: Path, kind: Callable[[], Iterator[faults.Variant]]) -> None:
    """Every variant is read to its end, with its values, and with the findings that it should have."""
    variants = list(kind())
    scanned = _scanned(tmp_path, variants)
    wrong = [line for variant, one in zip(variants, scanned, strict=True) for line in _wrong(one, variant)]
    assert variants
    assert not wrong, "\n".join(wrong)


@pytest.mark.usefixtures("engine")
def test_trailing_bytes_are_found_once(tmp_path: Path) -> None:
    """However many bytes trail, there is one finding, at the first of them."""
    variants = list(faults.trailing_bytes())
    for variant, scanned in zip(variants, _scanned(tmp_path, variants), strict=True):
        found = scanned.finding("trailing-bytes")
        assert found["level"] == "file"
        assert (found["byte_offset"] or 0) < len(variant.data)


@pytest.mark.parametrize("length", [2, 4, 5, 6, 7])
def test_header_that_is_cut_is_not_trailing(scan_bytes: ScanBytes, length: int) -> None:
    """The beginning of an element that would follow is a header cut short, not bytes that trail."""
    whole = faults.in_order()
    scanned = scan_bytes(whole + E.element("InstanceNumber", "7")[:length])
    assert (scanned.file["status"], scanned.file["code"]) == ("indexed", "truncated")


def test_damage_before_elements_is_not_trailing(scan_bytes: ScanBytes) -> None:
    """Bytes that are not an element, with an element behind them, are damage."""
    damaged = faults.in_order() + b"\r\n--boundary--\r\n" + E.element("ImageComments", "lost")
    assert scan_bytes(damaged).file["code"] == "corrupt-element"


@pytest.mark.usefixtures("engine")
@pytest.mark.skipif(not CASES.is_dir(), reason="the crafted cases are not beside the checkout")
def test_crafted_cases() -> None:
    """Each crafted case has the values and the findings that its author expects."""
    wrong = []
    for case in json.loads((CASES / "expected.json").read_text("utf-8")):
        scanned = scan_one(str(Path(CASES, case["file"])))
        variant = faults.Variant(case["file"], b"", case["columns"], frozenset(case["findings"]), frozenset())
        wrong += _wrong(scanned, variant)
        assert scanned.file["status"] == case["status"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("keyword", ["PatientID", "SOPInstanceUID", "StudyDate", "InstanceNumber", "PixelSpacing"])
def test_values_of_earlier_copies_stay_in_their_file(tmp_path: Path, keyword: str) -> None:
    """A file whose element is empty does not take the value that a file before it had, in an earlier copy of the element."""
    values = {"PatientID": "SECRET", "SOPInstanceUID": "1.2.9", "StudyDate": "20200102", "InstanceNumber": "7", "PixelSpacing": "1\\2"}
    empty = faults.in_order(E.element(keyword, "")).replace(
        E.element("PatientID", "P1"), b"" if keyword == "PatientID" else E.element("PatientID", "P1")
    )
    twice = empty.replace(E.element(keyword, ""), E.element(keyword, values[keyword]) + E.element(keyword, ""))
    variants = [faults.Variant(str(number), data) for number, data in enumerate([twice, empty, twice, empty])]
    if keyword == "SOPInstanceUID":
        own = E.element(keyword, faults.UID)
        variants = [
            faults.Variant(one.name, one.data.replace(own + E.element("Modality", "CT"), E.element("Modality", "CT"))) for one in variants
        ]
    first, second, third, fourth = (one.value(keyword) for one in _scanned(tmp_path, variants))
    assert first == third
    assert first is not None
    assert second == fourth
    assert second in (None, faults.UID)
