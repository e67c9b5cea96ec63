"""Searches chunks by keywords (BM25) and by vectors, within a search scope."""
