"""Reads PDF files: pages, columns, tables, headings, form fields."""
