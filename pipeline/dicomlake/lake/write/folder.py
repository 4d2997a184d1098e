"""The folder of a lake, or the prefix in a bucket, before the first table is made there."""

from __future__ import annotations

import os
import re

from dicomlake.errors import AccessDenied, ConfigurationError, NotALake
from dicomlake.lake.write.lock import LOCK_NAME
from dicomlake.parts import Location
from dicomlake.schema import table_names
from dicomlake.stores import is_object_store

_NO_KEY = re.compile(r"[^!$&-;@-\[\]_a-z~]")
"""Characters of a url that those who open it quote, unquote, or take for its end or for a partition."""


def make_lake_folder(location: Location) -> None:
    """Make the folder where there is none.

    Raises:
        ConfigurationError: readers of Delta tables could not find tables there.
        NotALake: it is a folder with other things in it.
        AccessDenied: it can't be made.
    """
    if not location.is_local:
        # In some of these a reader sees a quoted key, in others the beginning of something else.
        if is_object_store(location.url) and (found := _NO_KEY.search(location.url)):
            raise ConfigurationError(
                f"lake {location.url!r} can't be made: readers of Delta tables find no url with {found[0]!r}; name another"
            )
        return
    path = location.url
    try:
        if unreadable := sorted({character for character in path if character in "%\\" or not character.isprintable()}):
            raise ConfigurationError(
                f"lake {path!r} can't be made: readers of Delta tables find no path with {unreadable[0]!r}; name another"
            )
        if os.path.isdir(path):
            names = set(os.listdir(path)) - {LOCK_NAME}
            if not names:
                os.chmod(path, 0o700)  # it will hold patients' data
            if names and not names & set(table_names()):
                raise NotALake(f"{path} is a folder with other things in it, and not a lake; name a new or empty folder")
        else:
            os.makedirs(path, mode=0o700)
    except OSError as error:
        raise AccessDenied(f"lake {path} can't be made: {error.strerror}; name a folder that can be written") from None
