"""The output of commands: tables, formats, progress, logs and metrics."""
