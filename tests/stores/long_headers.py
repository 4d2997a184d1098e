"""An archive with headers from 4 KB to 2 MB, in which no value is worth skipping: what a policy of first requests is tried on."""

from __future__ import annotations

from tests.engine.builder import E, keys, part10

REQUEST_BYTES = 128 * 1024
"""A request is as dear as so many bytes, by the policy of the core."""

_FOLDER_FILES = 200
_OPAQUE_VALUES = (0, 133, 1, 20, 5)
"""How many opaque values of 15,000 bytes the headers of each folder have."""


def archive_of_long_headers(*, alike: bool) -> dict[str, bytes]:
    """Objects by their paths: five folders of 200 files each, all of one size.

    Headers in a folder differ by a few bytes where they are ``alike``; else each differs from the next, and nothing that a listing says
    tells by how much.
    """
    files = [(folder, number, values) for folder, values in enumerate(_OPAQUE_VALUES) for number in range(_FOLDER_FILES)]
    if not alike:
        files = [(folder, number, _OPAQUE_VALUES[(number * 7 + folder) % 5] * (number % 11) // 10) for folder, number, _ in files]
    made = {values: [_with_values(values, 3000 + more) for more in (0, 46, 90)] for values in {values for *_, values in files}}
    return {f"/{folder}/{number:03}": made[values][number % 3] for folder, number, values in files}


def archive_of_mixed_folders(folders: int = 25, files: int = 200) -> dict[str, bytes]:
    """Objects by their paths: in each folder every fourth file has a header of 74 KB, the others one of 4 KB, before the same pixels."""
    made = {values: _with_values(values, 3000, pixels=100_000) for values in (0, 5)}
    return {f"/{folder}/{number:03}": made[5 if number % 4 == 1 else 0] for folder in range(folders) for number in range(files)}


def _with_values(opaque: int, text: int, pixels: int = 2_100_000) -> bytes:
    values = b"".join(E.element(0x00091010 + at, bytes(15_000), "OB") for at in range(opaque))
    header = keys() + values + E.element("PatientComments", "P" * text)
    # The long headers stand before fewer pixels, so that all files of that archive have one size.
    return part10(header + E.element("PixelData", bytes(pixels - len(header) if pixels > 1_000_000 else pixels), "OW"))
