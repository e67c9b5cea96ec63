"""Prompts and citations of answers that a language model writes."""
