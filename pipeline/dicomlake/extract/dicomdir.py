"""The files that a DICOMDIR names (PS3.3 F.3, Basic Directory Information Object Definition)."""

from __future__ import annotations

from typing import BinaryIO

_INACTIVE = b"\0\0"


def read_file_ids(stream: BinaryIO) -> list[list[str]]:
    """The Referenced File ID (0004,1500) of each directory record that has one and is not marked as inactive, in the order of the records.

    Raises:
        ValueError: this is no DICOMDIR, or it can't be read.
    """
    import pydicom  # noqa: PLC0415  (most runs read no DICOMDIR)

    file_ids = []
    try:
        for record in pydicom.dcmread(stream).DirectoryRecordSequence or []:
            # Values as they stand: pydicom would warn, and log, of those that are not code strings.
            file_id, in_use = (getattr(record.get_item(tag), "value", None) for tag in ("ReferencedFileID", "RecordInUseFlag"))
            if file_id and in_use != _INACTIVE:
                file_ids.append([part.strip(" \0") for part in file_id.decode("latin-1").split("\\")])
    except Exception as error:  # noqa: BLE001  (pydicom raises of many kinds on what is damaged)
        raise ValueError(type(error).__name__) from None
    return file_ids
