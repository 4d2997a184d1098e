"""Keys that join: digests that stand for the DICOM keys of a patient, study or series, and that are never null."""

from __future__ import annotations

import xxhash


def entity_key(*values: str | None) -> str:
    """The key of an entity: 32 hex digits of XXH3 (128 bits, seed 0) over its key attributes, in their order.

    A null is hashed as a byte 0. A text is hashed as a byte 1, the length of its UTF-8 (8 bytes, little endian) and that UTF-8.
    """
    content = bytearray()
    for value in values:
        if value is None:
            content += b"\0"
        else:
            text = value.encode("utf-8")
            content += b"\1" + len(text).to_bytes(8, "little") + text
    return xxhash.xxh3_128_hexdigest(bytes(content))
