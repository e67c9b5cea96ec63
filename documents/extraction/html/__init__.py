"""HTML pages as text: main text, lists, tables, visibility."""
