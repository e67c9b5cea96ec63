"""Django's Postgres backend, hardened: bounded waits, no dead connections, and a pool with metrics."""
