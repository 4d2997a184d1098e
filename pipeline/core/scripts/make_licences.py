"""Write the section of LICENSE-THIRD-PARTY about the crates in the compiled core, from the metadata of Cargo.

Run it whenever Cargo.lock changes. The texts come from the packages of the crates; if several licences are offered, MIT is taken. Crates
that run only during compilation (macros, build scripts), or on systems without a wheel, are not in the core and are listed separately.
"""

# ruff: noqa: INP001 - a script, not a package

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

CORE = Path(__file__).parent.parent
OUTPUT = CORE.parent.parent / "LICENSE-THIRD-PARTY"
BEGINNING = "Crates that are compiled into dicomlake._core"
PLATFORMS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu")
RULE = "-" * 100

_HOLDS_A_TEXT = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)

Key = tuple[str, str]
"""Name and version of a crate."""


def main() -> None:
    """Replace the section about crates; the text before it stays."""
    compiled = {key: package for platform in PLATFORMS for key, package in compiled_crates(platform).items()}
    locked = tomllib.loads((CORE / "Cargo.lock").read_text("utf-8"))["package"]
    others = sorted({(one["name"], one["version"]) for one in locked if "source" in one} - compiled.keys())
    before = OUTPUT.read_text("utf-8").partition(BEGINNING)[0].rstrip("\n")
    OUTPUT.write_text("\n".join([before, "", *section(compiled, others)]) + "\n", "utf-8")


def section(compiled: dict[Key, dict[str, Any]], others: list[Key]) -> list[str]:
    """The lines of the section: the crates, their licences, and each text once."""
    users: dict[str, list[Key]] = defaultdict(list)
    texts: dict[str, str] = {}
    for key, package in sorted(compiled.items()):
        for text in texts_of(package):
            words = " ".join(text.split())  # many differ only by line breaks
            texts.setdefault(words, text)
            users[words].append(key)
    told = {key for keys in users.values() for key in keys}
    lines = [f"{BEGINNING}, and the licences that they offer. The texts follow.", ""]
    lines += [f"  {name} {version}: {package['license']}" for (name, version), package in sorted(compiled.items())]
    lines += ["", "Crates whose packages hold no text, and their authors.", ""]
    lines += [f"  {' '.join(key)}, by {_authors(package)}" for key, package in sorted(compiled.items()) if key not in told]
    lines += ["", "Crates of Cargo.lock that are not compiled in: they help to compile others, or belong to other systems.", ""]
    lines += [f"  {name} {version}" for name, version in others]
    for words, keys in sorted(users.items(), key=lambda entry: entry[1]):
        lines += ["", RULE, ", ".join(" ".join(key) for key in keys), RULE, "", texts[words]]
    return lines


def compiled_crates(platform: str) -> dict[Key, dict[str, Any]]:
    """The metadata of each crate that is linked into the extension."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--features=python", f"--filter-platform={platform}"]
    known = json.loads(subprocess.run(command, cwd=CORE, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603 - our own words
    packages = {package["id"]: package for package in known["packages"]}
    needed = {node["id"]: node["deps"] for node in known["resolve"]["nodes"]}
    own = known["resolve"]["root"]
    found: set[str] = set()
    waiting = [own]
    while waiting:
        one = waiting.pop()
        if one in found or any("proc-macro" in target["kind"] for target in packages[one]["targets"]):
            continue
        found.add(one)
        waiting += [other["pkg"] for other in needed[one] if any(use["kind"] is None for use in other["dep_kinds"])]
    return {(packages[one]["name"], packages[one]["version"]): packages[one] for one in found - {own}}


def texts_of(package: dict[str, Any]) -> list[str]:
    """The licence texts and notices in the package of a crate, as far as they are needed."""
    folder = Path(package["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if path.is_file() and _HOLDS_A_TEXT.match(path.name))
    offers_mit = "MIT" in re.split(r" OR |/| / ", package["license"])
    of_mit = [path for path in files if "mit" in path.name.lower()]
    if offers_mit and of_mit:
        files = [*of_mit, *(path for path in files if path.name.lower().startswith(("notice", "copyright")))]
    return ["\n".join(line.rstrip() for line in path.read_text("utf-8").strip("\n").splitlines()) for path in files]


def _authors(package: dict[str, Any]) -> str:
    return ", ".join(re.sub(r" *<.*>", "", author) for author in package["authors"]) or "its contributors"


if __name__ == "__main__":
    main()
