"""SQL over the tables of a lake: the one room that knows DuckDB."""
