"""The bytes of files: local files, and all files that fsspec opens."""

from dicomlake.byte_source import ByteSource, ReadingStopped
from dicomlake.fetch.binary import open_binary
from dicomlake.fetch.opener import Opener, open_file

__all__ = ["ByteSource", "Opener", "ReadingStopped", "open_binary", "open_file"]
