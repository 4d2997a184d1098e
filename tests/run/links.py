"""An engine whose JSON headers refer to other objects, and a game of nights with such headers."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa

from dicomlake.extract.engine import Scanned, ScanRequest
from tests.run.json_engine import JsonEngine

PATH = "SourceImageSequence"
STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
PATIENT_CLASS = "1.2.840.10008.3.1.2.1.1"

_COLUMNS = {
    "instance": "ReferencedSOPInstanceUID",
    "series": "ReferencedSeriesInstanceUID",
    "study": "ReferencedStudyInstanceUID",
    "class": "ReferencedSOPClassUID",
    "relation": "relation",
    "path": "element_path",
}
_KEYS = ("patient_key", "study_key", "series_key", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "url")


class ReferringEngine(JsonEngine):
    """Answers rows of `instance_references` too: a header lists them under ``References``, by the keys of ``_COLUMNS``."""

    def scan(self, files: pa.Table, request: ScanRequest) -> Scanned:
        """See ``Engine``."""
        scanned = super().scan(files, request)
        rows: list[dict[str, Any]] = []
        for instance in scanned.instances.select(_KEYS).to_pylist():
            header = json.loads(Path(instance["url"]).read_text("utf-8"))
            for reference in header.get("References", []):
                named = {_COLUMNS[name]: value for name, value in reference.items()}
                rows.append({"relation": "source-image", "element_path": PATH, "times": 1, **instance, **named})
        references = pa.Table.from_pylist(rows, schema=request.scanned_schema("instance_references"))
        return Scanned({**scanned.tables, "instance_references": references})


def drawn_references(number: int, chance: random.Random) -> list[dict[str, str]]:
    """Some references of an object of the game: to instances, series and studies that may be there or not, and to a visit."""
    made: list[dict[str, str]] = []
    for _ in range(chance.choice([0, 0, 1, 3])):
        target = chance.choice([number, chance.randrange(28), chance.randrange(28)])
        made.append(
            chance.choice(
                [
                    {"instance": f"1.{target}"},
                    {"instance": f"1.{target}", "series": f"2.{target // 3}"},
                    {"instance": f"1.{target}", "relation": "referenced-image", "path": chance.choice(["A", "B"])},
                    {"series": f"2.{target // 3}", "relation": "evidence"},
                    {"study": f"3.{target // 7}", "relation": "evidence"},
                    {"instance": f"3.{target // 7}", "class": STUDY_CLASS, "relation": "other"},
                    {"instance": f"1.{target}", "class": PATIENT_CLASS, "relation": "other"},
                    {"instance": f"1.{target}", "relation": "performed-procedure-step"},
                ]
            )
        )
    unique = {json.dumps(reference, sort_keys=True): reference for reference in made}
    return list(unique.values())
