"""Analyses questions: parts, answer type, identifiers."""
