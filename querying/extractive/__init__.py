"""Answers questions with quoted sentences of the passages, without a language model."""
