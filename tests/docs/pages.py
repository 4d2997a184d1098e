"""The pages for users, cut into the blocks that they show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
_LINE_OF_BLOCK = re.compile(r"^```(\w*)$|^(#+) (.+)$|^<!-- (begins with|not run): (.*?) -->$")


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, its text, the heading above it, and why it is not run, where it is not."""

    page: str
    line: int
    language: str
    text: str
    heading: str
    not_run: str | None = None

    def __str__(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page, and the names of what its reader has at its beginning: ``archive``, ``lake``."""

    path: Path
    blocks: tuple[Block, ...]
    begins_with: frozenset[str]

    @property
    def name(self) -> str:
        """Its path in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def is_cookbook(self) -> bool:
        """Whether its queries have tests of their own, with their answers."""
        return self.name.startswith("docs/cookbook/")

    @classmethod
    def read(cls, path: Path) -> Page:
        """Cut a page into its blocks."""
        name = path.relative_to(ROOT).as_posix()
        blocks: list[Block] = []
        begins_with: set[str] = set()
        heading, not_run = "", None
        language: str | None = None
        begin, inside = 0, list[str]()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if language is not None:
                if line != "```":
                    inside.append(line)
                    continue
                blocks.append(Block(name, begin, language, "".join(f"{each}\n" for each in inside), heading, not_run))
                language, not_run = None, None
            elif found := _LINE_OF_BLOCK.match(line):
                if found[2]:
                    heading = found[3]
                elif found[4] == "begins with":
                    begins_with.update(found[5].split(", "))
                elif found[4]:
                    not_run = found[5]
                else:
                    language, begin, inside = found[1], number, []
        assert language is None, f"{name}: the block that begins in line {begin} has no end"
        return cls(path, tuple(blocks), frozenset(begins_with))
