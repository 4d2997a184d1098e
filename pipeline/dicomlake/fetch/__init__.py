"""Which bytes of a file, and from where: local files and everything that fsspec opens."""

from dicomlake.fetch.archives import ArchiveListing, close_idle_streams, list_archive, located
from dicomlake.fetch.opening import Opener, open_source
from dicomlake.fetch.source import ByteSource, ReadingStopped
from dicomlake.fetch.url import is_local, local_path

__all__ = [
    "ArchiveListing",
    "ByteSource",
    "Opener",
    "ReadingStopped",
    "close_idle_streams",
    "is_local",
    "list_archive",
    "local_path",
    "located",
    "open_source",
]
