"""Makes answer.svg: a terminal with questions and their real answers, for the README and the site.

``python docs/pictures/make_answer.py`` writes it again; a test holds its text against the answers of today.
"""

from __future__ import annotations

import contextlib
import html
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from dicomlake.cli import main

PICTURE = Path(__file__).with_name("answer.svg")
WIDTH = 104
QUESTIONS = (
    """
    select Manufacturer, Modality, count(*) as series, sum(NumberOfSeriesRelatedInstances) as instances
    from series
    where Modality in ('CT', 'MR', 'PT', 'CR')
    group by Manufacturer, Modality
    order by instances desc, Modality""",
    """
    select code, level, element_path, raw
    from findings
    where code like 'in%'
    order by code""",
)
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: FONT; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: FONT; font-size: 18px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONT", _FONT)


def answers(folder: Path) -> list[tuple[str, str]]:
    """The questions as they are typed, and their answers for the sample archive, which is written into a folder."""
    archive, lake = str(folder / "archive"), str(folder / "lake")
    _output_of("sample", archive)
    _output_of("index", archive, "--lake", lake, "--workers", "0", "--quiet")
    return [(f'$ dicomlake query lake "{question}"', _output_of("query", lake, question)) for question in QUESTIONS]


def _output_of(*arguments: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        main(arguments)
    return output.getvalue().rstrip()


def picture_of(shown: list[tuple[str, str]]) -> str:
    """The terminal as SVG, with the fonts of whoever looks at it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for number, (question, answer) in enumerate(shown):
        heading, rule, rows = answer.split("\n", 2)
        gap = "\n" if number else ""
        console.print(Text(gap + question, "#7ee787"), Text(heading, "bold"), Text(rule, "#8b949e"), Text(rows), sep="\n")
    return console.export_svg(title="dicomlake", code_format=_FORMAT, unique_id="dicomlake")


def text_of(picture: str) -> str:
    """The words of a picture, in order."""
    matrix = picture.partition('-matrix">')[2]
    texts = re.findall(r"<text[^>]*>(.*?)</text>", matrix, re.DOTALL)
    return " ".join(html.unescape(" ".join(texts)).split())


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        PICTURE.write_text(picture_of(answers(Path(made))), "utf-8")
