"""What a simulated model does: loading, queueing, tokens, vectors."""
