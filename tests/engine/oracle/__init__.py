"""The judge of `frames`, `instance_references`, `segments` and `content_items`: their rows straight from pydicom's data sets.

Nothing here imports an engine or anything else of ``dicomlake.extract``. It walks a data set that ``pydicom.dcmread`` gave, in the plainest
way, and answers the final rows as dictionaries without the keys that come from `instances`.
"""
