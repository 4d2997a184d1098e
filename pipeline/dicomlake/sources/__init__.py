"""Folders, files, globs, urls and lists as streams of Arrow batches, sorted by url."""

from dicomlake.sources.address import STANDARD_INPUT, AddressKind, address_of, name_of_source
from dicomlake.sources.listing import LISTING_SCHEMA
from dicomlake.sources.local.file import modified_times
from dicomlake.sources.merge import MERGED_SCHEMA, merge_listings
from dicomlake.sources.resolve import open_source
from dicomlake.sources.source import Source

__all__ = [
    "LISTING_SCHEMA",
    "MERGED_SCHEMA",
    "STANDARD_INPUT",
    "AddressKind",
    "Source",
    "address_of",
    "merge_listings",
    "modified_times",
    "name_of_source",
    "open_source",
]
