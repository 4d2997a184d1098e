"""The progress of a run for people: in words, and as a bar in Jupyter."""
