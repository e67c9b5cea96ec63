"""Reads HTML pages: main text, lists, tables, visibility."""
