"""Tables of what stands inside a header (references, segments, content items): their last touch, alike for every engine."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.inside.numbered import with_limited_rows, without_repeated_numbers
from dicomlake.extract.inside.relations import with_relations

__all__ = ["finished"]


def finished(tables: Mapping[str, pa.Table], request: ScanRequest) -> dict[str, pa.Table]:
    """Finish the tables of a unit.

    `instance_references` gets its relations. `segments` loses items that no number tells apart. No file keeps more rows of a table than
    the limit. What is lost is a finding.

    Args:
        tables: every table that units write, of one unit, by name, with the schemas of ``ScanRequest.scanned_schema``. The rows of a file
            stand in the order of its header.
        request: what was read.

    Returns:
        The same tables.

    Example:
        >>> finished(request.empty_tables(), request)["segments"].num_rows
        0
    """
    done = dict(tables)
    schema = request.scanned_schema("findings")
    findings = [done["findings"]]
    for name in ("instance_references", "segments", "content_items"):
        done[name], lost = with_limited_rows(name, done[name], schema)
        findings.append(lost)
    done["segments"], lost = without_repeated_numbers(done["segments"], schema)
    done["instance_references"] = with_relations(done["instance_references"], done["instances"])
    done["findings"] = pa.concat_tables([*findings, lost])
    return done
