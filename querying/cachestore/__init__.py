"""Stores cache entries: in memory, in Redis, in Postgres."""
