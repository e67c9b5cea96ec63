"""Where caches keep their entries: memory, Redis, Postgres."""
