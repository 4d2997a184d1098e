"""From a row of a lake to its file: an instance as a data set of pydicom, with pixels, and a url as an open file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from dicomlake.errors import FileUnreadable, InstanceNotFound
from dicomlake.fetch import open_binary
from dicomlake.lake import Lake
from dicomlake.printable import printable_line

if TYPE_CHECKING:
    from pydicom import FileDataset


class OpeningLake(Lake):
    """The tables of a lake, pinned to one finished run (the last, unless ``at`` says otherwise), and the files that they name.

    Every table is an attribute, a polars LazyFrame: ``lake.files``, ``lake.instances``, ``lake.series``, ``lake.studies``,
    ``lake.patients``, ``lake.frames``, ``lake.stacks``, ``lake.instance_references``, ``lake.segments``, ``lake.content_items``,
    ``lake.findings``, ``lake.snapshots``.

    Args:
        url: the lake's folder or url.
        storage_options: options of the store, for a lake that is not a local folder.
        snapshot: the number of a finished run; the last one where None.

    Raises:
        NotALake: there is no lake, or it has no such snapshot.
        AccessDenied: this user may not read it.

    Example:
        >>> lake = dicomlake.Lake("lake")
        >>> lake.series.collect().height
        28
    """

    def open(self, sop_instance_uid: str, *, storage_options: Mapping[str, Any] | None = None) -> FileDataset:
        """Read an instance, with its pixels, as a data set of pydicom.

        Args:
            sop_instance_uid: its SOPInstanceUID, as in `instances`.
            storage_options: of fsspec, for a file in a store; those of the lake where None.

        Raises:
            InstanceNotFound: the lake has no such instance.
            FileUnreadable: its file is gone, or can't be read.

        Example:
            >>> lake = dicomlake.Lake("lake")
            >>> import polars as pl
            >>> uid = lake.instances.filter((pl.col("Modality") == "CT") & ~pl.col("is_compressed")).collect()["SOPInstanceUID"][0]
            >>> dataset = lake.open(uid)
            >>> dataset.Modality, dataset.pixel_array.ndim
            ('CT', 2)
        """
        url = self._url_of(sop_instance_uid)
        with self.open_file(url, storage_options=storage_options) as file:
            return _read(file, url)

    def open_file(self, url: str, *, storage_options: Mapping[str, Any] | None = None) -> BinaryIO:
        r"""Open the file of a row at its first byte.

        Args:
            url: as in the column ``url``: a path, ``zip://…::…``, ``s3://…``. Its escapes (``\xHH``) are undone.
            storage_options: of fsspec, for a file in a store; those of the lake where None.

        Raises:
            FileUnreadable: it is gone, or can't be read.

        Example:
            >>> lake = dicomlake.Lake("lake")
            >>> with lake.open_file(lake.instances.collect()["url"][0]) as file:
            ...     file.seek(128), file.read(4)
            (128, b'DICM')
        """
        return open_binary(url, self.location.storage_options if storage_options is None else storage_options)

    def _url_of(self, sop_instance_uid: str) -> str:
        found = self.instances.filter(pl.col("SOPInstanceUID") == sop_instance_uid).select("url").collect()["url"]
        if found.is_empty():
            raise InstanceNotFound(
                f"{self.location.url} has no instance {printable_line(repr(sop_instance_uid))} in snapshot {self.snapshot}; "
                "take a SOPInstanceUID of the table instances"
            )
        return str(found[0])


def _read(file: BinaryIO, url: str) -> FileDataset:
    from pydicom import dcmread, uid  # noqa: PLC0415 - only those who open a file wait for it

    try:
        # The lake knows that it is DICOM, also where the prefix is missing.
        dataset = dcmread(file, force=True)
    except Exception as error:  # noqa: BLE001 - pydicom raises whatever its parts raise
        reason = f"pydicom can't read it ({type(error).__name__})"
        raise FileUnreadable(f"{printable_line(url)} can't be opened: {reason}; 'dicomlake inspect' shows where it is damaged") from None
    if "TransferSyntaxUID" not in dataset.file_meta:
        # A file without file meta is not compressed; its pixels are asked for by the encoding that pydicom found.
        is_implicit, is_little = dataset.original_encoding
        explicit = uid.ExplicitVRLittleEndian if is_little else uid.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if is_implicit else explicit
    return dataset
