"""Ready questions: SQL by name, as in ``dicomlake query LAKE @ct_index``.

Each is a file ``NAME.sql`` below this folder. Its first line is a comment that says what the rows are. Those of ``idc`` have the columns of
the Imaging Data Commons' index tables, by their names and types.
"""

from dicomlake.answers.questions.named import Question, questions, sql_of

__all__ = ["Question", "questions", "sql_of"]
