"""Reading: the tables that a snapshot pins, and the difference between two snapshots."""
