"""The commands. Each module holds a function of its own name, which parses, calls one function and prints."""

COMMANDS = ("sample", "index", "info", "diff", "query", "inspect", "schema", "optimize", "vacuum", "verify")
"""The commands in the order of the help."""
