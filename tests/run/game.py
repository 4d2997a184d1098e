"""Years of an archive in small: nights drawn at random, and what must hold after each of them.

A night is drawn from a seed alone. The game keeps its own account of what the lake should know (`Known`), by the rules of the ledger,
and its assertions tell the seed and the events, so that what failed can be played again.
"""

from __future__ import annotations

import os
import random
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from dicomlake.errors import RETRIED_CODES, AccessDenied, MissingLimitExceeded, NotALake, SourceVanished
from dicomlake.lake import Lake, optimize, vacuum, verify
from dicomlake.lake.log.delta import active_parts, open_delta
from dicomlake.parts import Location, read_parts
from dicomlake.schema import ROWS_VERSION
from tests.run.comparison import Tables, assert_same_tables, whole
from tests.run.conftest import Nights
from tests.run.days import SOURCES, Days, Signature
from tests.run.faults import VACUUM, Killed, broken_off, dies_removing
from tests.run.test_diff import assert_is_the_difference

_REBUILD = {"listing.unit_files": 100, "lake.commit_units": 16, "lake.rollup_rows": 10_000}
_NO_FILES = pl.DataFrame(schema={"url": pl.String, "status": pl.String, "duplicate_of": pl.String})


@dataclass(frozen=True)
class Known:
    """What the lake should know of a file: its source, what it was like, how it was read, and whether it is tried again each night."""

    source: str
    signature: Signature
    reading: str
    tried_again: bool = False
    missing: bool = False


class Game:
    """A lake, its archive, and what happened to them; ``compared`` counts the nights after which the lake was held against a rebuild.

    Args:
        nights: an empty archive and no lake.
        folder: where rebuilds go.
        seed: of everything that is drawn.
    """

    def __init__(self, nights: Nights, folder: Path, seed: int) -> None:
        self._nights = nights
        self._folder = folder
        self._chance = random.Random(seed)
        self._days = Days(nights, folder, self._chance)
        self._known: dict[str, Known] = {}
        self._listed_once: list[str] = []
        self._shown: dict[int, Tables] = {}
        self._held: tuple[Lake, int] | None = None
        self._owed: tuple[str, ...] = ()
        self._story = [f"seed {seed}"]
        self.compared = 0

    def play(self, night: int) -> None:
        """A day of the archive, upkeep now and then, a run, and every check."""
        chance = self._chance
        self._story.append(f"night {night}")
        self._days.begin()
        if self._shown and chance.random() < 0.25:
            self._upkeep()
        if not self._owed:
            self._change_settings()
        sources = self._choose_sources()
        self._day(sources, chance.randrange(0, 7))
        if chance.random() < 0.1:
            self._refused(sources)
        while chance.random() < 0.25 and not self._broken(sources):
            if chance.random() < 0.3:
                self._day(sources, 1)
        self._run(sources)
        self._look_back()

    # ---- what is drawn -----------------------------------------------------------------------------------------------------------

    def _choose_sources(self) -> tuple[str, ...]:
        share = self._chance.choice([1.0, 1.0, 0.6])
        chosen = [name for name in SOURCES if self._chance.random() < share] or ["one"]
        self._chance.shuffle(chosen)
        # What a run that died committed belongs to its sources, and is finished by a run of the same ones.
        return (*self._owed, *(name for name in chosen if name not in self._owed))

    def _change_settings(self) -> None:
        overrides, chance = self._nights.overrides, self._chance
        if chance.random() < 0.06:
            overrides["columns"] = [] if overrides.get("columns") else [{"path": "PatientBirthTime"}, {"path": "KVP", "name": "kilovolts"}]
            self._story.append("other columns")
        if chance.random() < 0.06:
            overrides["headers"] = not overrides.get("headers", False)
            self._story.append(f"headers {overrides['headers']}")
        if chance.random() < 0.06:
            self._nights.engine.version = f"json-{chance.randrange(1, 4)}"
            self._story.append(f"engine {self._nights.engine.version}")
        overrides["listing.unit_files"] = chance.choice([1, 3, 3, 100])
        overrides["lake.commit_units"] = chance.choice([1, 2, 16])
        overrides["lake.rollup_rows"] = chance.choice([4, 10_000])

    def _day(self, sources: tuple[str, ...], events: int) -> None:
        duplicates = self._last_files().filter(pl.col("status") == "duplicate")["duplicate_of"].drop_nulls()
        for _ in range(events):
            kept = [path for url in sorted(set(duplicates)) if (path := Path(url)).is_file() and not path.is_symlink()]
            self._story.append(self._days.event(kept))
        if "@" in sources:
            self._days.write_list()

    # ---- runs --------------------------------------------------------------------------------------------------------------------

    def _run(self, sources: tuple[str, ...]) -> None:
        full, complete = self._chance.random() < 0.06, self._chance.random() < 0.4
        self._story.append(f"run {' '.join(sources)}{' --full' if full else ''}{' --complete' if complete else ''}")
        reading = self._reading()
        listed: dict[str, tuple[str, Signature]] = {}
        for source in sources:
            for url, signature in self._days.listing(source, self._days.hidden).items():
                listed.setdefault(url, (self._days.name(source), signature))
        expected = {
            url
            for url, (_, signature) in listed.items()
            if signature is not None and (full or self._must_be_read(self._known.get(url), signature, reading))
        }
        duplicates = set(self._last_files().filter(pl.col("status") == "duplicate")["url"])
        committed = self._committed_since(reading) if self._owed and not full else set()
        with self._days.as_listed():
            summary = self._nights.run(sources=tuple(map(self._days.text, sources)), full=full, complete=complete)
        read = set(self._nights.engine.read_urls)
        if self._owed:
            assert committed.isdisjoint(read), self._told(f"read again, though a run which died committed it: {committed & read}")
        else:
            assert expected <= read, self._told(f"not read: {sorted(expected - read)}")
            # A copy that takes a kept one's place is read again.
            assert read - expected <= duplicates, self._told(f"read again: {sorted(read - expected - duplicates)}")
        failing = self._nights.engine.failing
        for url in failing.keys() - read:  # it is in the lake as it was, though it would fail
            del failing[url]
        self._shown[summary.snapshot] = whole(self._nights.lake)
        self._account(sources, listed, read - expected, complete=complete)
        if self._owed:
            self._adopt(set(listed))
        self._owed = ()
        self._check_files()
        self._compare()

    def _reading(self) -> str:
        return f"{self._nights.settings.digest()} {self._nights.engine.version} {ROWS_VERSION}"

    def _must_be_read(self, known: Known | None, signature: Signature, reading: str) -> bool:
        if known is None or known.missing or known.tried_again:
            return True
        return (known.signature, known.reading) != (signature, reading)

    def _account(self, sources: tuple[str, ...], listed: dict[str, tuple[str, Signature]], promoted: set[str], *, complete: bool) -> None:
        """What the lake should know after a run."""
        self._listed_once += [source for source in sources if source not in self._listed_once]
        hidden, reading = self._days.hidden, self._reading()
        whole_sources = {self._days.name(source) for source in sources if source != "@" or complete}
        for url, known in self._known.items():
            is_hidden = str(hidden) in listed and url.startswith(f"{hidden}/")
            if known.source in whole_sources and url not in listed and not is_hidden:
                self._known[url] = replace(known, missing=True)
        for url, (source, signature) in listed.items():
            former = self._known.get(url)
            self._known[url] = Known(former.source if former else source, signature, reading, signature is None or self._fails(url))
        for url in promoted & self._known.keys() - listed.keys():
            self._known[url] = replace(self._known[url], reading=reading, tried_again=self._fails(url))

    def _fails(self, url: str) -> bool:
        return url in self._nights.engine.failing or not os.path.exists(url)

    def _broken(self, sources: tuple[str, ...]) -> bool:
        """A run that is killed, or finds the disk full; answers whether it had ended before that."""
        last = max(self._shown, default=None)
        where, allowed, disk_full = self._chance.choice(["commit", "part file"]), self._chance.randrange(10), self._chance.random() < 0.3
        self._story.append(f"{'disk full' if disk_full else 'killed'} at {where} {allowed}: {' '.join(sources)}")
        self._owed = sources
        try:
            with self._days.as_listed(), broken_off(where, allowed, disk_full=disk_full):
                self._nights.run(sources=tuple(map(self._days.text, sources)))
        except (Killed, AccessDenied) as error:
            told = str(error)
        else:
            self._shown[self._nights.lake.snapshot] = whole(self._nights.lake)
            return True
        assert ("No space left on device" in told and "\n" not in told) or not disk_full, self._told(told)
        if last is None:
            with pytest.raises(NotALake):
                Lake(self._nights.location.url)
        else:
            assert self._nights.lake.snapshot == last, self._told("a run that did not finish is visible")
            self._assert_equal(whole(self._nights.lake), self._shown[last], "a run that did not finish changed what is shown")
        return False

    def _refused(self, sources: tuple[str, ...]) -> None:
        """A source that is not mounted tonight: the run says so, and nothing changes."""
        name = next((name for name in sources if name in ("one", "two")), None)
        owner = name and self._days.name(name)
        if self._owed or name is None or not any(known.source == owner and not known.missing for known in self._known.values()):
            return
        gone = self._chance.random() < 0.5
        self._story.append(f"{name} is not mounted, {'its folder is gone' if gone else 'its folder is empty'}")
        folder, aside = self._days.folder / name, self._folder / "aside"
        os.replace(folder, aside)
        if not gone:
            folder.mkdir()
        limit = self._nights.overrides.pop("lake.missing_limit")
        before = whole(self._nights.lake)
        with pytest.raises(SourceVanished if gone else MissingLimitExceeded):
            self._nights.run(sources=(self._days.text(name),))
        self._nights.overrides["lake.missing_limit"] = limit
        if not gone:
            folder.rmdir()
        os.replace(aside, folder)
        self._assert_equal(whole(self._nights.lake), before, "a refused run changed the lake")

    def _upkeep(self) -> None:
        """An optimize or a vacuum, which may be killed; a vacuum may find that nobody can be reading."""
        location, last, chance = self._nights.location, max(self._shown), self._chance
        killed = chance.random() < 0.4
        with ExitStack() as faults:
            if chance.random() < 0.5 and not self._owed:
                self._story.append(f"optimize{', killed' if killed else ''}")
                faults.enter_context(broken_off("commit", chance.randrange(6) if killed else 1000))
                with suppress(Killed):
                    optimize(location)
            else:
                no_reader, keep = chance.random() < 0.7, timedelta(seconds=chance.choice([0, 2, 86_400]))
                self._story.append(f"vacuum --keep {keep}{', no reader' if no_reader else ''}{', killed' if killed else ''}")
                if no_reader:
                    faults.enter_context(pytest.MonkeyPatch.context()).setattr(VACUUM, "READER_TIME", timedelta())
                    self._held = None
                faults.enter_context(dies_removing(chance.randrange(12) if killed else 10_000))
                with suppress(Killed):
                    vacuum(location, keep)
        lake = self._nights.lake
        tables = whole(lake)
        for name, rows in self._shown[last].items():
            order = [column for column, dtype in rows.schema.items() if not isinstance(dtype, pl.List)]
            assert tables[name].sort(order).equals(rows.sort(order)), self._told(f"table '{name}': upkeep changed a row")
        self._shown.setdefault(lake.snapshot, tables)
        assert verify(location).defects == [], self._told("upkeep left defects")

    # ---- checks ------------------------------------------------------------------------------------------------------------------

    def _told(self, what: str) -> str:
        return "\n  ".join([what, *self._story])

    def _assert_equal(self, found: Tables, expected: Tables, what: str) -> None:
        for name, rows in expected.items():
            assert found[name].equals(rows), self._told(f"table '{name}': {what}")

    def _last_files(self) -> pl.DataFrame:
        return self._shown[max(self._shown)]["files"] if self._shown else _NO_FILES

    def _committed_since(self, reading: str) -> set[str]:
        """The files as they are now, of which a run that died committed what it read, as files are read tonight."""
        location = self._nights.location
        pinned, last = (self._nights.lake.table_versions["files"], max(self._shown)) if self._shown else (0, 0)
        try:
            delta = open_delta(location, "files")
        except Exception:  # noqa: BLE001 - it died before it made a table
            return set()
        entries = delta.history(delta.version() - pinned) if delta.version() > pinned else []
        rows = read_parts(location, active_parts(delta, "files").values())
        if rows is None or {entry["dicomlake.reading"] for entry in entries if "dicomlake.reading" in entry} != {reading}:
            return set()
        rows = rows.filter((pl.col("last_snapshot") > last) & pl.col("status").is_in(["indexed", "not_dicom"]))
        return {
            url
            for url, size, modified in rows.select("url", "file_size", pl.col("modified").to_physical()).iter_rows()
            if (path := Path(url)).is_file() and (path.stat().st_size, path.stat().st_mtime_ns // 1000) == (size, modified)
        }

    def _found(self) -> dict[str, Known]:
        """What the ledger says."""
        again, modified = pl.col("code").is_in([code.value for code in RETRIED_CODES]), pl.col("modified").to_physical()
        rows = self._last_files().select("url", "source", "file_size", modified, again, pl.col("status") == "missing")
        return {
            url: Known(source, None if size is None else (size, modified), "", bool(again), missing)
            for url, source, size, modified, again, missing in rows.iter_rows()
        }

    def _adopt(self, listed: set[str]) -> None:
        """Believe the ledger of files that a run which died saw, and that tonight's listing has no longer."""
        for url, found in self._found().items():
            former = self._known.get(url)
            if url not in listed and (former is None or _in_ledger(former) != _in_ledger(found)):
                self._known[url] = replace(found, reading=self._reading())

    def _check_files(self) -> None:
        """The ledger against the account: every file, its source, what it was like, and whether it is there."""
        found = {url: _in_ledger(known) for url, known in self._found().items()}
        account = {url: _in_ledger(known) for url, known in self._known.items()}
        wrong = {url: (found.get(url), account.get(url)) for url in found.keys() | account.keys() if found.get(url) != account.get(url)}
        assert not wrong, self._told(f"files (found, expected): {wrong}")

    def _compare(self) -> None:
        """Hold the lake against a rebuild, where the last run of each source could see all that has happened to its files since."""
        there: dict[str, Signature] = {}
        for source in self._listed_once:
            for url, signature in self._days.listing(source, None).items():
                there.setdefault(url, signature if os.path.exists(url) else None)
        alive = {url: known for url, known in self._known.items() if not known.missing}
        if there != {url: known.signature for url, known in alive.items()}:
            return
        fails = {url: known.signature is None or self._fails(url) for url, known in alive.items()}
        if any((known.reading, known.tried_again) != (self._reading(), fails[url]) for url, known in alive.items()):
            return
        rebuilt = Location.of(self._folder / "rebuilt")
        overrides = dict(self._nights.overrides)
        self._nights.overrides.update(_REBUILD)
        self._nights.run(sources=tuple(map(self._days.text, self._listed_once)), lake=rebuilt, is_verified=self.compared % 10 == 0)
        self._nights.overrides = overrides
        try:
            # By which of two sources a file was listed first is held against the account.
            assert_same_tables(self._shown[max(self._shown)], whole(Lake(rebuilt.url)), aside=("source",), former_columns=True)
        except AssertionError as error:
            raise AssertionError(self._told(f"{error}\nis no rebuild")) from error
        shutil.rmtree(rebuilt.url)
        self.compared += 1

    def _look_back(self) -> None:
        """What was shown once is shown still, as long as it is kept; and what a reader holds open."""
        lake, chance = self._nights.lake, self._chance
        if self._held is not None:
            held, number = self._held
            self._assert_equal(whole(held), self._shown[number], f"a reader of snapshot {number} sees something else")
        if self._held is None or chance.random() < 0.3:
            self._held = (lake, lake.snapshot)
            assert lake.schema("files").names  # this table is open from now on, the others are not
        kept = lake.snapshots.collect()["snapshot"].to_list()
        if chance.random() < 0.3:
            number = chance.choice(kept)
            self._assert_equal(whole(lake.at(number)), self._shown[number], f"snapshot {number} is not what it was")
        if chance.random() < 0.1:
            before, after = sorted((chance.choice(kept), chance.choice(kept)))
            assert_is_the_difference(lake.at(after).diff(before), lake.at(before), lake.at(after))


def _in_ledger(known: Known) -> tuple[str, Signature, bool]:
    return known.source, known.signature, known.missing
