"""Copies of one instance: where they stand, which is kept, which are duplicates, and which of those differ from the kept one."""

from dicomlake.duplicates.copy_finder import CopyFinder
from dicomlake.duplicates.resolution import conflict_findings, resolve

__all__ = ["CopyFinder", "conflict_findings", "resolve"]
