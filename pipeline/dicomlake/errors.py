"""Codes and exceptions: what can be wrong with a file, a value or a request, under names that never change.

Codes are data: a bad file is a row in ``files``, a bad value a row in ``findings``. Exceptions are for bad configuration,
missing access and dicomlake's own bugs. The tree::

    DicomlakeError                    exit 1
    ├── UsageError                    exit 2: the request is wrong
    │   ├── ConfigurationError        a key, value or column of the configuration
    │   ├── SourceNotFound            a SOURCE that is not there
    │   ├── NotALake                  LAKE is not a lake
    │   ├── InstanceNotFound          an instance that the lake does not have
    │   └── QueryError                SQL that can't be run
    └── RefusedError                  exit 1: the request is right, but carrying it out is refused or broken off
        ├── MissingLimitExceeded      too many files of a source vanished at once
        ├── SourceVanished            a SOURCE that the lake knows is no longer there
        ├── AccessDenied              no permission, no space, no connection
        ├── FileUnreadable            a file that was to be opened is gone, or can't be read
        ├── ListedOutOfOrder          a store's keys come in another order than was taken for granted
        ├── LakeDamaged               a table of the lake can't be read
        ├── LakeLocked                another run is writing to the lake
        ├── TimeLimitPassed           the time limit passed before anything could be kept
        └── LakeChanged               another run committed to the lake at the same time

Every class is rebuilt from its message alone, so that each one passes between processes.
"""

from __future__ import annotations

from enum import StrEnum


class FileStatus(StrEnum):
    """The outcome of a listed file: the column ``status`` of ``files``."""

    INDEXED = "indexed"
    DUPLICATE = "duplicate"
    NOT_DICOM = "not_dicom"
    SKIPPED = "skipped"
    FAILED = "failed"
    MISSING = "missing"


class FileCode(StrEnum):
    """Why a file was not read, or read only in part: the column ``code`` of ``files``."""

    EMPTY_FILE = "empty-file"
    NOT_DICOM = "not-dicom"
    DICOMDIR = "dicomdir"
    NOT_REGULAR = "not-regular"
    TRUNCATED = "truncated"
    MISSING_KEY = "missing-key"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported-transfer-syntax"
    CORRUPT_ELEMENT = "corrupt-element"
    CORRUPT_DEFLATE = "corrupt-deflate"
    HEADER_TOO_LARGE = "header-too-large"
    NESTING_TOO_DEEP = "nesting-too-deep"
    UNREADABLE = "unreadable"
    TIMED_OUT = "timed-out"
    CORRUPT_ARCHIVE = "corrupt-archive"
    WORKER_KILLED = "worker-killed"
    ARCHIVE = "archive"
    UNSUPPORTED_MEMBER = "unsupported-member"


class FindingCode(StrEnum):
    """A defect of a value, a file or an entity: the column ``code`` of ``findings`` (where file codes stand too)."""

    MISSING_PREAMBLE = "missing-preamble"
    MISSING_FILE_META = "missing-file-meta"
    WRONG_TRANSFER_SYNTAX = "wrong-transfer-syntax"
    INVALID_DATE = "invalid-date"
    INVALID_TIME = "invalid-time"
    INVALID_DATETIME = "invalid-datetime"
    INVALID_NUMBER = "invalid-number"
    INVALID_UID = "invalid-uid"
    TOO_MANY_VALUES = "too-many-values"
    UNDECODABLE_TEXT = "undecodable-text"
    UNDECLARED_CHARACTER_SET = "undeclared-character-set"
    WRONG_VR = "wrong-vr"
    ODD_LENGTH = "odd-length"
    OUT_OF_ORDER = "out-of-order"
    MISSING_REQUIRED = "missing-required"
    CONFLICTING_DUPLICATE = "conflicting-duplicate"
    INCONSISTENT_ATTRIBUTE = "inconsistent-attribute"
    DANGLING_REFERENCE = "dangling-reference"
    IRREGULAR_GEOMETRY = "irregular-geometry"
    INVALID_CODE_STRING = "invalid-code-string"
    INVALID_AGE = "invalid-age"
    IMPLAUSIBLE_AGE = "implausible-age"
    NONSTANDARD_CHARACTER_SET = "nonstandard-character-set"
    TRAILING_BYTES = "trailing-bytes"
    FRAME_COUNT = "frame-count"
    REPEATED_NUMBER = "repeated-number"
    TOO_MANY_ROWS = "too-many-rows"


STATUS_OF_CODE: dict[FileCode, FileStatus] = {
    FileCode.EMPTY_FILE: FileStatus.NOT_DICOM,
    FileCode.NOT_DICOM: FileStatus.NOT_DICOM,
    FileCode.DICOMDIR: FileStatus.SKIPPED,
    FileCode.NOT_REGULAR: FileStatus.SKIPPED,
    FileCode.TRUNCATED: FileStatus.FAILED,
    FileCode.MISSING_KEY: FileStatus.FAILED,
    FileCode.UNSUPPORTED_TRANSFER_SYNTAX: FileStatus.FAILED,
    FileCode.CORRUPT_ELEMENT: FileStatus.FAILED,
    FileCode.CORRUPT_DEFLATE: FileStatus.FAILED,
    FileCode.HEADER_TOO_LARGE: FileStatus.FAILED,
    FileCode.NESTING_TOO_DEEP: FileStatus.FAILED,
    FileCode.UNREADABLE: FileStatus.FAILED,
    FileCode.TIMED_OUT: FileStatus.FAILED,
    FileCode.CORRUPT_ARCHIVE: FileStatus.FAILED,
    FileCode.WORKER_KILLED: FileStatus.FAILED,
    FileCode.ARCHIVE: FileStatus.SKIPPED,
    FileCode.UNSUPPORTED_MEMBER: FileStatus.FAILED,
}
"""The status of a file of which nothing could be kept, by its code."""

RETRIED_CODES: frozenset[FileCode] = frozenset({FileCode.UNREADABLE, FileCode.TIMED_OUT})
"""Codes whose cause may pass without the file changing: such files are read again by every run."""


class DicomlakeError(Exception):
    """Anything that dicomlake raises on purpose; the message is one line that says what to do next."""

    exit_code = 1


class UsageError(DicomlakeError):
    """The request is wrong: a command line, a configuration, a path, a query."""

    exit_code = 2


class ConfigurationError(UsageError):
    """A key, a value or a column of the configuration can't be used."""


class SourceNotFound(UsageError):
    """A SOURCE is not there, and the lake has never seen it."""


class NotALake(UsageError):
    """The path given as LAKE holds no lake."""


class InstanceNotFound(UsageError):
    """The lake has no instance of the UID that was asked for."""


class QueryError(UsageError):
    """A query can't be parsed or run."""


class RefusedError(DicomlakeError):
    """The request is right, but carrying it out was refused or broken off."""


class MissingLimitExceeded(RefusedError):
    """More files of a source vanished at once than ``missing_limit`` allows."""


class SourceVanished(RefusedError):
    """A SOURCE from which the lake has files is no longer there."""


class AccessDenied(RefusedError):
    """A folder, bucket or lake can't be read or written: permission, space or connection."""


class FileUnreadable(RefusedError):
    """A file that was to be opened is gone, or can't be read."""


class ListedOutOfOrder(RefusedError):
    """A store that was taken to list keys in the order of their bytes does not."""


class LakeDamaged(RefusedError):
    """A table of the lake can't be read."""


class LakeLocked(RefusedError):
    """Another run is writing to the lake."""


class TimeLimitPassed(RefusedError):
    """The time limit of a run passed before anything of it could be kept."""


class LakeChanged(RefusedError):
    """Another run committed to the lake while this one ran."""
