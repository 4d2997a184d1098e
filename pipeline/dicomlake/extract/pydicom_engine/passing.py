"""Ways past what is not gathered: elements of undefined length that are no sequences, and nesting that is too deep.

Both need no memory that grows with the file.
"""

from __future__ import annotations

from dicomlake.extract.pydicom_engine import element as el
from dicomlake.extract.pydicom_engine.cursor import Cursor

_DELIMITATION_LITTLE = b"\xfe\xff\xdd\xe0"
_DELIMITATION_BIG = b"\xff\xfe\xe0\xdd"


def pass_fragments(cursor: Cursor, encoding: el.Encoding) -> bool:
    """Move past the value of an element of undefined length: fragments in items up to the delimitation (PS3.5 A.4).

    What holds no items is passed up to the next delimitation, as pydicom does. False where the file ends before.
    """
    while cursor.held(8) == 8:
        cursor.tick()
        tag, length = el.item_header(cursor.window.data, cursor.at, little=encoding.little)
        if tag == el.SEQUENCE_DELIMITATION:
            cursor.position += 8
            return True
        if tag != el.ITEM or length == el.UNDEFINED_LENGTH:
            return _pass_to_delimitation(cursor, encoding)
        if not cursor.pass_value(8, length):
            return False
    return False


def _pass_to_delimitation(cursor: Cursor, encoding: el.Encoding) -> bool:
    mark = _DELIMITATION_LITTLE if encoding.little else _DELIMITATION_BIG
    while cursor.held(8) == 8:
        data = cursor.window.data
        found = data.find(mark, cursor.at)
        if found >= 0 and found + 8 <= len(data):
            cursor.position += found - cursor.at + 8
            return True
        # The mark may begin in the last bytes held: look at these again with those that follow.
        cursor.position = cursor.window.start + len(data) - 7
    return False


def pass_deep(cursor: Cursor, encoding: el.Encoding) -> bool:
    """Move past the items of a sequence of undefined length, however deep they nest, up to its delimitation.

    What has a length is skipped by it; so only undefined lengths nest, a sequence and an item by turns, and a number is stack
    enough: odd inside a sequence, even inside an item. False where that pattern breaks or the file ends before.
    """
    open_levels = 1
    while open_levels:
        cursor.tick()
        header = cursor.element(encoding)
        if header is None:
            return False
        in_item = open_levels % 2 == 0
        if header.tag == el.SEQUENCE_DELIMITATION:
            cursor.position += 8
            open_levels -= 2 if in_item else 1
        elif header.tag == el.ITEM_DELIMITATION:
            cursor.position += 8
            open_levels -= 1 if in_item else 0
        elif header.tag == el.ITEM and in_item:
            open_levels -= 1
        elif not in_item and header.tag != el.ITEM:
            return False
        elif header.length == el.UNDEFINED_LENGTH:
            cursor.position += header.size
            open_levels += 1
        elif not cursor.pass_value(header.size, header.length):
            return False
    return True
