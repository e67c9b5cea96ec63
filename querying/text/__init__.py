"""Sentences, lines and code spans of a text."""
