"""Generated reference is whole: every column, key, option and public name stands in its page."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import dicomlake
from dicomlake.answers.questions import questions
from dicomlake.cli.application import command_line
from dicomlake.config import Settings
from dicomlake.schema import LakeSchema, table_names
from reference_python import RESULTS, docstring_text
from site_pages import complete
from tests.docs.pages import DOCS, ROOT


def _page(path: str) -> str:
    """A page of the reference as the site has it."""
    return complete((DOCS / "reference" / path).read_text("utf-8"), f"reference/{path}")


@pytest.mark.parametrize("name", table_names())
def test_tables_have_all_their_columns(name: str) -> None:
    """Each column has one row, in one of the two kinds of tables, and each row has a meaning or an attribute."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", _page(f"tables/{name}.md"), re.MULTILINE)
    assert sorted(column for column, _ in rows) == sorted(LakeSchema.build().table(name).names)


def test_overview_lists_all_tables() -> None:
    """With the number of their columns."""
    schema = LakeSchema.build()
    rows = re.findall(r"^\| \[`(\w+)`\]\(\w+\.md\) \|.*\| (\d+) \| ", _page("tables/README.md"), re.MULTILINE)
    assert rows == [(name, str(len(schema.table(name)))) for name in table_names()]


def test_each_attribute_has_its_tag_and_units() -> None:
    """A row as a whole."""
    assert "| `SliceThickness` | float64 | (0018,0050) | DS | mm | Slice Thickness |" in _page("tables/instances.md")
    frame = "| `SliceThickness` | float64 | (0018,0050) | DS | mm | `PixelMeasuresSequence[0].SliceThickness` |"
    assert frame in _page("tables/frames.md")
    assert "`MRImageFrameTypeSequence[0].FrameType`, else `CTImageFrameTypeSequence[0].FrameType`, else " in _page("tables/frames.md")
    assert "| `KVP_max` | float64 | (0018,0060) | DS | kV | KVP: the greatest in the series |" in _page("tables/series.md")


def _keys(model: type[BaseModel], below: str = "") -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(below + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _keys(field.annotation, f"{below}{name}.")
    return names


def test_configuration_has_every_key_with_its_default() -> None:
    """Each has a heading, an explanation, and its default."""
    page = _page("configuration.md")
    sections = dict(re.findall(r"^##+ `([\w.]+)`\n\n((?:(?!^##).*\n?)*)", page, re.MULTILINE))
    assert list(sections) == _keys(Settings)
    defaults: dict[str, Any] = yaml.safe_load((ROOT / "configs" / "default.yaml").read_text("utf-8"))
    for key, text in sections.items():
        assert text.strip(), key
        value: Any = defaults
        for part in key.split("."):
            value = value[part]
        if not isinstance(value, dict) or not value:
            shown = re.search(r"Default: `(.*)`\.$", text, re.MULTILINE)
            assert shown is not None, key
            assert yaml.safe_load(shown[1]) == value, key


@pytest.mark.parametrize("name", command_line().commands)
def test_commands_have_every_option(name: str) -> None:
    """Each argument and option has a row, and no help is lost."""
    section = _page("commands.md").split(f"\n## {name}\n")[1].split("\n## ")[0]
    command = command_line().commands[name]
    words = re.sub(r"[`\s]", "", section)
    for paragraph in (command.help or "").replace("\b", "").split("\n\n"):
        assert re.sub(r"[`\s]", "", paragraph) in words
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", section, re.MULTILINE)
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    assert len(rows) == len(options) + len(arguments)
    shown = {option for names, _ in rows for option in names.split(", ")}
    for parameter in options:
        assert any(one.split()[0] == parameter.opts[0] for one in shown), parameter.name


def test_every_ready_question_has_a_row() -> None:
    """And no other; a row says what the question itself says of its rows."""
    rows = dict(re.findall(r"^\| `@(\w+)` \| (.+) \|$", _page("ready-questions.md"), re.MULTILINE))
    assert {name: f"A row for each {of}" for name, of in rows.items()} == {
        name: question.help.split(", as ")[0] for name, question in questions().items()
    }


def test_python_has_every_public_name() -> None:
    """Functions, classes, and the classes of their answers, each with a text."""
    page = _page("python.md")
    sections = dict(re.findall(r"^## (\w+)\n\n((?:(?!^## ).*\n?)*)", page, re.MULTILINE))
    names = [name for name in dicomlake.__all__ if not name.startswith("__")]
    assert set(sections) == {*names, *(one.__name__ for one in RESULTS)}
    assert all(len(text) > 80 for text in sections.values())
    assert "### Lake.sql" in sections["Lake"]
    assert "- `missing_limit`: fraction of a source's files" in sections["index"]


def test_docstrings_become_markdown() -> None:
    """Sections are lists, and an example is code."""
    docstring = """Do it.

    Args:
        one: the first, which is
            long.
        two: ``None`` for nothing.

    Returns:
        The answer.

    Example::

        >>> do(1)
        2
    """
    text = docstring_text("\n".join(line.removeprefix("    ") for line in docstring.splitlines()))
    assert "- `one`: the first, which is long.\n- `two`: `None` for nothing." in text
    assert "**Returns**: The answer." in text
    assert "```py\n>>> do(1)\n2\n```" in text


def test_links_out_of_the_site_become_text() -> None:
    """A file that the site does not have is named and not linked; links into the site and to the web stay."""
    page = "[a](../pyproject.toml), [b](glossary.md), [c](https://example.org), ![d](pictures/answer.svg), [e](#there)"
    assert complete(page, "design.md") == page.replace("[a](../pyproject.toml)", "a")
    assert complete("[a](../pyproject.toml)", "how-to/nightly.md") == "[a](../pyproject.toml)"


def test_marks_are_not_shown() -> None:
    """They are for tests and for those who read the source."""
    assert not [path for path in DOCS.rglob("*.md") if "<!--" in complete(path.read_text("utf-8"), path.relative_to(DOCS).as_posix())]
    assert complete("<!-- begins with: archive, lake -->\n# Title\n", "page.md") == "# Title\n"
    with pytest.raises(KeyError):
        complete("<!-- insert: nothing -->\n<!-- end -->", "page.md")
