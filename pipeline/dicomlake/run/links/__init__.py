"""References that gained or lost their target: `in_lake` and the finding `dangling-reference`, at the end of each run."""

from dicomlake.run.links.changes import LinkChanges
from dicomlake.run.links.judge import judge_links

__all__ = ["LinkChanges", "judge_links"]
