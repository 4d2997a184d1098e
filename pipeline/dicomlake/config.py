"""Settings: YAML into frozen, closed models. An unknown key is an error that names its path.

`default.yaml` beside this file shows every key with its default; a test holds the two equal.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dicomlake.errors import ConfigurationError
from dicomlake.limits import KIB, MIB, FrameLimits, ReadingLimits
from dicomlake.schema import Column, FrameAttribute, LakeSchema, user_column, user_frame_attribute

AUTOMATIC = "auto"
SEE_EVERY_KEY = "'dicomlake index --print-config' shows every key"
_SPAN = re.compile(r"(\d{1,6})(s|min|h|d|w)")  # no m, which could be months
_SPAN_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(text: str) -> timedelta:
    """The span of time that a text gives, as in ``45s``, ``30min``, ``12h``, ``30d`` and ``4w``.

    Raises:
        ValueError: it gives none.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a span of time; give a whole number and its unit: 45s, 30min, 12h, 30d, 4w")
    return timedelta(**{_SPAN_UNITS[match[2]]: int(match[1])})


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ColumnSettings(_Model):
    """A column that the user adds to `instances`; see ``dicomlake.schema.path`` for the syntax of ``path``."""

    path: str
    name: str | None = None
    vr: str | None = None
    type: str | None = None
    description: str | None = None
    units: str | None = None

    def column(self) -> Column:
        """The column.

        Raises:
            ConfigurationError: the path, VR or type can't be used.
        """
        return user_column(
            self.path,
            name=self.name,
            vr=self.vr,
            type_name=self.type,
            description=self.description,
            units=self.units,
        )


class FrameColumnSettings(ColumnSettings):
    """A column that the user adds to `frames`; ``path`` begins below a functional groups item and takes the first item of each sequence."""

    def attribute(self) -> FrameAttribute:
        """The attribute.

        Raises:
            ConfigurationError: the path, VR or type can't be used.
        """
        return user_frame_attribute(self.column())


class FramesSettings(_Model):
    """Which frames have rows, and columns of the user's own. In YAML ``frames: off`` is ``frames: {read: false}``."""

    read: bool = True
    limit: Annotated[int, Field(ge=1, le=500_000)] = 100_000
    tiled_full: bool = False
    columns: Annotated[tuple[FrameColumnSettings, ...], Field(strict=False)] = ()

    def limits(self) -> FrameLimits:
        """The settings as an engine takes them."""
        return FrameLimits(self.read, self.limit, self.tiled_full)


class ListingSettings(_Model):
    """How sources are listed and cut into units of work."""

    follow_folder_links: bool = False
    archives: bool = True
    archive_expansion_limit: Annotated[float, Field(ge=1)] = 1000.0
    unit_files: Annotated[int, Field(ge=1, le=1_000_000)] = 8192


class ReadingSettings(_Model):
    """How far into a file an engine reads. ``first_read`` and ``header_limit`` are bytes."""

    first_read: Annotated[int, Field(ge=256, le=64 * MIB)] = ReadingLimits().first_read
    header_limit: Annotated[int, Field(ge=4 * KIB, le=4096 * MIB)] = ReadingLimits().header_limit
    file_seconds_limit: Annotated[float, Field(gt=0)] = ReadingLimits().file_seconds_limit
    requests_in_flight: Annotated[int, Field(ge=1, le=1024)] = ReadingLimits().requests_in_flight

    def limits(self) -> ReadingLimits:
        """The limits, as an engine takes them."""
        return ReadingLimits(self.first_read, self.header_limit, self.file_seconds_limit, self.requests_in_flight)


def _frames_of_switch(given: object) -> object:
    """YAML reads ``off`` as false."""
    return {"read": given} if isinstance(given, bool) else given


def _checked_span(text: str) -> str:
    span_of(text)
    return text


class LakeSettings(_Model):
    """How tables are written and kept."""

    partition_by: str = "Modality"
    missing_limit: Annotated[float, Field(ge=0, le=1)] = 0.10
    commit_units: Annotated[int, Field(ge=1, le=10_000)] = 16
    commit_seconds: Annotated[float, Field(gt=0)] = 60.0
    rollup_rows: Annotated[int, Field(ge=1)] = 10_000
    log_retention_days: Annotated[int, Field(ge=1)] = 3650
    merge_parts: Annotated[int, Field(ge=0, le=1000)] = 4
    keep: Annotated[str, AfterValidator(_checked_span)] | None = "90d"

    def keep_time(self) -> timedelta | None:
        """How long snapshots are kept; for ever where None."""
        return None if self.keep is None else span_of(self.keep)


class RunningSettings(_Model):
    """Where units run: on workers of this machine, or on the cluster of ``scheduler``."""

    workers: Annotated[int, Field(ge=0, le=1024)] | None = None
    scheduler: str | None = None
    units_in_flight_per_worker: Annotated[int, Field(ge=1, le=64)] = 2
    worker_deaths_limit: Annotated[int, Field(ge=1, le=100)] = 3
    time_limit_seconds: Annotated[float, Field(gt=0)] | None = None
    worker_wait_seconds: Annotated[float, Field(gt=0)] = 300.0
    unit_seconds_limit: Annotated[float, Field(gt=0)] = 3600.0
    dashboard_address: str | None = AUTOMATIC


class Settings(_Model):
    """Every setting of a run, as ``default.yaml`` explains them; make them with `load_settings`.

    Example:
        >>> dicomlake.Settings().lake.missing_limit
        0.1
    """

    engine: Literal["native", "pydicom"] = "native"
    headers: bool = False
    columns: Annotated[tuple[ColumnSettings, ...], Field(strict=False)] = ()
    frames: Annotated[FramesSettings, BeforeValidator(_frames_of_switch)] = FramesSettings()
    listing: ListingSettings = ListingSettings()
    reading: ReadingSettings = ReadingSettings()
    lake: LakeSettings = LakeSettings()
    running: RunningSettings = RunningSettings()
    storage_options: Annotated[dict[str, Any], Field(repr=False)] = {}

    def schema_of_lake(self) -> LakeSchema:
        """The schema of the lake that these settings describe.

        Raises:
            ConfigurationError: a column can't be used.
        """
        columns = [column.column() for column in self.columns]
        return LakeSchema.build(columns, self.lake.partition_by, [column.attribute() for column in self.frames.columns])

    def of_rows(self) -> dict[str, Any]:
        """The settings that change rows, as a configuration has them: a lake keeps them, and a run without a configuration takes them."""
        return {
            "engine": self.engine,
            "headers": self.headers,
            "columns": [column.model_dump(exclude_none=True) for column in self.columns],
            "frames": self.frames.model_dump(exclude_none=True, mode="json"),
            "listing": {"archives": self.listing.archives, "archive_expansion_limit": self.listing.archive_expansion_limit},
            "reading": {"header_limit": self.reading.header_limit},
            "lake": {"partition_by": self.lake.partition_by},
        }

    def digest(self) -> str:
        """A digest of the settings that change rows: where it differs from the last run's, every file is read again.

        No path, address or credential goes into it; nor does what only describes a column, or how long a file may take
        (one that took too long is tried again by every run anyway).
        """
        columns = sorted((column.column() for column in self.columns), key=lambda column: column.name)
        rows: dict[str, Any] = {
            "headers": self.headers,
            "columns": [(column.name, column.path.text, column.vr, column.type) for column in columns],
            "header_limit": self.reading.header_limit,
            "partition_by": self.lake.partition_by,
        }
        if self.frames != FramesSettings():
            attributes = [column.attribute() for column in self.frames.columns]
            rows["frames"] = {
                "read": self.frames.read,
                "limit": self.frames.limit,
                "tiled_full": self.frames.tiled_full,
                "columns": sorted((one.name, one.paths[0].text, one.vr, one.type) for one in attributes),
            }
        if not self.listing.archives:
            rows["archives"] = False
        elif self.listing.archive_expansion_limit != ListingSettings().archive_expansion_limit:
            rows["archive_expansion_limit"] = self.listing.archive_expansion_limit
        return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:32]


def load_settings(
    path: str | Path | None = None, overrides: Mapping[str, Any] | None = None, *, base: Mapping[str, Any] | None = None
) -> Settings:
    """Read settings from a YAML file (or take the defaults), then put ``overrides`` over them.

    Args:
        path: the file; where None, the settings of the lake, and the defaults.
        overrides: values by their keys with dots, as in ``lake.missing_limit``.
        base: settings below the overrides where there is no file, such as those that a lake keeps (``Settings.of_rows``).

    Raises:
        ConfigurationError: the file can't be read or is not YAML, or a key or value can't be used.

    Example:
        >>> settings = dicomlake.load_settings(overrides={"columns": [{"path": "PatientBirthTime"}]})
        >>> "PatientBirthTime" in dicomlake.scan("archive", config=settings).instances.schema.names
        True
    """
    where = "configuration" if path is None else f"configuration {path}"
    values = deepcopy(dict(base or {})) if path is None else _read_yaml(Path(path))
    for key, value in (overrides or {}).items():
        _put(values, key, value)
    try:
        settings = Settings.model_validate(values)
        settings.schema_of_lake()
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {_first_line(error)}") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return settings


def _put(values: dict[str, Any], key: str, value: object) -> None:
    *sections, leaf = key.split(".")
    target: Any = values
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            return  # the file has a value where a section belongs: validation says so
    target[leaf] = value


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"configuration {path} can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"configuration {path} is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"configuration {path} is not YAML: {_yaml_problem(error)}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"configuration {path} must hold keys and values; {SEE_EVERY_KEY}")
    # A section whose every line is commented out is None in YAML, and means its defaults.
    return {key: value for key, value in loaded.items() if value is not None}


def _yaml_problem(error: yaml.YAMLError) -> str:
    """The problem and its line, without the text of that line: it may be a credential."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
    return "a character in it is not allowed"


def _first_line(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False)
    first = details[0]
    key = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"key '{key}' is unknown; {SEE_EVERY_KEY}{more}"
    if first["type"] == "tuple_type":
        return f"key '{key}' must hold a list{more}"
    if first["type"] == "model_type":
        return f"key '{key}' must hold keys and values; {SEE_EVERY_KEY}{more}"
    if first["type"] == "value_error":
        return f"key '{key}': {first['ctx']['error']}{more}"
    return f"key '{key}': {first['msg'][0].lower()}{first['msg'][1:]}{more}"
