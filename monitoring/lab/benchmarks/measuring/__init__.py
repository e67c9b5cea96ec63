"""Measurements of processes, machines, indexes and statements."""
