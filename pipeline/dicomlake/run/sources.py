"""The sources of a run: one that was never there is a mistake of the request, one that is gone a reason to stop."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dicomlake.config import Settings
from dicomlake.errors import DicomlakeError, SourceNotFound, SourceVanished
from dicomlake.extract.dicomdir import read_file_ids
from dicomlake.lake import Lake, Table
from dicomlake.parts import Location, read_part
from dicomlake.sources import STANDARD_INPUT, Source, address_of, name_of_source, open_source


def open_sources(
    texts: Sequence[str], lake: Location, settings: Settings, *, complete: bool, former: Sequence[Source] = ()
) -> list[Source]:
    """Resolve what the user named.

    ``former`` are the same sources as they were opened by an attempt that a store out of order ended: no order is taken for granted then,
    and standard input, which can be read but once, stays open.

    Raises:
        SourceNotFound: a source is not there, or is a pattern that matches nothing, and the lake has never seen it.
        SourceVanished: a source from which the lake has files is no longer there.
        AccessDenied, ConfigurationError: a source can't be read or understood.
    """
    opened = []
    for place, text in enumerate(texts):
        if former and address_of(text).location == STANDARD_INPUT:
            opened.append(former[place])
            continue
        try:
            source = open_source(
                text,
                settings.listing,
                settings.storage_options,
                complete=complete,
                exclude=[lake.url],
                read_file_ids=read_file_ids,
                trusts_order=not former,
            )
        except SourceNotFound as error:
            name = name_of_source(text)
            if not _lake_knows(lake, name):
                raise error from None
            raise SourceVanished(
                f"{name} is no longer there, and the lake has files of it; nothing was changed. Mount or restore it, or index without it"
            ) from None
        if source.is_glob and not _lake_knows(lake, source.name):
            refuse_empty_glob(source)
        opened.append(source)
    return opened


def refuse_empty_glob(source: Source) -> None:
    """Refuse a pattern that matches nothing.

    Raises:
        SourceNotFound: it matches no file.
    """
    if source.is_glob and not source.lists_anything():
        raise SourceNotFound(f"source {source.name}: no file matches; check its spelling, and quote it so that the shell leaves it alone")


def known_sources(files: Table) -> set[str]:
    """The sources of which a lake has rows, of whatever run; statistics answer for most part files."""
    known: set[str] = set()
    for part in files.parts.values():
        lowest, highest = part.lowest.get("source"), part.highest.get("source")
        if lowest == highest and isinstance(lowest, str):
            known.add(lowest)
        else:
            known.update(read_part(files.location, part, ["source"])["source"].drop_nulls().unique())
    return known


def _lake_knows(location: Location, name: str) -> bool:
    try:
        files = Lake(location.url, location.storage_options).files
    except DicomlakeError:
        return False
    return bool(files.filter(pl.col("source") == name).head(1).select(pl.len()).collect().item())
