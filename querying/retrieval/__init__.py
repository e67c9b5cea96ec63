"""Retrieves the ranked passages for a question."""
