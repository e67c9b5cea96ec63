"""Writing and deleting: files, chunks, vectors."""
