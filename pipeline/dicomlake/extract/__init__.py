"""One unit of work: files to rows to part files. Engines read the headers."""
