"""What a command prints: tables, formats, progress, logs and metrics."""
