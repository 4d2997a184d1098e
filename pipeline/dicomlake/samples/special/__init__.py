"""Studies each made for one thing that stands inside headers: a volume with a fault, a report, a stained slide."""

from dicomlake.samples.special.write import SPECIAL_KINDS, write_special

__all__ = ["SPECIAL_KINDS", "write_special"]
