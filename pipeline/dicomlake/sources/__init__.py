"""What is there: folders, files, globs, urls and lists as streams of Arrow batches, sorted by url."""

from dicomlake.sources.address import STANDARD_INPUT, AddressKind, address_of, name_of_source
from dicomlake.sources.filesystem import filesystem_of
from dicomlake.sources.listing import LISTING_SCHEMA
from dicomlake.sources.local import modified_times
from dicomlake.sources.local_url import is_local_url, path_of_url, url_of_path
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
    "filesystem_of",
    "is_local_url",
    "merge_listings",
    "modified_times",
    "name_of_source",
    "open_source",
    "path_of_url",
    "url_of_path",
]
