"""Which encoding a text is in, and its characters."""
