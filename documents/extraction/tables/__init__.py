"""Describes tables of every format in one way."""
