"""`Lake`: the tables that a snapshot pins, as Python programs see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from dicomlake.answers.open import OpeningLake

if TYPE_CHECKING:
    import duckdb


class Lake(OpeningLake):
    """The tables of a lake, pinned to one finished run (the last, unless ``at`` says otherwise): SQL over them, and their files.

    Every table is an attribute, a polars LazyFrame: ``lake.files``, ``lake.instances``, ``lake.series``, ``lake.studies``,
    ``lake.patients``, ``lake.frames``, ``lake.stacks``, ``lake.instance_references``, ``lake.segments``, ``lake.content_items``,
    ``lake.findings``, ``lake.snapshots``.

    Args:
        url: the lake's folder or url.
        storage_options: options of the store, for a lake that is not a local folder.
        snapshot: the number of a finished run; the last one where None.

    Raises:
        NotALake: there is no lake, or it has no such snapshot.

    Example::

        lake = dicomlake.Lake("lake")
        lake.sql("select Modality, count(*) as series from series group by all").collect()
    """

    def sql(self, query: str, **frames: Any) -> pl.LazyFrame:  # noqa: ANN401 - polars, pandas or Arrow
        """Ask a question in DuckDB's SQL. Every table of the lake is a view; names of columns may be written in any case.

        The query can read the tables and the frames, and nothing else. It can write nothing. It runs when the frame is collected; then
        errors in the data come. Integer sums are 64 bits wide.

        Args:
            query: one question, or the name of a ready one, as in ``@ct_index``.
            frames: further tables by name: frames of polars, pandas or Arrow.

        Raises:
            QueryError: the query can't be parsed, names a table or column that is not there, or is not one question.
            UsageError: a frame can't be used.
            LakeDamaged: a table can't be read.

        Example::

            wanted = pl.DataFrame({"AccessionNumber": ["A1", "A2"]})
            lake.sql("select * from studies join wanted using (AccessionNumber)", wanted=wanted).collect()
        """
        from dicomlake.answers.sql.answer import ask  # noqa: PLC0415 - DuckDB is imported by those who ask
        from dicomlake.answers.sql.frame import lazy_frame  # noqa: PLC0415

        return lazy_frame(ask(self, query, frames))

    def duckdb(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection of your own, with a view of every table.

        Unlike `sql` nothing is locked: it reads and writes other files, and may take memory and disk as DuckDB does. The lake itself stays
        as it is, since its files can only be read through the views.

        Raises:
            LakeDamaged: a table can't be read.

        Example::

            connection = lake.duckdb()
            connection.execute("copy (select * from series) to 'series.csv'")
        """
        from dicomlake.answers.sql.session import open_free  # noqa: PLC0415 - likewise

        return open_free(self).connection
