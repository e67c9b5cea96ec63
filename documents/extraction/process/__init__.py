"""Runs the restricted process that reads a file: fork server, limits, sandbox."""
