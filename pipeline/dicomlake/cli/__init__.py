"""The command line: each command parses, calls one function, and prints. stdout is data, stderr is talk."""

from dicomlake.cli.invocation import main

__all__ = ["main"]
