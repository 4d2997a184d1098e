"""The entry point: it runs a command, and turns every error into an exit status and at most one line on stderr.

0 done, 1 refused or broken off, 2 usage or configuration, 130 interrupted; the help of a command lists its other statuses.
"""

from __future__ import annotations

import gc
import os
import select
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from dicomlake.cli.exit_status import USAGE_EVENT, event_of
from dicomlake.cli.interrupts import INTERRUPTED, interruptible
from dicomlake.cli.output.log_format import wants_json
from dicomlake.errors import DicomlakeError
from dicomlake.printable import printable
from dicomlake.version import VERSION

TRACEBACK_VARIABLE = "DICOMLAKE_TRACEBACK"
COMPLETION_VARIABLE = "_DICOMLAKE_COMPLETE"
"""Set by the completion of a shell (`--install-completion`) when it asks for the words that may come next."""

COLLECTION_THRESHOLDS = (50_000, 20, 20)
"""Imports make tens of thousands of objects that all stay: looking for cycles among them took a tenth of a short command."""

Say = Callable[[str, int, str], int]
"""Writes a message about the end of a command, with its exit status and event, and answers the status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and answer its exit status.

    Args:
        arguments: without the program's name; those of the process where None.
    """
    gc.set_threshold(*COLLECTION_THRESHOLDS)
    _write_what_can_be_encoded(sys.stdout, sys.stderr)
    given = sys.argv[1:] if arguments is None else arguments
    say = _say_as_json if wants_json(given) else _say
    with interruptible():
        try:
            code = _run(given, say)
            sys.stdout.flush()
            sys.stderr.flush()
            if arguments is None:
                # Everything is closed and written. An orderly end of the interpreter would cost a quarter of a second, and a cluster that
                # was interrupted during its start would print tracebacks. Its workers end with this process.
                os._exit(code)
        except OSError as error:
            seen_enough = isinstance(error, BrokenPipeError) and _has_no_reader(sys.stdout)
            _discard(sys.stdout)  # Python must not try to write its buffer again at exit
            if seen_enough:  # as `head` has
                return 0
            return say(": ".join(str(part) for part in (error.strerror or error, error.filename) if part), 1, event_of(error))
    return code


def _run(arguments: Sequence[str], say: Say) -> int:
    if list(arguments) == ["--version"]:  # it needs no parser of command lines, whose import takes most of the time
        print(f"dicomlake {VERSION}")
        return 0
    import typer

    from dicomlake.cli.application import command_line

    try:
        command = command_line(arguments)
        if COMPLETION_VARIABLE in os.environ:  # the shell asks what may come next, and ends the process with it
            command.main(args=[], prog_name="dicomlake")
        with command.make_context("dicomlake", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as request:
        return request.exit_code
    except typer.TyperException as error:
        return _usage(error, say)
    except DicomlakeError as error:
        _show_traceback(say)
        return say(str(error), error.exit_code, event_of(error))
    except KeyboardInterrupt as error:
        return say(str(error) or "interrupted", INTERRUPTED, event_of(error))
    except OSError:
        _show_traceback(say)
        raise
    except SystemExit as request:  # the options for completion end so
        return request.code if isinstance(request.code, int) else 0
    except BaseException as error:  # noqa: BLE001 - a panic in compiled code is not an Exception
        _show_traceback(say)
        hint = "" if _wants_traceback() else f"; this is a bug: set {TRACEBACK_VARIABLE}=1 to see where, and report it"
        return say(f"{type(error).__name__}: {error}{hint}", 1, event_of(error))
    return 0


def _usage(error: Exception, say: Say) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "dicomlake"
    message = getattr(error, "format_message", error.__str__)()
    return say(f"{message.rstrip('.')}; see '{path} --help'", 2, USAGE_EVENT)


def _say(message: str, code: int, _event: str) -> int:
    line = " ".join(message.split())
    kind = "" if code == INTERRUPTED else "error: "
    try:
        print(f"dicomlake: {kind}{printable(line)}", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)
    return code


def _say_as_json(message: str, code: int, event: str) -> int:
    import traceback

    from dicomlake.cli.output.log_lines import LogLines

    seen = {"traceback": traceback.format_exc().splitlines()} if _wants_traceback() else {}
    LogLines(sys.stderr).write("warning" if code == INTERRUPTED else "error", event, message, exit_status=code, **seen)
    return code


def _wants_traceback() -> bool:
    return os.environ.get(TRACEBACK_VARIABLE, "") not in ("", "0")


def _show_traceback(say: Say) -> None:
    if _wants_traceback() and say is _say:
        import traceback

        traceback.print_exc()


def _write_what_can_be_encoded(*streams: TextIO) -> None:
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _has_no_reader(stream: TextIO) -> bool:
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _discard(stream: TextIO) -> None:
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
