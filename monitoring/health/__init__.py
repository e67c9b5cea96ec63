"""Whether the services work, and whether a start can succeed: probes and system checks."""
