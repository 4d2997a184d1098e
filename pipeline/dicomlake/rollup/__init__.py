"""Parents from children: `series`, `studies` and `patients`, rolled up for the entities that a run touched."""

from dicomlake.rollup.chunks import Chunk, chunks, touched_entities
from dicomlake.rollup.final import entities_of_units, in_bytes, in_hex, keys_in, not_final
from dicomlake.rollup.of_unit import UnitRollUp, roll_up_unit
from dicomlake.rollup.stacks import SeriesStacks, stacks_of_series
from dicomlake.rollup.task import RollUpResult, RollUpTask, run_roll_ups

__all__ = [
    "Chunk",
    "RollUpResult",
    "RollUpTask",
    "SeriesStacks",
    "UnitRollUp",
    "chunks",
    "entities_of_units",
    "in_bytes",
    "in_hex",
    "keys_in",
    "not_final",
    "roll_up_unit",
    "run_roll_ups",
    "stacks_of_series",
    "touched_entities",
]
