"""Archives (zip, tar, tar.gz, tar.zst) as lists of members, from positioned reads; nothing is unpacked but what a list needs."""

from dicomlake.sources.archives.formats import ArchiveFormat, has_archive_name, recognise
from dicomlake.sources.archives.forward import ArchiveDamaged, CountedReader, ForwardReader, PackedStream, PositionedReader, ReadAhead
from dicomlake.sources.archives.listing import ListedArchive, list_members
from dicomlake.sources.archives.members import MEMBER_SCHEMA, Packing
from dicomlake.sources.archives.names import (
    END_OF_MEMBERS,
    LOWEST_OF_MEMBERS,
    PLACE_OF_MEMBER,
    START_OF_MEMBERS,
    archive_of,
    is_member,
    member_url,
    place_of,
    places_of,
)
from dicomlake.sources.archives.zip_directory import LOCAL_HEADER_BYTES, local_header_length

__all__ = [
    "END_OF_MEMBERS",
    "LOCAL_HEADER_BYTES",
    "LOWEST_OF_MEMBERS",
    "MEMBER_SCHEMA",
    "PLACE_OF_MEMBER",
    "START_OF_MEMBERS",
    "ArchiveDamaged",
    "ArchiveFormat",
    "CountedReader",
    "ForwardReader",
    "ListedArchive",
    "PackedStream",
    "Packing",
    "PositionedReader",
    "ReadAhead",
    "archive_of",
    "has_archive_name",
    "is_member",
    "list_members",
    "local_header_length",
    "member_url",
    "place_of",
    "places_of",
    "recognise",
]
