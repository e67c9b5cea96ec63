"""What requests pass through: errors, ids, rate limits, static files."""
