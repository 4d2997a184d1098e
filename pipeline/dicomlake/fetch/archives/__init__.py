"""Members of archives, read in place."""

from dicomlake.fetch.archives.archive import MemberPlace, OpenArchive, close_idle_streams
from dicomlake.fetch.archives.locate import ArchiveListing, list_archive, located

__all__ = ["ArchiveListing", "MemberPlace", "OpenArchive", "close_idle_streams", "list_archive", "located"]
