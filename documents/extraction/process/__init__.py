"""The restricted process that reads a file: fork server, limits, fences."""
