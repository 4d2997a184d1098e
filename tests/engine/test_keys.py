"""The keys by which tables join: the native engine's are those of the definition in Python."""

from __future__ import annotations

import random
from pathlib import Path

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.native_engine import NativeEngine
from dicomlake.schema.keys import entity_key
from tests.engine.builder import E, meta, part10
from tests.engine.conftest import SCHEMA, listing

_VALUES = {
    "SpecificCharacterSet": [None, "ISO_IR 192", "ISO_IR 100"],
    "PatientID": [None, "", "a", " a ", "ab", "Grün", "x" * 64, "y" * 200],
    "IssuerOfPatientID": [None, "", "a", "b", "here"],
    "StudyInstanceUID": [None, "", "1.2", "1.2.3", "no UID"],
    "SeriesInstanceUID": [None, "", "1.2", "1.2.4"],
}


def test_definition_of_a_key() -> None:
    """The digest of known values, so that lakes of different releases join."""
    assert entity_key(None, "a") == "868f22680d55c59329e87575ff80d52c"
    assert entity_key("1.2") == "e451602a3ea2ccd0f962631be73b7953"
    assert len({entity_key("ab", "c"), entity_key("a", "bc"), entity_key("abc"), entity_key("", "abc"), entity_key(None, "abc")}) == 5


def test_keys_of_native_engine_are_those_of_the_definition(tmp_path: Path) -> None:
    """In runs of files that share values and in files that share none, keys are those of the row's own columns."""
    source = random.Random(12)
    chosen = {name: source.choice(values) for name, values in _VALUES.items()}
    paths = []
    for number in range(400):
        for name, values in _VALUES.items():
            if source.random() < 0.2:
                chosen[name] = source.choice(values)
        elements = [E.element("SOPInstanceUID", f"1.2.{number}"), E.element("StudyDate", source.choice(["20200101", "soon"]))]
        elements += [E.element(name, value) for name, value in chosen.items() if value is not None]
        if number % 20 == 7:
            del elements[0]  # its finding has no keys, as the file has no instance
        path = tmp_path / f"{number:03}.dcm"
        path.write_bytes(part10(b"".join(elements), meta(instance=None)))
        paths.append(str(path))
    scanned = NativeEngine().scan(listing(paths), ScanRequest(SCHEMA))
    instances = scanned.instances.to_pylist()
    assert len(instances) == 380
    for row in instances:
        assert row["patient_key"] == entity_key(row["IssuerOfPatientID"], row["PatientID"])
        assert row["study_key"] == entity_key(row["StudyInstanceUID"])
        assert row["series_key"] == entity_key(row["StudyInstanceUID"], row["SeriesInstanceUID"])
    of_url = {row["url"]: tuple(row[f"{level}_key"] for level in ("patient", "study", "series")) for row in instances}
    findings = scanned.findings.to_pylist()
    assert {row["url"] for row in findings} - of_url.keys(), "a file without an instance has findings"
    for row in findings:
        assert tuple(row[f"{level}_key"] for level in ("patient", "study", "series")) == of_url.get(row["url"], (None, None, None))
