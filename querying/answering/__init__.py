"""Answers questions: coalescing, the ladder of rungs, the query log."""
