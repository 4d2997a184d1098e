"""The command line: each command parses, calls one function, and prints. stdout carries data, stderr carries messages."""

from dicomlake.cli.invocation import main

__all__ = ["main"]
