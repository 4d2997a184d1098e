"""The queries of the cookbook, and the answers that stand below them.

``python -m tests.docs.cookbook`` writes the answers again, after a query or the sample changed. Review the difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import dicomlake
from dicomlake.samples import write_sample, write_special
from tests.docs.asking import Asking, shown
from tests.docs.pages import DOCS, Page

FOLDER = DOCS / "cookbook"
_QUERY = re.compile(r"^```sql\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Query:
    """A query of the cookbook: the question, the SQL, the answer as the page shows it, and whether it is that of the special studies."""

    page: str
    question: str
    sql: str
    answer: str
    is_special: bool


def is_special(page: Page) -> bool:
    """Whether the answers of a page are those of the special studies, as the comment at its top says."""
    return "special" in page.begins_with


def queries() -> list[Query]:
    """All queries, in the order of the pages."""
    found: list[Query] = []
    for path in sorted(FOLDER.glob("*.md")):
        page = Page.read(path)
        for block, following in zip(page.blocks, [*page.blocks[1:], None], strict=True):
            if block.language == "sql":
                answer = following.text if following and following.language == "text" and following.heading == block.heading else ""
                found.append(Query(path.stem, block.heading, block.text, answer, is_special(page)))
    return found


def sample_lake(folder: Path) -> dicomlake.Lake:
    """A lake of the sample archive with whole headers, made in a folder."""
    write_sample(folder / "archive")
    return _indexed(folder)


def special_lake(folder: Path) -> dicomlake.Lake:
    """A lake of the special studies, made in a folder."""
    write_special(folder / "archive")
    return _indexed(folder)


def _indexed(folder: Path) -> dicomlake.Lake:
    dicomlake.index(folder / "archive", lake=folder / "lake", headers=True, workers=0)
    return dicomlake.Lake(folder / "lake")


def accessions(lake: dicomlake.Lake) -> pl.DataFrame:
    """A list of accession numbers as a reader may have it: two of the lake, and one that is not there."""
    known = lake.studies.select("AccessionNumber").drop_nulls().unique().sort("AccessionNumber").head(2).collect()
    return pl.concat([known, pl.DataFrame({"AccessionNumber": ["NOT-THERE"]})])


def asking(lake: dicomlake.Lake, *, backwards: bool = False) -> Asking:
    """A lake with what the queries of the cookbook need."""
    return Asking(lake, backwards=backwards, accessions=accessions(lake))


def show_answer(ask: Asking, sql: str) -> str:
    """The answer as the page shows it, without the path of the archive."""
    archive = f"{ask.lake.files.select('source').collect().item(0, 0)}/"
    return shown(ask(sql).with_columns(pl.col(pl.String).str.replace_all(archive, "archive/", literal=True)))


def _with_answer(ask: Asking, found: re.Match[str]) -> str:
    return f"```sql\n{found[1]}```\n\n```text\n{show_answer(ask, found[1])}```\n"


def main() -> None:
    """Write the answers into the pages."""
    with TemporaryDirectory() as folder:
        ordinary, special = asking(sample_lake(Path(folder, "sample"))), asking(special_lake(Path(folder, "special")))
        for path in sorted(FOLDER.glob("*.md")):
            text = path.read_text("utf-8")
            ask = special if is_special(Page.read(path)) else ordinary
            path.write_text(_QUERY.sub(partial(_with_answer, ask), text), "utf-8")


if __name__ == "__main__":
    main()
