"""Parents from children: `series`, `studies` and `patients`, rolled up for the entities that a run touched."""

from dicomlake.rollup.levels import KEYS, LEVELS, NAME_OF_LEVEL, REMOVED_BY
from dicomlake.rollup.plan import Chunk, chunks, touched_entities
from dicomlake.rollup.task import RollUpResult, RollUpTask, run_roll_ups

__all__ = [
    "KEYS",
    "LEVELS",
    "NAME_OF_LEVEL",
    "REMOVED_BY",
    "Chunk",
    "RollUpResult",
    "RollUpTask",
    "chunks",
    "run_roll_ups",
    "touched_entities",
]
