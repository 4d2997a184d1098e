"""One writer at a time where there is no lock: a lease, an object that is only created if it is not there.

Leases are numbered. Whoever creates the next one holds the lake, says so in it, and writes it again every few seconds; one that its holder
gave back, or that has not been written for a minute by the store's own clock, may be followed by the next. A lease only saves work: that no
commit is lost is up to the commits, which are conditional writes too. So a holder that was given up and lives on does no harm: where the
last lease was not given back, its successor makes all tables move (`Table.fence`), and whoever opened them earlier commits nothing more.

All of that stands on conditional writes. There are stores that take the condition and do not look at it, and commits are lost there without
a word. So every lease is created twice, which must fail once, and the first one of a lake tries it from several threads at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError

from dicomlake.errors import AccessDenied, DicomlakeError, LakeLocked
from dicomlake.parts import Location
from dicomlake.stores import RenewedClient, patiently, store_of, store_refusal

if TYPE_CHECKING:
    from obstore.store import ObjectStore

LEASE_FOLDER = ".lease"

HEARTBEAT = timedelta(seconds=15)
GIVEN_UP = timedelta(seconds=60)
"""How often a holder writes its lease, and after what time without that it is taken for dead."""

_TRIES = 10
_RACERS = 6
_RACES = 3


@dataclass(frozen=True)
class Claim:
    """The content of a lease: its holder and since when; whether it was given back, and so that nothing begun under it is on its way.

    ``raced`` is the address for which conditional writes were tried by several at once.
    """

    token: str
    process: int
    host: str
    machine: str
    since: str
    released: bool = False
    clean: bool = True
    raced: str | None = None

    @property
    def holder(self) -> str:
        """The holder, for messages."""
        return f"process {self.process} on {self.host} since {self.since} UTC"

    def encoded(self) -> bytes:
        """The object's content."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, content: bytes) -> Claim | None:
        """The claim in an object; None where there is none."""
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError):
            return None


class Lease:
    """The lease of a lake on an object store.

    ``is_contested`` says, of one that is held, whether the one before it may still have a holder.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._claim: Claim | None = None
        self._name = ""
        self._renewed: RenewedClient | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_contested = True

    def try_acquire(self) -> str | None:
        """Take the lease if it is free; else answer who holds it.

        Raises:
            AccessDenied: the lake can't be written, or its store ignores the condition of conditional writes.
            ConfigurationError: the storage options can't be used.
        """
        try:
            self._renewed = RenewedClient(f"{self._location.url}/{LEASE_FOLDER}", self._location.storage_options)
            return self._try(self._renewed)
        except (BaseError, OSError) as error:
            raise self._refusal(error) from None

    def release(self, *, clean: bool = True) -> None:
        """Give the lease back.

        Args:
            clean: whether nothing that was begun under it can still take effect, such as a commit whose fate is not known.
        """
        if self._claim is None or self._renewed is None:
            return
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        with contextlib.suppress(BaseError, OSError):
            store, content = self._renewed.client, replace(self._claim, released=True, clean=clean).encoded()
            patiently(lambda: obstore.put(store, self._name, content))
        self._claim = None

    def _try(self, renewed: RenewedClient) -> str | None:
        store = renewed.client
        for _ in range(_TRIES):
            names = _names(store)
            last = _read(store, names[-1]) if names else None
            if names and last is None:
                continue  # it went just now: there is a later one
            if last is not None and not last.claim.released and not self._is_dead(store, last):
                return last.claim.holder
            name = f"{int(names[-1]) + 1 if names else 1:012d}"
            raced = last.claim.raced if last is not None and last.claim.raced == self._address() else None
            claim = Claim(
                uuid.uuid4().hex, os.getpid(), socket.gethostname(), _machine(), f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", raced=raced
            )
            if not _create(store, name, claim):
                continue  # another one was faster
            self._check_conditional_writes(store, name, claim)
            if _names(store)[-1] != name:  # this number had been used, and was tidied away
                patiently(lambda: obstore.delete(store, name))  # noqa: B023 - it is asked here
                continue
            for earlier in names:
                with contextlib.suppress(BaseError, OSError):
                    obstore.delete(store, earlier)
            self._claim = replace(claim, raced=self._address())
            self._name = name
            self.is_contested = last is None or not (last.claim.released and last.claim.clean)
            self._beat(store)
            self._thread = threading.Thread(target=self._keep_alive, args=(renewed,), name="dicomlake-lease", daemon=True)
            self._thread.start()
            return None
        raise LakeLocked(f"lake {self._location.url} is being opened by others all the time; run again later")

    def _address(self) -> str:
        store = store_of(self._location.url, self._location.storage_options)
        return f"{self._location.url} {(store.endpoint if store else None) or ''}".strip()

    def _check_conditional_writes(self, store: ObjectStore, name: str, claim: Claim) -> None:
        ignored = _create(store, name, replace(claim, token=""))
        if not ignored and claim.raced is None:
            ignored = any(_race(store) > 1 for _ in range(_RACES))
        if ignored:
            with contextlib.suppress(BaseError, OSError):
                obstore.delete(store, name)
            raise AccessDenied(
                f"lake {self._location.url} can't be kept there: its store ignores the condition of conditional writes (If-None-Match), "
                "and would lose commits without a word; keep the lake in a local folder, or on a store that heeds it"
            )

    def _is_dead(self, store: ObjectStore, last: _Last) -> bool:
        if last.claim.machine == _machine() and not _is_running(last.claim.process):
            return True
        # The number may be another process's by now: in containers that follow each other all are process 1.
        return _now(store) - last.modified > GIVEN_UP

    def _keep_alive(self, renewed: RenewedClient) -> None:
        while not self._stopped.wait(HEARTBEAT.total_seconds()):
            with contextlib.suppress(DicomlakeError):
                self._beat(renewed.client)

    def _beat(self, store: ObjectStore) -> None:
        with contextlib.suppress(BaseError, OSError):
            if self._claim is not None:
                obstore.put(store, self._name, self._claim.encoded())

    def _refusal(self, error: Exception) -> DicomlakeError:
        return store_refusal(self._location.url, error, self._location.storage_options, f"lake {self._location.url} can't be written")


@dataclass(frozen=True)
class _Last:
    claim: Claim
    modified: datetime


def _names(store: ObjectStore) -> list[str]:
    return patiently(lambda: sorted(entry["path"] for page in obstore.list(store) for entry in page if entry["path"].isdigit()))


def _read(store: ObjectStore, name: str) -> _Last | None:
    try:
        found, content = patiently(lambda: _content(store, name))
    except (NotFoundError, FileNotFoundError):
        return None
    claim = Claim.decoded(content) or Claim("", 0, "an unknown host", "", "an unknown time")
    return _Last(claim, found)


def _content(store: ObjectStore, name: str) -> tuple[datetime, bytes]:
    found = obstore.get(store, name)
    return found.meta["last_modified"], bytes(found.bytes())


def _create(store: ObjectStore, name: str, claim: Claim) -> bool:
    """Create a lease; whether it is this claim's. A client that had no answer asks again, and is then told that it is there already."""
    try:
        patiently(lambda: obstore.put(store, name, claim.encoded(), mode="create", use_multipart=False))
    except AlreadyExistsError:
        there = _read(store, name)
        return there is not None and there.claim.token == claim.token
    return True


def _race(store: ObjectStore) -> int:
    """How many of several threads created the same object: one, where conditions are heeded."""
    name = f"race-{uuid.uuid4().hex}"
    start = threading.Barrier(_RACERS)

    def run(number: int) -> bool:
        start.wait()
        try:
            patiently(lambda: obstore.put(store, name, str(number).encode(), mode="create", use_multipart=False))
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(_RACERS) as racers:
        won = sum(racers.map(run, range(_RACERS)))
    patiently(lambda: obstore.delete(store, name))
    return won


def _now(store: ObjectStore) -> datetime:
    """The time by the store's own clock."""
    name = f"clock-{uuid.uuid4().hex}"
    patiently(lambda: obstore.put(store, name, b""))
    try:
        return patiently(lambda: obstore.head(store, name)["last_modified"])
    finally:
        patiently(lambda: obstore.delete(store, name))


def _machine() -> str:
    """The identity of a machine, within which a process id means one process: two containers may share a host name."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text('ascii').strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return f"unknown {uuid.uuid4().hex}"


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
