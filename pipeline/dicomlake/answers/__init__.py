"""Answers to what people ask of a lake: SQL over its tables, and an instance with its pixels."""
