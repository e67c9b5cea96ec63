"""Web layer that all requests share: errors, ids, rate limits, static files."""
