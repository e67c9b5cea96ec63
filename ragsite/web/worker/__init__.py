"""gunicorn worker that waits for slow clients without a thread."""
