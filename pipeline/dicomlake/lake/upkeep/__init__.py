"""Upkeep: part files merged, what no snapshot needs removed, and the lake held against its own rules."""
