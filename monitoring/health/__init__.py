"""Health probes of the services, and system checks before a start."""
