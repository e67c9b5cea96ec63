"""Detects the encoding of a text and decodes it."""
