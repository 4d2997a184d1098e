"""The commands: each module parses, calls one function and prints. It holds a function of its own name."""

COMMANDS = ("sample", "index", "info", "diff", "query", "inspect", "schema", "optimize", "vacuum", "verify")
"""In the order of the help."""
