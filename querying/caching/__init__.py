"""Caches answers and searches."""
