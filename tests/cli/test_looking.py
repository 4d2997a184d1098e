"""`info`, `schema`, `verify` and `inspect`: looking at a lake and at a file."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from dicomlake.cli.commands.inspect import line_of
from dicomlake.cli.output.values import size_text
from dicomlake.extract.header_tree import HeaderNode
from dicomlake.run import Progress
from dicomlake.samples import MANIFEST_NAME, write_special
from dicomlake.schema import standard_columns, table_names
from tests.cli.conftest import Run


def test_info_counts_what_the_lake_holds(run: Run, lake: Path, archive: Path) -> None:
    """Rows and statuses are the manifest's; part files and bytes those on disk."""
    described = run("info", lake, "--json").json
    counts = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))["counts"]
    assert described["statuses"] == dict(sorted(counts["status"].items(), key=lambda entry: (-entry[1], entry[0])))
    assert described["sources"] == [str(archive)]
    for table in ("patients", "studies", "series", "instances"):
        assert described["tables"][table]["rows"] == counts[table]
        parts = list((lake / table).rglob("*.parquet"))
        assert described["tables"][table]["bytes"] <= sum(part.stat().st_size for part in parts)
    text = run("info", lake).out
    for word in (str(lake), str(archive), "snapshot 1", "native", "instances", "truncated"):
        assert word in text


def test_info_after_a_first_run_that_broke_off(run: Run, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is committed, that no run has finished, and which command goes on; and that command does."""
    config, lake = tmp_path / "small.yaml", tmp_path / "my lake"
    config.write_text("listing: {unit_files: 40}\nlake: {commit_units: 1}\n", "utf-8")
    note_commit = Progress.note_commit
    committed = []

    def broken_off(progress: Progress, files: int) -> None:
        note_commit(progress, files)
        committed.append(files)
        if progress.files_committed >= 80:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "note_commit", broken_off)
        assert run("index", archive, "--lake", lake, "--workers", 0, "--config", config).code == 130
    described = run("info", lake, "--json").json
    statuses = described.pop("statuses")
    assert described == {"lake": str(lake), "snapshot": None, "sources": [str(archive)]}
    assert sum(statuses.values()) == sum(committed) >= 80
    lines = run("info", lake).out.splitlines()
    assert lines[0] == f"{lake}: no run has finished; the first one broke off, or is still under way"
    assert lines[1].startswith(f"{sum(committed)} files are committed: ")
    assert lines[2] == f"source {archive}"
    command = lines[3].removeprefix("to go on, run the same command again: dicomlake ")
    assert shlex.split(command) == ["index", str(archive), "--lake", str(lake)]
    run("info", lake, "--snapshots").assert_one_line_error(2, "no finished run")
    assert run(*shlex.split(command), "--workers", 0).code == 0
    assert run("info", lake).out.startswith(f"{lake}: snapshot 1 of ")


def test_info_before_the_first_commit(run: Run, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are there, and no file."""
    lake = tmp_path / "lake"

    def broken_off(_progress: Progress, _files: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dicomlake.run.stages.UnitReader.read", broken_off)
    assert run("index", archive, "--lake", lake, "--workers", 0).code == 130
    lines = run("info", lake).out.splitlines()
    assert lines[1] == "0 files are committed"
    assert lines[2] == f"to go on, run the same command again: dicomlake index SOURCE --lake {lake}"


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")])
def test_size_text(size: int, text: str) -> None:
    """Sizes are what a person says."""
    assert size_text(size) == text


def test_schema_lists_every_column(run: Run) -> None:
    """The standard columns come with tag, VR, type and description, and all tables together with their names."""
    rows = run("schema", "instances", "--format", "json").json
    by_name = {row["column"]: row for row in rows}
    assert {column.name for column in standard_columns()} <= set(by_name)
    assert by_name["PixelSpacing"] == {
        "column": "PixelSpacing",
        "tag": "(0028,0030)",
        "vr": "DS",
        "type": "list<float64>",
        "units": "mm",
        "description": by_name["PixelSpacing"]["description"],
    }
    everything = run("schema", "--format", "json").json
    assert {row["table"] for row in everything} == set(table_names())
    assert [row["column"] for row in everything if row["table"] == "instances"] == [row["column"] for row in rows]


def test_schema_of_a_lake_is_that_of_its_making(run: Run, lake: Path) -> None:
    """A lake's own columns have the types and metadata that the settings gave them."""
    assert run("schema", "series", "--lake", lake).out == run("schema", "series").out


def test_schema_with_a_configuration(run: Run, tmp_path: Path) -> None:
    """Columns of the user's are listed with the others."""
    config = tmp_path / "my.yaml"
    config.write_text("columns: [{path: '(0019,xx0C)[SIEMENS MR HEADER]', name: b_value, vr: IS, units: s/mm2}]\n", "utf-8")
    rows = run("schema", "instances", "--config", config, "--format", "json").json
    assert [row["units"] for row in rows if row["column"] == "b_value"] == ["s/mm2"]


def test_verify_of_a_sound_lake(run: Run, lake: Path) -> None:
    """A lake that was just made keeps its rules."""
    ran = run("verify", lake)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == f"{lake} is sound"
    assert run("verify", lake, "--json").json["sound"] is True


def test_verify_names_a_missing_part_file(run: Run, own_lake: Path) -> None:
    """A lake that lacks a part file is defective, and the file is named."""
    part = next((own_lake / "series").rglob("*.parquet"))
    part.unlink()
    ran = run("verify", own_lake, "--json")
    assert ran.code == 1
    assert any(part.name in defect for defect in ran.json["defects"])
    assert run("verify", own_lake).out.splitlines()[-1].startswith(f"{own_lake} is defective")


def test_verify_notes_an_unknown_part_file(run: Run, own_lake: Path) -> None:
    """A part file that no table names is a note."""
    (own_lake / "series" / "stray.parquet").touch()
    ran = run("verify", own_lake)
    assert ran.code == 0
    assert "note: " in ran.out
    assert "stray.parquet" in ran.out


def _defective(archive: Path, code: str) -> Path:
    files = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))["files"]
    return archive / next(file["path"] for file in files if file["code"] == code)


def test_inspect_shows_row_findings_and_header(run: Run, archive: Path) -> None:
    """A defective file shows what could be read and where reading stopped."""
    ran = run("inspect", _defective(archive, "truncated"))
    assert ran.code == 0
    for word in ("status", "indexed", "findings", "header", "(0010,0020) LO PatientID", "<-- truncated at byte "):
        assert word in ran.out


def test_inspect_marks_the_element_with_the_defect(run: Run, archive: Path) -> None:
    """The finding's code stands at its element."""
    defects = json.loads((archive / MANIFEST_NAME).read_text("utf-8"))["defects"]
    defect = next(defect for defect in defects if "invalid-date" in defect["finding_codes"])
    out = run("inspect", archive / defect["path"]).out
    assert any(line.endswith(defect["raw"]) and "<-- invalid-date:" in line for line in out.splitlines())


def test_inspect_json_is_one_object(run: Run, archive: Path) -> None:
    """The same as an object, for a program."""
    inspected = run("inspect", _defective(archive, "truncated"), "--json").json
    assert list(inspected) == ["file", "instance", "rows", "findings", "header"]
    assert inspected["file"]["code"] == inspected["header"]["code"] == "truncated"
    assert {node["keyword"] for node in inspected["header"]["nodes"]} >= {"PatientID", "StudyInstanceUID"}


def test_inspect_counts_rows_of_other_tables(run: Run, tmp_path: Path) -> None:
    """A segmentation has frames, a stack for each segment, references and segments; a table without rows is not shown."""
    (study,) = write_special(tmp_path / "special", ["dangling-segmentation"]).instances  # one file
    path = tmp_path / "special" / study.path
    rows = run("inspect", path, "--json").json["rows"]
    assert rows == {"frames": 30, "stacks": 3, "instance_references": 20, "segments": 3, "content_items": 0}
    shown = run("inspect", path).out
    assert "rows in other tables" in shown
    assert "content_items" not in shown


def test_inspect_of_what_is_no_dicom(run: Run, archive: Path) -> None:
    """Any file has a row."""
    ran = run("inspect", archive / MANIFEST_NAME)
    assert ran.code == 0
    assert "not-dicom" in ran.out
    assert "header" not in ran.out.splitlines()


def test_inspect_of_a_wrong_path(run: Run, archive: Path, tmp_path: Path) -> None:
    """A file that is not there, and a folder."""
    run("inspect", tmp_path / "nowhere").assert_one_line_error(2, "nowhere")
    run("inspect", archive).assert_one_line_error(2, "folder", "dicomlake index")


def test_lines_of_a_header() -> None:
    """Each kind of node is a line: an element, a private one, an item, one that was not read, one with a defect."""

    def node(**fields: object) -> HeaderNode:
        plain = {"tag": "(0010,0010)", "vr": "PN", "keyword": "PatientName", "creator": None, "value": "A^B", "length": 4}
        return HeaderNode(**(plain | {"byte_offset": 8, "depth": 0} | fields))  # type: ignore[arg-type]

    assert line_of(node()) == "(0010,0010) PN PatientName A^B"
    assert line_of(node(keyword="", creator="A\x1bB", depth=1)) == "  (0010,0010) PN [A\\x1bB] A^B"
    assert line_of(node(tag="(FFFE,E000)", vr="", keyword="Item [0]", value=None, depth=1)) == "  Item [0]"
    assert line_of(node(value=None, length=70_000)) == "(0010,0010) PN PatientName (of 70,000 bytes, not shown)"
    assert line_of(node(vr="SQ", value=None)) == "(0010,0010) SQ PatientName"
    assert line_of(node(codes=("invalid-date",))) == "(0010,0010) PN PatientName <-- invalid-date: A^B"
