"""What to read: the listing held against the ledger, batch by batch, and what is to be read cut into units of work."""

from dicomlake.plan.archives import ListArchive
from dicomlake.plan.planner import ListedSource, PlanCounts, Planner
from dicomlake.plan.unit import UNIT_SCHEMA, unit_of

__all__ = ["UNIT_SCHEMA", "ListArchive", "ListedSource", "PlanCounts", "Planner", "unit_of"]
