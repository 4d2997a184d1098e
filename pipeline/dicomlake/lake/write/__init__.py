"""Writing: one writer at a time, tables and their commits, rows removed from part files."""
