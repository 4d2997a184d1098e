"""Tables of what stands inside headers: the steps from the rows that an engine takes out of sequences to those of the lake's tables."""
