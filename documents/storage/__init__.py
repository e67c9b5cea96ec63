"""Stores and deletes files, chunks and vectors."""
