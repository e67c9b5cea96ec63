"""Decides whether two questions ask the same."""
