"""The run: what happens, in which order."""

from dicomlake.run.index import IndexRequest, run_index
from dicomlake.run.progress import Progress, Summary

__all__ = ["IndexRequest", "Progress", "Summary", "run_index"]
