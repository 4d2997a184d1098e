"""The hook of the site: puts generated reference into its pages, and takes links out of the repository.

A page says where generated text goes: between ``<!-- insert: table files -->`` and ``<!-- end -->``. So the text is never committed, and
never out of date. Lines between the two are for those who read the page without the site: they say where else the text is.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from reference_commands import commands_text
from reference_configuration import configuration_text
from reference_python import python_text
from reference_tables import table_text, tables_text

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

INSERTED: dict[str, Callable[..., str]] = {
    "commands": commands_text,
    "configuration": configuration_text,
    "python": python_text,
    "table": table_text,
    "tables": tables_text,
}
"""The texts that a page can ask for. Words after the name are arguments."""

_MARKER = re.compile(r"^<!-- insert: (\w+)((?: \S+)*) -->\n(?:.*\n)*?<!-- end -->$", re.MULTILINE)
_HIDDEN = re.compile(r"^<!-- (?:begins with|not run): .*? -->\n", re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs calls it so
    """Complete a page."""
    return complete(markdown, page.file.src_uri)


def complete(markdown: str, page: str) -> str:
    """The text of a page with what it asks for, and without links to files that the site does not have.

    Args:
        markdown: its text.
        page: its path below ``docs``, as in ``reference/codes.md``.

    Raises:
        KeyError: it asks for something that nothing makes.
    """
    inserted = _MARKER.sub(lambda found: INSERTED[found[1]](*found[2].split()), _HIDDEN.sub("", markdown))
    return _LINK.sub(lambda found: _inside(found, posixpath.dirname(page)), inserted)


def _inside(found: re.Match[str], folder: str) -> str:
    """A link as it is where it leads into the site; else the text of the link alone."""
    leads_out = posixpath.normpath(posixpath.join(folder, found[3])).startswith("..")
    return found[2] if leads_out and not found[1] else found[0]
