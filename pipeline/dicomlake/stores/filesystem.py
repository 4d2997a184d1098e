"""The files of a lake in a bucket, with the methods of fsspec: read by ranges, written whole, listed and removed.

fsspec's own filesystems for stores read tens of MiB ahead of a Parquet footer, and each has its own options. This one uses the client that
lists buckets and leases lakes. It reads only the bytes it needs, and repeats a request if the store fails.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

import obstore
from obstore.exceptions import BaseError, NotFoundError

from dicomlake.limits import MIB
from dicomlake.stores.patience import patiently
from dicomlake.stores.refusal import codes_of, store_refusal
from dicomlake.stores.renewed import RenewedClient

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

READ_BYTES = 16 * MIB
"""The most bytes of one request: a slow line must bring them before the client gives up."""

_UPLOAD_BYTES = 8 * MIB
_UPLOADS_AT_ONCE = 4
_MEMORY_BYTES = 16 * MIB
_READS_AT_ONCE = 16

Answer = TypeVar("Answer")


class StoreFilesystem:
    """A bucket, by its keys, with the methods of an fsspec filesystem that a lake uses.

    A missing file raises ``FileNotFoundError``; a store that refuses or fails raises an error of `store_refusal`.

    Args:
        url: the url of a lake, also for messages.
        storage_options: the options of its store; see `dicomlake.stores.store`.
        title: the word for it in messages.

    Raises:
        ConfigurationError: the options can't be used.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any], *, title: str = "lake") -> None:
        self._url = url
        self._title = title
        self._options = dict(storage_options)
        self._renewed = RenewedClient(url, storage_options, whole_bucket=True)

    @property
    def _client(self) -> ObjectStore:
        return self._renewed.client

    def ls(self, path: str, *, detail: Literal[False]) -> list[str]:  # noqa: ARG002 - as fsspec has it
        """The files directly in a folder."""
        return self._asked("read", path, lambda: [meta["path"] for meta in obstore.list_with_delimiter(self._client, path)["objects"]])

    def find(self, path: str, *, detail: Literal[True]) -> dict[str, dict[str, int]]:  # noqa: ARG002 - likewise
        """All files below a folder, with their ``size`` in bytes."""

        def ask() -> dict[str, dict[str, int]]:
            return {meta["path"]: {"size": meta["size"]} for page in obstore.list(self._client, path) for meta in page}

        return self._asked("read", path, ask)

    def entries(self, path: str) -> tuple[Sequence[str], Sequence[ObjectMeta]]:
        """The folders in a folder, and the descriptions of the files in it."""
        found = self._asked("read", path, lambda: obstore.list_with_delimiter(self._client, path or None))
        return found["common_prefixes"], found["objects"]

    def holds_anything(self, path: str) -> bool:
        """Whether there is any file below a folder."""
        return self._asked("read", path, lambda: bool(next(iter(obstore.list(self._client, path, chunk_size=1)), ())))

    def head(self, path: str) -> ObjectMeta:
        """The description of a file."""
        return self._asked("read", path, lambda: obstore.head(self._client, path))

    def modified(self, path: str) -> datetime:
        """The time when a file was written."""
        return self.head(path)["last_modified"]

    def cat_file(self, path: str) -> bytes:
        """A file's bytes."""
        return self._asked("read", path, lambda: bytes(obstore.get(self._client, path).bytes()))

    def cat_ranges(self, paths: Sequence[str], starts: None, ends: None, *, on_error: Literal["raise"]) -> list[bytes]:  # noqa: ARG002
        """Several whole files, side by side."""
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            return list(pool.map(self.cat_file, paths))

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """The bytes of a file from ``start`` up to ``end``."""
        offsets = range(start, end, READ_BYTES)
        return b"".join(self._range(path, offset, min(offset + READ_BYTES, end)) for offset in offsets)

    def open(self, path: str, mode: Literal["rb", "wb"], *, size: int | None = None) -> Ranges | NewObject:
        """A file to read, or a new one to write. A known size saves a request."""
        if mode == "wb":
            return NewObject(self, path)
        if size is None:
            size = self.head(path)["size"]
        return Ranges(self, path, size)

    def rm_file(self, path: str) -> None:
        """Remove a file, if it exists."""
        with suppress(FileNotFoundError):  # some stores raise it, also for a request repeated after a lost reply
            self._asked("written", path, lambda: obstore.delete(self._client, path))

    def upload(self, path: str, content: IO[bytes]) -> None:
        """Write a whole file from the beginning of ``content``. No reader sees a part of it."""

        def ask() -> None:
            content.seek(0)
            try:
                obstore.put(self._client, path, content, chunk_size=_UPLOAD_BYTES, max_concurrency=_UPLOADS_AT_ONCE)
            except OSError as error:  # an error of ``content`` itself, as text
                if str(error).startswith("KeyboardInterrupt"):
                    raise KeyboardInterrupt from None
                raise

        self._asked("written", path, ask)

    def _range(self, path: str, start: int, end: int) -> bytes:
        return self._asked("read", path, lambda: bytes(obstore.get_range(self._client, path, start=start, end=end)))

    def _asked(self, what: str, path: str, ask: Callable[[], Answer]) -> Answer:
        try:
            return patiently(ask)
        except (BaseError, FileNotFoundError) as error:
            if isinstance(error, (NotFoundError, FileNotFoundError)) and "NoSuchBucket" not in codes_of(error):
                raise FileNotFoundError(path) from None
            raise store_refusal(self._url, error, self._options, f"{self._title} {self._url} can't be {what}") from None


class NewObject(io.BufferedIOBase):
    """A new file. Its content is kept, on disk if it is large, until it is closed and uploaded whole."""

    def __init__(self, filesystem: StoreFilesystem, path: str) -> None:
        self._filesystem = filesystem
        self._path = path
        self._content = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES, prefix="dicomlake-upload-")  # noqa: SIM115 - closed below

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, content: Buffer) -> int:
        """Append bytes. After `discard` they are dropped, since a writer of Parquet still writes the end of its file."""
        if self._content.closed:
            return memoryview(content).nbytes
        return self._content.write(content)

    def tell(self) -> int:
        """The number of bytes written."""
        return self._content.tell()

    def discard(self) -> None:
        """Drop the content, so that the file is never uploaded."""
        self._content.close()

    def close(self) -> None:
        """Upload it.

        Raises:
            DicomlakeError: the store refuses or fails.
        """
        if self.closed:
            return
        super().close()
        if not self._content.closed:
            with self._content:
                self._filesystem.upload(self._path, self._content)


class Ranges(io.RawIOBase):
    """A file of which only the requested ranges are read."""

    def __init__(self, filesystem: StoreFilesystem, path: str, size: int) -> None:
        self._filesystem = filesystem
        self._path = path
        self._size = size
        self._position = 0
        self.name = path  # pydicom asks every buffered file for its name

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position of the next read."""
        self._position = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence], 0)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read so many bytes, or all the rest."""
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        if end <= self._position:
            return b""
        content = self._filesystem.read_range(self._path, self._position, end)
        self._position += len(content)
        return content

    def readinto(self, buffer: Buffer) -> int:
        """Read into a buffer."""
        view = memoryview(buffer).cast("B")
        content = self.read(len(view))
        view[: len(content)] = content
        return len(content)
