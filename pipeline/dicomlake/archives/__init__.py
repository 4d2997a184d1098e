"""Archives (zip, tar, and tar packed by gzip, bzip2, xz or Zstandard): lists of members, and members as files.

The archive is read by position.
"""

from dicomlake.archives.listing import ArchiveListing, list_archive, located
from dicomlake.archives.members import MEMBER_SCHEMA, MemberRange
from dicomlake.archives.open_archive import OpenArchive, close_idle_streams

__all__ = ["MEMBER_SCHEMA", "ArchiveListing", "MemberRange", "OpenArchive", "close_idle_streams", "list_archive", "located"]
