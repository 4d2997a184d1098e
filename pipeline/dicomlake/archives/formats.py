"""The formats of archives, recognised by content."""

from __future__ import annotations

from enum import Enum

HEAD_BYTES = 512
"""The bytes that are read to recognise an archive."""

_ZSTANDARD_SKIPPED = tuple(bytes((byte, 0x2A, 0x4D, 0x18)) for byte in range(0x50, 0x60))


class ArchiveFormat(Enum):
    """The formats of archives; the value is the scheme of their members' urls and, for a packed tar, the codec."""

    ZIP = ("zip", None)
    TAR = ("tar", None)
    TAR_GZIP = ("tar", "gzip")
    TAR_BZIP2 = ("tar", "bzip2")
    TAR_XZ = ("tar", "xz")
    TAR_ZSTANDARD = ("tar", "zstd")

    @property
    def scheme(self) -> str:
        """The scheme of the urls of members."""
        scheme: str = self.value[0]
        return scheme

    @property
    def codec(self) -> str | None:
        """The codec of a packed archive."""
        codec: str | None = self.value[1]
        return codec


def is_dicom(head: bytes) -> bool:
    """Whether a file has the DICM prefix of DICOM (PS3.10 7.1)."""
    return head[128:132] == b"DICM"


def recognise(head: bytes) -> ArchiveFormat | None:
    """The format by the first `HEAD_BYTES` of a file; a packed stream need not hold a tar.

    A file with the DICM prefix is always DICOM.
    """
    if is_dicom(head):
        return None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ArchiveFormat.ZIP
    if head.startswith(b"\x1f\x8b\x08"):
        return ArchiveFormat.TAR_GZIP
    if head.startswith(b"BZh") and head[3:4].isdigit() and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return ArchiveFormat.TAR_BZIP2
    if head.startswith(b"\xfd7zXZ\0"):
        return ArchiveFormat.TAR_XZ
    if head.startswith((b"\x28\xb5\x2f\xfd", *_ZSTANDARD_SKIPPED)):
        return ArchiveFormat.TAR_ZSTANDARD
    return ArchiveFormat.TAR if is_tar_header(head) else None


def is_tar_header(block: bytes) -> bool:
    """Whether a block of 512 bytes has the checksum that every tar header has (POSIX.1 pax, "ustar Interchange Format")."""
    if len(block) < HEAD_BYTES or block[0] == 0:
        return False
    claimed = block[148:156].strip(b" \0")
    try:
        value = int(claimed, 8)
    except ValueError:
        return False
    # Some old writers summed signed bytes.
    rest = block[:148] + b" " * 8 + block[156:HEAD_BYTES]
    unsigned = sum(rest)
    return value in (unsigned, unsigned - 256 * sum(byte >> 7 for byte in rest))
