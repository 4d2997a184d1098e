"""Which bytes of a file, and from where: local files and everything that fsspec opens."""

from dicomlake.fetch.opening import open_source
from dicomlake.fetch.source import ByteSource, ReadingStopped
from dicomlake.fetch.store import ObjectStore, stores_of
from dicomlake.fetch.url import is_local, local_path
from dicomlake.fetch.window import HeaderWindow, Window

__all__ = ["ByteSource", "HeaderWindow", "ObjectStore", "ReadingStopped", "Window", "is_local", "local_path", "open_source", "stores_of"]
