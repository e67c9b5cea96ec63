"""Process tree of `serve`: supervisor, gunicorn's configuration, access log."""
