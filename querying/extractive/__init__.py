"""Answers made of sentences of the passages, without a language model."""
