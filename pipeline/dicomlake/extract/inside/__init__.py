"""Tables of what stands inside a header (frames, references, segments, content items): their last touch, alike for every engine."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from dicomlake.extract.engine import ScanRequest
from dicomlake.extract.inside.findings import in_order_of_files
from dicomlake.extract.inside.frames import MultiFrame, frames_of
from dicomlake.extract.inside.numbered import with_limited_rows, without_repeated_numbers
from dicomlake.extract.inside.relations import with_relations

__all__ = ["finished"]


def finished(tables: Mapping[str, pa.Table], multi_frame: MultiFrame | None, request: ScanRequest) -> dict[str, pa.Table]:
    """Finish the tables of a unit.

    `frames` is made of functional groups and of the header.

    `instance_references` gets its relations. `segments` loses items that no number tells apart. No file keeps more rows of a table than
    the limit. Lost rows are a finding.

    Args:
        tables: every table that units write, of one unit, by name, with the schemas of ``ScanRequest.scanned_schema``. The rows of a file
            stand in the order of its header.
        multi_frame: the multi-frame instances among them; None where frames are not read.
        request: what was read.

    Returns:
        The same tables.

    Example:
        >>> finished(request.empty_tables(), None, request)["segments"].num_rows
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
    findings.append(lost)
    if multi_frame is not None and multi_frame.instances.num_rows:
        done["frames"], of_frames = frames_of(multi_frame, request)
        findings.append(of_frames)
    done["findings"] = in_order_of_files(pa.concat_tables(findings), done["files"]["url"])
    return done
