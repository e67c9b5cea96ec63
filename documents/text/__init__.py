"""Processes text without Django: normalization, headings, tables and chunking."""
