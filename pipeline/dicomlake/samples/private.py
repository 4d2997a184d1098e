"""Private blocks as makers write them, found by creator and not by number (PS3.5 7.8.1).

The same creator has another block in another series, as after a second system that added its own elements. A reader that takes (0019,100C)
for the b-value reads the wrong element there.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from dicomlake.samples.elements import decimal

SIEMENS_MR = "SIEMENS MR HEADER"
SIEMENS_CSA = "SIEMENS CSA HEADER"
GE_PARAMETERS = "GEMS_PARM_01"
ROUTER = "SYNTHETIC ROUTER 1.0"


def add_router(dataset: Dataset, group: int) -> None:
    """Reserve a block of ``group`` for a router. Called first, it moves the maker's creator to the next block."""
    block = dataset.private_block(group, ROUTER, create=True)
    block.add_new(0x01, "LO", "received")
    block.add_new(0x0C, "SH", "not a b-value")


def add_siemens_mr(dataset: Dataset, b_value: float) -> None:
    """Add a Siemens MR block with the b-value, in s/mm², at (0019,xx0C)."""
    block = dataset.private_block(0x0019, SIEMENS_MR, create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x0A, "US", 1)
    block.add_new(0x0C, "IS", decimal(b_value))
    block.add_new(0x0D, "CS", "DIRECTIONAL" if b_value else "NONE")
    block.add_new(0x28, "FD", 14.881)


def add_siemens_csa(dataset: Dataset, image_bytes: int, series_bytes: int) -> None:
    """Add the two Siemens CSA headers, opaque values of the given lengths in bytes, at (0029,xx10) and (0029,xx20)."""
    block = dataset.private_block(0x0029, SIEMENS_CSA, create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x10, "OB", _opaque(image_bytes))
    block.add_new(0x18, "CS", "MR")
    block.add_new(0x20, "OB", _opaque(series_bytes))


def add_ge_parameters(dataset: Dataset, count: int = 6) -> None:
    """Add a GE block of ``count`` short elements in group 0043."""
    block = dataset.private_block(0x0043, GE_PARAMETERS, create=True)
    for offset in range(count):
        if offset % 2:
            block.add_new(offset + 1, "DS", [decimal(offset / 8), decimal(offset * 1.5), "0"])
        else:
            block.add_new(offset + 1, "LO", f"PARAMETER {offset:02d} SYNTHETIC")


def _opaque(length: int) -> bytes:
    return b"SV10" + bytes(index * 7 % 256 for index in range(length - 4))
