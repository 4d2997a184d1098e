"""Answers: questions that people ask of a lake, in SQL."""
