"""Django's Postgres backend for bad days: no thread waits for ever, no dead connection is handed out."""
