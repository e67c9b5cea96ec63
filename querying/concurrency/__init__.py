"""Limits and threads that all questions of a process share."""
