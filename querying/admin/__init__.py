"""Questions, feedback and caches in the admin."""
