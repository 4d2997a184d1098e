"""The licences of what the compiled core holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_crate_is_named() -> None:
    """LICENSE-THIRD-PARTY names every crate of Cargo.lock in its version, and no other; else run pipeline/core/scripts/make_licences.py."""
    locked = tomllib.loads((ROOT / "pipeline" / "core" / "Cargo.lock").read_text("utf-8"))["package"]
    lists = (ROOT / "LICENSE-THIRD-PARTY").read_text("utf-8").partition("Crates that are compiled into")[2].partition("\n---")[0]
    named = re.findall(r"^  ([\w-]+ [\w.+-]+)(?:: (.+))?$", lists, re.MULTILINE)
    assert sorted(crate for crate, _ in named) == sorted(f"{one['name']} {one['version']}" for one in locked if "source" in one)
    licences = {crate: licence for crate, licence in named if licence}
    assert len(licences) > 100
    assert {crate.split()[0] for crate in licences} >= {"object_store", "reqwest", "rustls", "ring", "tokio", "pyo3", "arrow-array"}


def test_every_licence_stands_there() -> None:
    """Each crate that is compiled in stands over a text, or among those whose packages hold none."""
    text = (ROOT / "LICENSE-THIRD-PARTY").read_text("utf-8").partition("Crates that are compiled into")[2]
    heads = re.findall(r"^-{100}\n(.+)\n-{100}$", text, re.MULTILINE)
    told = {crate for head in heads for crate in head.split(", ")} | set(re.findall(r"^  ([\w-]+ [\w.+-]+), by ", text, re.MULTILINE))
    assert told == {crate for crate, _ in re.findall(r"^  ([\w-]+ [\w.+-]+): (.+)$", text.partition("\n---")[0], re.MULTILINE)}
