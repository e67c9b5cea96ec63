"""Redis as a cache that may fail."""
