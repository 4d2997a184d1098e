"""Parents from children: `series`, `studies` and `patients`, rolled up for the entities that a run touched."""

from dicomlake.rollup.chunks import Chunk, chunks, touched_entities
from dicomlake.rollup.task import RollUpResult, RollUpTask, run_roll_ups

__all__ = [
    "Chunk",
    "RollUpResult",
    "RollUpTask",
    "chunks",
    "run_roll_ups",
    "touched_entities",
]
