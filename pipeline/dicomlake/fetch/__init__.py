"""The bytes of files: local files, and all files that fsspec opens."""

from dicomlake.byte_source import ByteSource, ReadingStopped
from dicomlake.fetch.opener import Opener, open_file
from dicomlake.fetch.window import HeaderWindow, Window

__all__ = ["ByteSource", "HeaderWindow", "Opener", "ReadingStopped", "Window", "open_file"]
