"""Accepts files into a corpus: uploads, archives and folders."""
