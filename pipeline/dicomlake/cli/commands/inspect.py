"""``inspect``: one file for people."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dicomlake.cli.options import ConfigOption, EngineOption, FileArgument, JsonOption
from dicomlake.cli.output.screen import note, print_lines, print_table, print_title, width_of
from dicomlake.cli.output.table import Heading, cut, is_whole, lay_out_record
from dicomlake.cli.output.values import cell, json_text
from dicomlake.errors import SourceNotFound, UsageError
from dicomlake.printable import printable

if TYPE_CHECKING:
    from dicomlake.extract.header_tree import HeaderNode, HeaderTree

_FINDING_COLUMNS = ("level", "code", "element_path", "byte_offset", "raw", "message")
_INDENT = "  "


@dataclass(frozen=True)
class Inspected:
    """The result for a file: its row of `files`, its row of `instances` if any, its findings (all without nulls), and its header.

    ``rows`` says how many rows it gives to each table of what stands inside headers.
    """

    file: dict[str, Any]
    instance: dict[str, Any]
    rows: dict[str, int]
    findings: list[dict[str, Any]]
    header: HeaderTree


def inspect(file: FileArgument, *, engine: EngineOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show one file: row, findings, whole header.

    The row is the one that `index` would write, without the columns that are null. Below it stands how many frames, stacks, references,
    segments and content items the file gives. In the header, an element with a defect has the
    defect's code after an arrow.
    """
    inspected = look_at(file, engine, config)
    if json:
        print(json_text(_as_object(inspected)))
    else:
        _print(inspected)


def look_at(file: str, engine: str | None, config: str | None) -> Inspected:
    """Read one file.

    Raises:
        UsageError: there is no such local file.
    """
    from dicomlake.api import header_tree, scan
    from dicomlake.scanning import rows_inside, url_of
    from dicomlake.urls import is_local

    url = url_of(file)
    if is_local(url) and not Path(file).exists() and not Path(file).is_symlink():
        raise SourceNotFound(f"{file} is not there; check its spelling")
    if is_local(url) and Path(file).is_dir():
        raise UsageError(f"{file} is a folder; name a file, or index it: dicomlake index {file} --lake LAKE")
    scanned = scan([file], config=config, engine=engine)
    return Inspected(
        file=_without_nulls(scanned.files.to_pylist()[0]),
        instance=next(map(_without_nulls, scanned.instances.to_pylist()), {}),
        rows=rows_inside(scanned),
        findings=[_without_nulls(row) for row in scanned.findings.to_pylist()],
        header=header_tree(file, config=config, engine=engine),
    )


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _as_object(inspected: Inspected) -> dict[str, Any]:
    header = asdict(inspected.header)
    header["nodes"] = [_without_nulls(node) for node in header["nodes"]]
    return {
        "file": inspected.file,
        "instance": inspected.instance,
        "rows": inspected.rows,
        "findings": inspected.findings,
        "header": header,
    }


def _print(inspected: Inspected) -> None:
    print_title("file")
    _print_record(inspected.file)
    if inspected.instance:
        print()
        print_title("instance")
        _print_record(inspected.instance)
    if any(inspected.rows.values()):
        print()
        print_title("rows in other tables")
        _print_record({name: count for name, count in inspected.rows.items() if count})
    if inspected.findings:
        print()
        print_title("findings")
        shown = [name for name in _FINDING_COLUMNS if any(name in finding for finding in inspected.findings)]
        print_table([_heading(name) for name in shown], [[cell(finding.get(name)) for name in shown] for finding in inspected.findings])
    if inspected.header.nodes:
        print()
        print_title("header")
        _print_header(inspected.header)


def _print_header(header: HeaderTree) -> None:
    width = width_of(sys.stdout)
    print_lines(line if width is None else cut(line, width) for line in map(line_of, header.nodes))
    if header.code is not None:
        where = "" if header.byte_offset is None else f" at byte {header.byte_offset:,}"
        print(f"<-- {header.code}{where}: {printable(header.message or '')}")
    elif header.pixel_data is not None:
        print(f"{header.pixel_data} begins here and is not read")
    if not header.complete:
        note(f"the header is longer: only its first {len(header.nodes):,} elements are shown")


def _print_record(row: dict[str, Any]) -> None:
    print_lines(lay_out_record([Heading(name) for name in row], [cell(value) for value in row.values()]))


def _heading(name: str) -> Heading:
    return Heading(name, is_number=name == "byte_offset", is_text=name != "code", is_whole=is_whole(name))


def line_of(node: HeaderNode) -> str:
    """An element of a header as a line, indented by its depth."""
    if not node.vr:
        return f"{_INDENT * node.depth}{printable(node.keyword)}"
    creator = f"[{printable(node.creator)}]" if node.creator is not None else ""
    name = " ".join(part for part in (printable(node.keyword), creator) if part) or "?"
    mark = f" <-- {', '.join(node.codes)}:" if node.codes else ""
    if node.value is None:
        size = "of undefined length" if node.length is None else f"of {node.length:,} bytes"
        value = "" if node.vr == "SQ" else f"({size}, not shown)"
    else:
        value = printable(node.value)
    return f"{_INDENT * node.depth}{node.tag} {node.vr} {name}{mark} {value}".rstrip()
