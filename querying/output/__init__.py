"""Filters the text of a model before it is shown."""
