"""Rolling up at the end of a run: roll-ups of units that hold, entities rolled up again, and slices that moved to another stack."""
