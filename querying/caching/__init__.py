"""Cached answers and searches."""
