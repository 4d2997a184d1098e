"""Columns and types: declared before the first file is read, named by the standard, promised for good."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest
import xxhash
from pydicom.valuerep import STANDARD_VR

from dicomlake.errors import ConfigurationError
from dicomlake.geometry.stacks import REGULARITY_COLUMNS
from dicomlake.schema import (
    Column,
    LakeSchema,
    OwnColumn,
    TableDeclaration,
    WrittenBy,
    entity_key,
    standard_columns,
    table_names,
    user_column,
)
from dicomlake.schema import columns as columns_module
from dicomlake.schema.dictionary import VALUE_REPRESENTATIONS, entry_of_tag, parse_dictionary_path
from dicomlake.schema.types import arrow_type, type_of_vr

DATA = Path(columns_module.__file__).parent
SHARED = Path(__file__).parent.parent.parent / "shared"
SCHEMA = LakeSchema.build()
BY_NAME = {column.name: column for column in standard_columns()}

SERIES_IMAGE_COLUMNS = {
    "ImageType",
    "ImageOrientationPatient",
    "SliceThickness",
    "SpacingBetweenSlices",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "ImageLaterality",
    "ViewPosition",
    "BurnedInAnnotation",
    "LossyImageCompression",
    "SpecificCharacterSet",
    "SOPClassUID",
}


def xxh3(content: bytes) -> str:
    """XXH3 of 128 bits, in hex."""
    return xxhash.xxh3_128(content).hexdigest()


def own_rows(table: str) -> list[dict[str, str]]:
    """What tables.csv says of a table."""
    with (DATA / "tables.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["table"] == table]


def own_columns(table: str) -> list[str]:
    """Our own columns of a table."""
    return [row["name"] for row in own_rows(table)]


def names_of_groups(*groups: str) -> set[str]:
    """The standard columns of some groups."""
    return {column.name for column in standard_columns() if column.group in groups}


def metadata_of(field: pa.Field) -> dict[str, str]:
    """A field's metadata as text."""
    return {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}


@pytest.mark.parametrize("name", ["columns.csv", "tables.csv"])
def test_data_are_those_of_the_contract(name: str) -> None:
    """The package's lists of columns are the contract's, line for line and in its order; a table may not be built yet.

    Tables that units write have the url of their file besides: by it their rows are replaced. `instances` has the stack, and `series` the
    geometry of its stacks. Further header columns stand last.
    """
    if not (SHARED / name).is_file():
        pytest.skip("the contract does not stand beside this checkout")
    own, contract = ((folder / name).read_text("utf-8").splitlines() for folder in (DATA, SHARED))
    more = [line for line in own if line not in contract]
    if name == "tables.csv":
        names = [line.split(",")[:2] for line in more]
        urls = [[table, "url"] for table in ("frames", "instance_references", "segments", "content_items")]
        geometry = ["stack_count", *REGULARITY_COLUMNS, "regularly_spaced_3d_volume"]
        assert names == [["instances", "stack"], *(["series", column] for column in geometry), *urls]
    else:
        assert own[-len(more) :] == more
    assert [line for line in own if line not in more] == [line for line in contract if line in set(own)]


def test_standard_columns_agree_with_the_dictionary() -> None:
    """There are 244; tag, VR, VM and name of each attribute are those of PS3.6, and no name stands twice."""
    assert len(standard_columns()) == len({column.name.casefold() for column in standard_columns()}) == 244
    for row in columns_module.data_rows("columns.csv"):
        column = BY_NAME[row["name"]]
        entry = entry_of_tag(column.path.leaf.tag)
        assert entry is not None
        assert column.path.tag_text() == row["tag"]
        assert (column.vr, column.vm) == (entry.vr, entry.vm)
        assert column.path.leaf.creator is None


def test_value_representations_are_those_of_pydicom() -> None:
    """The VRs that a user's column may have, written out so that a start need not load pydicom, are all that there are."""
    assert {vr.value for vr in STANDARD_VR} == VALUE_REPRESENTATIONS


def test_nested_columns_are_named_after_their_parent() -> None:
    """A nested column is called parent less "Sequence", an underscore, leaf: a user who adds its path again is told that it exists."""
    for column in standard_columns():
        added = user_column(column.path.text)
        assert (added.name, added.vr, added.vm, added.path) == (column.name, column.vr, column.vm, column.path)


def test_units_are_of_columns_that_exist() -> None:
    """Every line of units.csv is of a column of some table, once."""
    units = [row["name"] for row in columns_module.data_rows("units.csv")]
    known = BY_NAME.keys() | {name for table in table_names() for name in own_columns(table)}
    assert len(units) == len(set(units))
    assert set(units) <= known


@pytest.mark.parametrize(
    ("text", "tags", "item"),
    [
        ("PatientID", "(0010,0020)", None),
        ("(0008,0060)", "(0008,0060)", None),
        ("(0008,103e)", "(0008,103E)", None),
        ("RequestAttributesSequence[0].ScheduledProcedureStepID", "(0040,0275).(0040,0009)", 0),
        ("SegmentSequence[*].SegmentLabel", "(0062,0002).(0062,0005)", -1),
        ("(0062,0002)[12].(0062,0005)", "(0062,0002).(0062,0005)", 12),
        ("(0019,xx0C)[SIEMENS MR HEADER]", "(0019,xx0C)[SIEMENS MR HEADER]", None),
        ("(0029,xx10)[A.B (1,2)]", "(0029,xx10)[A.B (1,2)]", None),
        ("(0021,xx01)[MAKER][*].(0021,xx02)[MAKER]", "(0021,xx01)[MAKER].(0021,xx02)[MAKER]", -1),
    ],
)
def test_paths(text: str, tags: str, item: int | None) -> None:
    """A path says which element, in which item; a private one by its creator, without a block."""
    path = parse_dictionary_path(text)
    assert (path.text, path.tag_text(), path.steps[0].item) == (text, tags, item)
    assert path.leaf.item is None
    assert path.gathers == (item == -1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a keyword or a tag is expected at character 1"),
        ("patientID", "a keyword or a tag is expected at character 1"),
        ("NoSuchKeyword", "'NoSuchKeyword' is not a keyword"),
        ("(0008,006)", "a keyword or a tag is expected at character 1"),
        ("(0008,00600)", "a keyword or a tag is expected at character 1"),
        ("PatientID ", "character 10 .* is not expected"),
        ("SegmentSequence.SegmentLabel", "character 16 .* is not expected"),
        ("SegmentSequence[0]", "it ends with an item"),
        ("SegmentSequence[0].", "expected at character 20"),
        ("SegmentSequence[-1].SegmentLabel", "character 16 .* is not expected"),
        ("SegmentSequence[0]SegmentLabel", "character 19 .* is not expected"),
        ("(0018,xx0C)[EVEN]", "group 0018 is even"),
        ("(0019,xx0C)", "expected at character 1"),
        ("(0019,xx0C)[]", "expected at character 1"),
        ("(0019,xxC)[MAKER]", "expected at character 1"),
    ],
)
def test_paths_that_can_not_be(text: str, reason: str) -> None:
    """A path that is not of the syntax is refused with the place where it goes wrong."""
    with pytest.raises(ConfigurationError, match=reason):
        parse_dictionary_path(text)


def test_metadata_of_a_field() -> None:
    """Tag, path, VR, VM, group, description and units ride in the Arrow field."""
    assert metadata_of(SCHEMA.table("instances").field("SliceThickness")) == {
        "tag": "(0018,0050)",
        "path": "SliceThickness",
        "vr": "DS",
        "vm": "1",
        "group": "image",
        "description": "Slice Thickness",
        "units": "mm",
    }
    assert metadata_of(SCHEMA.table("files").field("file_size")) == {"description": "bytes", "units": "bytes"}
    for column in standard_columns():
        assert {"tag", "path", "vr", "vm", "description"} <= metadata_of(column.field()).keys()


@pytest.mark.parametrize("table", table_names())
def test_own_columns_are_those_of_the_contract(table: str) -> None:
    """Our columns close each table, in the order and with the types and meanings of tables.csv."""
    schema = SCHEMA.table(table)
    rows = own_rows(table)
    assert schema.names[-len(rows) :] == [row["name"] for row in rows]
    for row in rows:
        assert schema.field(row["name"]).type == arrow_type(row["type"])
        assert metadata_of(schema.field(row["name"])).get("description", "") == row["meaning"]


@pytest.mark.parametrize("table", table_names())
def test_no_name_stands_twice_in_a_table(table: str) -> None:
    """Names differ by more than case: Spark and DuckDB don't tell case apart."""
    names = SCHEMA.table(table).names
    assert len({name.casefold() for name in names}) == len(names)


@pytest.mark.parametrize("table", table_names())
def test_every_type_is_one_that_delta_has(table: str) -> None:
    """No null type, no time of day; list items are called `element`, as Delta calls them."""
    for field in SCHEMA.table(table):
        scalar = field.type.value_type if pa.types.is_list(field.type) else field.type
        assert not pa.types.is_null(scalar)
        assert not pa.types.is_time(scalar)
        assert not pa.types.is_list(field.type) or field.type.value_field.name == "element"


def test_instances() -> None:
    """`instances` has all 244 header columns, then ours."""
    assert SCHEMA.table("instances").names == [*(column.name for column in standard_columns()), *own_columns("instances")]


def test_series() -> None:
    """`series` has its parents' keys, the attributes of its level, the range of each scalar number of x-ray, mr and nuclear, and ours."""
    carried = SERIES_IMAGE_COLUMNS | names_of_groups("series", "equipment", "pixel", "x-ray", "mr", "nuclear", "slide", "derived")
    numbers = {
        column.name
        for column in standard_columns()
        if column.group in {"x-ray", "mr", "nuclear"} and column.type in {"int32", "int64", "float64"}
    }
    ranges = {f"{name}_{end}" for name in numbers for end in ("min", "max")}
    keys = {"PatientID", "IssuerOfPatientID", "StudyInstanceUID"}
    schema = SCHEMA.table("series")
    assert set(schema.names) == keys | carried | ranges | set(own_columns("series"))
    assert {"SeriesInstanceUID", "EchoTime", "EchoTime_min", "KVP_max"} <= set(schema.names)
    assert schema.field("EchoTime_min").type == schema.field("EchoTime").type


def test_studies() -> None:
    """`studies` has its patient's keys, the attributes of a study, and ours."""
    assert set(SCHEMA.table("studies").names) == {"PatientID", "IssuerOfPatientID"} | names_of_groups("study") | set(own_columns("studies"))


def test_patients() -> None:
    """`patients` has the attributes of a patient, and ours."""
    assert set(SCHEMA.table("patients").names) == names_of_groups("patient") | set(own_columns("patients"))


def test_tables_join_on_keys() -> None:
    """Each level carries the keys of those above it, with one type everywhere; DICOM's own beside ours."""
    for key, tables in [
        ("patient_key", ("instances", "series", "studies", "patients", "findings")),
        ("study_key", ("instances", "series", "studies", "findings")),
        ("series_key", ("instances", "series", "findings")),
        ("PatientID", ("instances", "series", "studies", "patients", "findings")),
        ("IssuerOfPatientID", ("instances", "series", "studies", "patients")),
        ("StudyInstanceUID", ("instances", "series", "studies", "findings")),
        ("SeriesInstanceUID", ("instances", "series", "findings")),
    ]:
        for table in tables:
            assert SCHEMA.table(table).field(key).type == pa.string()


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ((None, "A"), xxh3(b"\0\1\1" + bytes(7) + b"A")),
        (("é",), xxh3(b"\1\2" + bytes(7) + b"\xc3\xa9")),
        (("",), xxh3(b"\1" + bytes(8))),
        ((None,), xxh3(b"\0")),
    ],
)
def test_keys_of_entities(values: tuple[str | None, ...], key: str) -> None:
    """A digest of each attribute with its length and whether it is there: no two lists of attributes are hashed alike."""
    assert entity_key(*values) == key
    assert len(key) == 32


def test_keys_tell_entities_apart() -> None:
    """Where one attribute ends and the next begins matters, as does an empty one."""
    lists = [(None, None), ("", None), (None, ""), ("A", "B"), ("AB", ""), ("", "AB"), ("AB",), ("A", "B", None)]
    assert len({entity_key(*values) for values in lists}) == len(lists)


def test_declarations_name_columns_of_their_tables() -> None:
    """Keys, orders and what entities are known by are columns; `files` is committed last; levels come children first."""
    for table in SCHEMA.tables:
        assert {*table.key, *table.order} <= set(SCHEMA.table(table.name).names)
        if table.entity is not None:
            entity = table.entity
            assert {*entity.identifiers, *entity.description, entity.instance_count} <= set(SCHEMA.table(table.name).names)
    of_takers = ["frames", "instance_references", "segments", "content_items"]
    assert [table.name for table in SCHEMA.unit_tables] == ["instances", "findings", *of_takers, "files"]
    assert [table.name for table in SCHEMA.levels] == ["series", "studies", "patients"]
    assert {table.name for table in SCHEMA.tables if SCHEMA.partition_of(table.name)} == {"instances"}


def test_declarations_that_can_not_be() -> None:
    """Rows that units write are replaced by url; a level has one key."""
    with pytest.raises(ValueError, match="lacks a column 'url'"):
        TableDeclaration("toys", (OwnColumn("n", "int64"),))
    level = SCHEMA.declaration("series")
    with pytest.raises(ValueError, match="a key of one column"):
        dataclasses.replace(level, key=("PatientID", "StudyInstanceUID"))
    with pytest.raises(ValueError, match="not a roll-up"):
        dataclasses.replace(level, written_by=WrittenBy.RUN)


def test_unknown_table() -> None:
    """A table that does not exist is an error that names those that do."""
    with pytest.raises(ConfigurationError, match="there is no table 'images'; the tables are files, instances, "):
        SCHEMA.table("images")


@pytest.mark.parametrize("name", ["PatientSize", "ImageType", "nothing", "transfer_syntax_name"])
def test_partition_column_must_be_text_of_the_header(name: str) -> None:
    """Only a header column of scalar text can partition `instances`."""
    with pytest.raises(ConfigurationError, match=f"partition_by '{name}'"):
        LakeSchema.build(partition_by=name)


@pytest.mark.parametrize(
    ("vr", "vm", "gathers", "type_name"),
    [
        ("LO", "1", False, "string"),
        ("LO", "1-n", False, "list<string>"),
        ("LO", "1", True, "list<string>"),
        ("IS", "1", False, "int64"),
        ("DS", "2", False, "list<float64>"),
        ("US", "1", False, "int32"),
        ("UL", "1", False, "int64"),
        ("DA", "1", False, "date32"),
        ("TM", "1", False, "time"),
        ("DT", "1", False, "timestamp[us]"),
        ("OB", "1", False, "string"),
        ("AS", "1", False, "string"),
    ],
)
def test_types_of_vrs(vr: str, vm: str, gathers: bool, type_name: str) -> None:  # noqa: FBT001 - a case of the table
    """Numbers and dates get real types; more than one value, or a gathered path, makes a list."""
    assert type_of_vr(vr, vm, gathers=gathers) == type_name
    arrow_type(type_name)


@pytest.mark.parametrize("type_name", ["str", "list<list<string>>", "list<string", "time64", ""])
def test_unknown_types(type_name: str) -> None:
    """A type that columns.csv could not have written is refused."""
    with pytest.raises(ConfigurationError, match="is unknown"):
        arrow_type(type_name)


def test_user_column_in_its_tables() -> None:
    """A user's column stands in `instances` after the standard ones, and in no roll-up."""
    added = user_column("(0019,xx0C)[SIEMENS MR HEADER]", name="b_value", units="s/mm²")
    schema = LakeSchema.build([added])
    instances = schema.table("instances")
    assert instances.names[244] == "b_value"
    assert instances.field("b_value").type == pa.int64()
    assert metadata_of(instances.field("b_value"))["tag"] == "(0019,xx0C)[SIEMENS MR HEADER]"
    assert metadata_of(instances.field("b_value"))["units"] == "s/mm²"
    assert all("b_value" not in schema.table(table).names for table in table_names() if table != "instances")


def test_columns_are_values() -> None:
    """Two columns of the same description are equal, so that a schema can be sent to a worker and compared there."""
    assert user_column("(0010,0020)", name="mrn") == user_column("(0010,0020)", name="mrn")
    assert isinstance(user_column("(0010,0020)", name="mrn"), Column)
