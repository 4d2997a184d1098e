"""The files to read: the listing is compared with the ledger, batch by batch, and cut into units of work."""

from dicomlake.plan.archives import ListArchive
from dicomlake.plan.planner import ListedSource, PlanCounts, Planner
from dicomlake.plan.unit import UNIT_SCHEMA, unit_of

__all__ = ["UNIT_SCHEMA", "ListArchive", "ListedSource", "PlanCounts", "Planner", "unit_of"]
